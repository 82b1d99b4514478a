"""Opinions: what is allowed, what is due, what a thing is called.

Here belong functions that take facts and answer, or raise one of our errors. They read no clock, no
disk, no database and no configuration: whoever knows the facts hands them in. What does not belong
here: formats of the wire (`protocol`), and acting upon an answer (`services`).
"""
