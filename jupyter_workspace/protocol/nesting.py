"""How deep a JSON text is nested.

What is stored is read again by code that stands deeper in Python's stack than the code that took it in, so a
text that is just within the interpreter's bound today need not be so at the next start.
"""

from __future__ import annotations

import re
from typing import Final

#: Most arrays and objects in each other that are taken in.
MAX_DEPTH: Final = 100

_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACES: Final = bytes.maketrans(b"{}", b"[]")
_OTHERS: Final = bytes(set(range(256)) - set(b"[]{}"))


def is_too_deep(content: bytes) -> bool:
    """Whether a well-formed JSON text has more than `MAX_DEPTH` arrays and objects in each other."""
    if content.count(b"[") + content.count(b"{") <= MAX_DEPTH:
        return False
    marks = _STRING.sub(b"", content).translate(_BRACES, _OTHERS)
    for _ in range(MAX_DEPTH):
        # Takes the innermost level away.
        marks = marks.replace(b"[]", b"")
        if not marks:
            return False
    return True
