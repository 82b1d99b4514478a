"""Bytes: where they lie, how they come in, how they are read. What a file *means* is no concern here.

`base` has the values and protocols that services know; `local` keeps real files in the user's folders.
"""
