"""Prints how many statements the passing tests have shown; with `--missing`, which they have not.

`--forget` begins a new count.
"""

from __future__ import annotations

import argparse

import requirements


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", action="store_true", help="name the [core] statements not shown")
    parser.add_argument("--forget", action="store_true", help="begin a new count")
    chosen = parser.parse_args()
    if chosen.forget:
        requirements.SHOWN.unlink(missing_ok=True)
        return
    shown = requirements.shown()
    if chosen.missing:
        known = requirements.statements()
        print("not shown:", *(name for name, kind in known.items() if kind == "core" and name not in shown))
    print(requirements.summary(shown))


if __name__ == "__main__":
    main()
