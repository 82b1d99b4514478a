"""Wire formats without input or output: values in, values out.

Here belong the forms that standards rule (ranges, forms, tus, event streams, zip, digests, signatures)
and the lines of our own journal. What does not belong here: opinions (`policy`), sockets, files and
clocks; the time, when a form needs one, comes in as an argument.
"""
