"""What a list is asked for, as conditions on the rows of files and versions."""

from __future__ import annotations

import unicodedata

from sqlalchemy import ColumnElement, Table, and_, false, or_, select

from jupyter_workspace.db.tables import files, sessions, versions
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.protocol.selection import FileFilter

__all__ = ["forms", "has_text", "inside", "where_of", "where_of_versions"]


def has_text(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Where a text is part of a column that was case-folded, in any case and normal form."""
    # No column holds a NUL, and SQLite would end the pattern there.
    if "\0" in text:
        return false()
    return or_(*(column.contains(form.casefold(), autoescape=True) for form in forms(text)))


def inside(folder: str) -> ColumnElement[bool]:
    """What lies in a folder, at any depth; '' is the session's."""
    return files.c.path.startswith(f"{folder}/", autoescape=True) if folder else files.c.path != ""


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
    name = table.c.folded_name
    if filters.include_mime:
        clauses.append(
            or_(*(table.c.mime.startswith(mime, autoescape=True) for mime in filters.include_mime))
        )
    if filters.include_ext:
        # Only the last suffix counts, and a name has something before it.
        clauses.append(
            or_(
                false(),
                *(
                    and_(name.endswith(f".{ext}", autoescape=True), name != f".{ext}")
                    for ext in filters.include_ext
                    if "." not in ext
                ),
            )
        )
    if filters.max_size is not None:
        clauses.append(table.c.size <= filters.max_size)
    return clauses
