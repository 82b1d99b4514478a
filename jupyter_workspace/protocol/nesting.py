"""How deep a JSON text is nested.

What is stored is read again by code that stands deeper in Python's stack than the code that took it in, so a
text that is just within the interpreter's bound today need not be so at the next start.
"""

from __future__ import annotations

import re
from itertools import accumulate, count
from operator import sub
from typing import Final

#: Most arrays and objects in each other that are taken in.
MAX_DEPTH: Final = 100

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
#: 2 for what begins a level and 0 for what ends one, so that a sum of n marks is n more than the depth there.
_MARKS: Final = bytes.maketrans(b"[{]}", bytes([2, 2, 0, 0]))
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{}"))


def is_too_deep(content: bytes) -> bool:
    """Whether a well-formed JSON text has more than `MAX_DEPTH` arrays and objects in each other."""
    if content.count(b"[") + content.count(b"{") <= MAX_DEPTH:
        return False
    # By what runs in C: this is done in the loop, and a level after the other took half a second of 1 MiB.
    marks = _STRING.sub(b"", content).translate(_MARKS, _OTHERS)
    return max(map(sub, accumulate(marks), count(1)), default=0) > MAX_DEPTH
