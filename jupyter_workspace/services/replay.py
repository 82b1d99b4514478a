"""What a journal says: its lines, one after the other, make a session and its files.

Lines put whole values, so the last one about a thing wins. One that comes twice counts where it came first.

    session       a SessionEntry; with `deleted_at` it is a tombstone, and all files before it go
    file          an Entry: a file's row, live or in the trash
    file_gone     {attachment_id}
    version       an Entry: a version that was replaced
    version_gone  {artifact_id}
    sequence      {last}: the highest sequence the session's log ever had
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from jupyter_workspace.models.entry import Entry, SessionEntry
from jupyter_workspace.protocol.journal import BadLine, JournalEntry, encode_line, read_lines

__all__ = ["Replayed", "compacted", "replay"]


class Replayed(Struct, kw_only=True):
    """The state that a journal describes.

    `position` is that of its last good line, `lines` how many it has; `damaged` counts lines that
    could not be read, a torn last line not among them.
    """

    session: SessionEntry | None = None
    files: dict[str, Entry] = {}
    versions: dict[str, Entry] = {}
    last_sequence: int = 0
    position: int = 0
    lines: int = 0
    damaged: int = 0


def replay(session_id: str, journal: bytes) -> Replayed:
    """The state at the end of a journal. Lines about another session are damage, too."""
    state = Replayed(files={}, versions={})
    for line in read_lines([_once(journal)]):
        state.lines += 1
        if isinstance(line, BadLine):
            state.damaged += not line.torn
            continue
        try:
            _apply(state, session_id, line)
        except (msgspec.ValidationError, KeyError, ValueError):
            state.damaged += 1
            continue
        state.position = max(state.position, line.position)
    return state


def compacted(state: Replayed) -> bytes:
    """The shortest journal that says the same; positions begin so that the last one stays."""
    return b"".join(encode_line(entry) for entry in _entries(state))


def _once(journal: bytes) -> bytes:
    """Without lines that were there before: told again after later ones, they would turn back the time."""
    lines = journal.splitlines(keepends=True)
    unlike = dict.fromkeys(lines)
    return journal if len(unlike) == len(lines) else b"".join(unlike)


def _apply(state: Replayed, session_id: str, line: JournalEntry) -> None:
    body = line.body
    match line.kind:
        case "session":
            session = msgspec.convert(body, SessionEntry)
            if session.session_id != session_id:
                raise ValueError(session_id)
            state.session = session
            if session.deleted_at is not None:
                state.files.clear()
                state.versions.clear()
        case "file":
            entry = _own(body, session_id)
            state.files[entry.attachment_id] = entry
        case "version":
            entry = _own(body, session_id)
            state.versions[entry.artifact_id] = entry
        case "file_gone":
            state.files.pop(body["attachment_id"], None)
        case "version_gone":
            state.versions.pop(body["artifact_id"], None)
        case "sequence":
            state.last_sequence = max(state.last_sequence, int(body["last"]))
        case _:
            raise ValueError(line.kind)


def _own(body: object, session_id: str) -> Entry:
    entry = msgspec.convert(body, Entry)
    if entry.session_id != session_id:
        raise ValueError(session_id)
    return entry


def _entries(state: Replayed) -> Iterator[JournalEntry]:
    bodies: list[tuple[str, object]] = []
    if state.session is not None:
        bodies.append(("session", replace(state.session, last_sequence=state.last_sequence)))
    bodies.extend(("file", entry) for entry in state.files.values())
    bodies.extend(("version", entry) for entry in state.versions.values())
    if state.last_sequence:
        bodies.append(("sequence", {"last": state.last_sequence}))
    # A journal never has more values than lines, so the first position is 1 at the least.
    first = max(state.position - len(bodies) + 1, 1)
    for place, (kind, body) in enumerate(bodies):
        yield JournalEntry(position=first + place, kind=kind, body=msgspec.to_builtins(body))
