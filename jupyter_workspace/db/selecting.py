"""What a list is asked for, as conditions on the rows of files and versions.

LIKE is never used: it takes ASCII letters of either case for the same, and SQLite refuses a pattern of
more than 50,000 bytes.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from sqlalchemy import ColumnElement, Table, and_, false, func, or_, select, true

from jupyter_workspace.db.tables import files, sessions, versions
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.protocol.selection import FileFilter

__all__ = ["forms", "has_text", "inside", "where_of", "where_of_versions"]


def has_text(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Where a text is part of a column that was case-folded, in any case and normal form; '' is of any."""
    # No column holds a NUL, and SQLite would end the text there.
    if "\0" in text:
        return false()
    if not text:
        return true()
    # What is the same without the text does not have it: that, every database can tell.
    return or_(*(func.replace(column, part.casefold(), "") != column for part in forms(text)))


def inside(folder: str) -> ColumnElement[bool]:
    """What lies in a folder, at any depth; '' is the session's."""
    return _begins(files.c.path, [f"{folder}/"]) if folder else files.c.path != ""


def _begins(column: ColumnElement[str], words: Iterable[str]) -> ColumnElement[bool]:
    """Where a column begins with one of the words."""
    sizes = _by_size(words).items()
    return or_(false(), *(func.substr(column, 1, size).in_(some) for size, some in sizes))


def _ends(column: ColumnElement[str], words: Iterable[str]) -> ColumnElement[bool]:
    """Where a column ends with one of the words and has something before it."""
    size_of = func.length(column)
    sizes = _by_size(words).items()
    return or_(
        false(),
        *(and_(size_of > size, func.substr(column, size_of - size + 1).in_(some)) for size, some in sizes),
    )


def _by_size(words: Iterable[str]) -> dict[int, set[str]]:
    """The words by their length: a condition a length, for SQLite has a bound on how many it takes."""
    found: dict[int, set[str]] = {}
    for word in words:
        found.setdefault(len(word), set()).add(word)
    return found


def forms(text: str) -> set[str]:
    """A text in the forms that names have: as it was given, in NFC as what came in, in NFD as on macOS."""
    return {text, unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}


def where_of(wanted: FileFilter) -> ColumnElement[bool]:
    """The live files that a filter names."""
    clauses = [files.c.deleted_at.is_(None), *_clauses(wanted, files)]
    if wanted.prefix:
        clauses.append(or_(*(or_(files.c.path == form, inside(form)) for form in forms(wanted.prefix))))
    if wanted.chosen is not None:
        clauses.append(or_(files.c.attachment_id.in_(wanted.chosen), files.c.artifact_id.in_(wanted.chosen)))
    return and_(*clauses)


def where_of_versions(wanted: FileFilter) -> ColumnElement[bool]:
    """The replaced versions of live files that are chosen by their own ids, and fit the filter."""
    alive = select(files.c.attachment_id).where(files.c.deleted_at.is_(None))
    return and_(
        versions.c.artifact_id.in_(wanted.chosen or ()),
        versions.c.attachment_id.in_(alive),
        *_clauses(wanted, versions),
    )


def _clauses(wanted: FileFilter, table: Table) -> list[ColumnElement[bool]]:
    """What a filter says of the columns that files and versions have in common, but for ids and folder."""
    clauses: list[ColumnElement[bool]] = []
    if wanted.session_id is not None:
        clauses.append(table.c.session_id == wanted.session_id)
    if wanted.owner is not None:
        owned = select(sessions.c.session_id).where(
            sessions.c.owner == wanted.owner, sessions.c.deleted_at.is_(None)
        )
        clauses.append(table.c.session_id.in_(owned))
    if wanted.kind is not None:
        clauses.append(table.c.kind == wanted.kind)
    if wanted.text is not None:
        clauses.append(has_text(table.c.folded_name, wanted.text))
    if wanted.filters is not None:
        clauses.extend(_filtered(wanted.filters, table))
    return clauses


def _filtered(filters: Filters, table: Table) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if filters.include_mime:
        clauses.append(_begins(func.lower(table.c.mime), filters.include_mime))
    if filters.include_ext:
        # Only the last suffix counts, and a name has something before it.
        suffixes = [f".{ext}" for ext in filters.include_ext if "." not in ext]
        clauses.append(_ends(table.c.folded_name, suffixes))
    if filters.max_size is not None:
        clauses.append(table.c.size <= filters.max_size)
    return clauses
