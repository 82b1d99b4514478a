"""How sessions and files show themselves: text for terminals, HTML for cells.

Every value is escaped: names and metadata come from outside. Without a server behind the page (a
notebook on the web) the HTML still reads as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

import msgspec

from jupyter_workspace.models.file import File
from jupyter_workspace.models.session import Session

__all__ = [
    "file_card",
    "file_table",
    "file_text",
    "files_text",
    "readable_size",
    "session_card",
    "session_text",
]

#: What a browser shows as a picture and cannot run as a program (SVG can).
RASTER_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/avif"})

_BUTTON = (
    "display:inline-block;padding:2px 10px;border:1px solid var(--jp-border-color1,#bdbdbd);"
    "border-radius:3px;color:var(--jp-ui-font-color1,inherit);text-decoration:none"
)
_SMALL = "color:var(--jp-ui-font-color2,#616161);font-size:smaller"
#: So many digits of a sum are shown.
_DIGITS = 16
_UNITS = ("KiB", "MiB", "GiB", "TiB")


def readable_size(size_bytes: int) -> str:
    """A size for people, in bytes or binary units: '512 B', '1.5 MiB'."""
    if size_bytes < 1024:  # noqa: PLR2004 - the unit
        return f"{size_bytes} B"
    power = min((size_bytes.bit_length() - 1) // 10, len(_UNITS))
    return f"{size_bytes / 1024**power:.1f} {_UNITS[power - 1]}"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _digest(file: File) -> str:
    return "not yet known" if file.sha256 is None else f"{file.sha256[:_DIGITS]}…"


# --- text ---------------------------------------------------------------------------------------


def file_text(file: File) -> str:
    """One line: kind, path, size, type, id."""
    return f"<{file.kind} {file.path!r}, {readable_size(file.size)}, {file.mime}, {file.attachment_id}>"


def files_text(files: Sequence[File], total: int) -> str:
    """A table in plain text; `total` counts also what is not shown."""
    rows = [("id", "path", "size", "sha256", "modified")]
    rows += [
        (
            file.attachment_id,
            repr(file.path)[1:-1],
            readable_size(file.size),
            _digest(file),
            _time(file.modified_at),
        )
        for file in files
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([*_earlier(files, total), *lines])


def session_text(session: Session) -> str:
    """One line: id, notebook, counts."""
    notebook = f" of {session.notebook_path!r}" if session.notebook_path else ""
    counts = (
        f"{session.attachments} attachments, {session.artifacts} artifacts, {readable_size(session.size)}"
    )
    return f"<session {session.session_id!r}{notebook}: {counts}>"


def _earlier(files: Sequence[File], total: int) -> list[str]:
    return [f"… {total - len(files)} earlier"] if total > len(files) else []


# --- HTML ---------------------------------------------------------------------------------------


def _download(url: str, label: str) -> str:
    return f'<a href="{escape(url)}" download target="_blank" style="{_BUTTON}">{label}</a>'


def file_card(file: File, url: str) -> str:
    """A card with a download button, and the picture when it is one; `url` is the version's."""
    facts = [escape(file.kind), escape(file.mime), readable_size(file.size), _time(file.modified_at)]
    if file.metadata:
        facts.append(f"<code>{escape(msgspec.json.encode(file.metadata).decode())}</code>")
    return (
        f"<div><b>{escape(file.path)}</b><br>"
        f'<span style="{_SMALL}">{" · ".join(facts)}<br>'
        f"{escape(file.attachment_id)} · sha256 {_digest(file)}</span><br>"
        f"{_picture(file, url)}{_download(f'{url}?mode=stream&download=true', 'Download')}</div>"
    )


def _picture(file: File, url: str) -> str:
    if file.mime not in RASTER_IMAGES:
        return ""
    source, name = escape(f"{url}?mode=stream"), escape(file.name)
    return f'<img src="{source}" alt="{name}" loading="lazy" style="max-width:320px;max-height:240px"><br>'


def file_table(files: Sequence[File], urls: Sequence[str], total: int) -> str:
    """A table of files, each name a download link; `total` counts also what is not shown."""
    rows = "".join(_row(file, url) for file, url in zip(files, urls, strict=True))
    heads = "".join(
        f'<th style="text-align:left">{word}</th>' for word in ("file", "size", "sha256", "modified", "id")
    )
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return "".join([*_earlier(files, total), table])


def _row(file: File, url: str) -> str:
    link = escape(f"{url}?mode=stream&download=true")
    cells = (
        f'<a href="{link}" download target="_blank">{escape(file.path)}</a>',
        readable_size(file.size),
        f"<code>{_digest(file)}</code>",
        _time(file.modified_at),
        f"<code>{escape(file.attachment_id)}</code>",
    )
    return "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in cells) + "</tr>"


def session_card(session: Session, zip_url: str) -> str:
    """A card of the session, with a button that brings all its files as a zip."""
    notebook = f"files of {escape(session.notebook_path)}<br>" if session.notebook_path else ""
    facts = (
        f"{session.attachments} attachments",
        f"{session.artifacts} artifacts",
        readable_size(session.size),
        escape(session.status),
        f"folder {escape(session.path)}",
    )
    return (
        f"<div><b>{escape(session.name)}</b><br>"
        f'<span style="{_SMALL}">{notebook}{" · ".join(facts)}</span><br>'
        f"{_download(zip_url, 'Download all')}</div>"
    )
