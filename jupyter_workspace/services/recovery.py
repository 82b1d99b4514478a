"""What happens at start: index and journals are brought to agree, and half-done work is ended.

Neither side is trusted blindly. The one whose journal position is higher knows more; at the same
position an undamaged journal wins, because a bit that flipped in a database row goes unnoticed.
"""

from __future__ import annotations

import asyncio
import logging

import msgspec
from msgspec.structs import replace

from jupyter_workspace.errors import Internal, WorkspaceError
from jupyter_workspace.models.entry import SessionEntry, SessionTotals
from jupyter_workspace.models.service import Problem
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.replay import Replayed, compacted, replay
from jupyter_workspace.stores.base import Journals

__all__ = ["UNREADABLE", "Recovery"]

_log = logging.getLogger(__name__)

#: A journal with more than this many lines to spare is rewritten.
SPARE_LINES = 1000

_DAMAGED = "journal_damaged"

#: What reading rows raises whose bytes have changed on the disk: a value may even have another type now.
UNREADABLE = (msgspec.MsgspecError, ValueError, TypeError, ArithmeticError)


class Recovery:
    """Makes the index and the journals say the same."""

    def __init__(self, ledger: Ledger, journals: Journals) -> None:
        self._ledger = ledger
        self._journals = journals
        self.problems: list[Problem] = []
        self._rebuilt = 0

    @property
    def is_complete(self) -> bool:
        """Whether every journal could be read, so that what no row knows is really unknown."""
        return all(problem.code != _DAMAGED for problem in self.problems)

    async def run(self) -> list[str]:
        """Brings every session to agree; gives the ids of live sessions."""
        async with self._ledger.reading() as tx:
            positions = await tx.sessions.journal_positions()
        live = []
        for session_id in sorted({*positions, *await self._journals.names()}):
            try:
                if await self._agree(session_id, positions.get(session_id)):
                    live.append(session_id)
            except (WorkspaceError, OSError):
                _log.exception("Session %s could not be checked.", session_id)
                self._report(session_id, "The session could not be checked at start.")
        if self._rebuilt:
            message = (
                f"The index did not agree with the journals of {self._rebuilt} session(s) and was made again "
                "from them. The history of their events begins anew."
            )
            self.problems.append(Problem(code="index_rebuilt", message=message))
        return live

    async def _agree(self, session_id: str, position: int | None) -> bool:
        journal = await asyncio.to_thread(replay, session_id, await self._journals.read(session_id))
        known, is_sound = (None, False) if position is None else await self._indexed(session_id, position)
        if journal.session is None:
            return await self._go_by_index(session_id, known, is_sound=is_sound)
        if known is not None and is_sound and _knows_more(known, journal):
            await self._write_anew(session_id, known)
            return _is_live(known)
        if journal.damaged:
            self._report(session_id, f"{journal.damaged} line(s) of the session's journal could not be read.")
        if known is None or not is_sound or not _same(known, journal):
            await self._restore(journal.session, journal, known)
        elif journal.lines > 2 * (len(journal.files) + len(journal.versions)) + SPARE_LINES:
            await self._journals.replace(session_id, await asyncio.to_thread(compacted, journal))
        return _is_live(journal)

    async def _go_by_index(self, session_id: str, known: Replayed | None, *, is_sound: bool) -> bool:
        """Takes the index's word; a session of which that cannot tell either is none any more."""
        if known is None or known.session is None:
            # A row that cannot be read would fail every list that it is in.
            async with self._ledger.database.transaction() as tx:
                await tx.sessions.forget(session_id)
            self._report(session_id, "The session's journal cannot be read; its folder is a plain one now.")
            return False
        if not is_sound:
            await self._restore(known.session, known, known)
        await self._write_anew(session_id, known)
        return _is_live(known)

    async def _write_anew(self, session_id: str, known: Replayed) -> None:
        await self._journals.replace(session_id, await asyncio.to_thread(compacted, known))
        self._report(session_id, "The session's journal was incomplete; it was written anew from the index.")

    async def _indexed(self, session_id: str, position: int) -> tuple[Replayed | None, bool]:
        """What the index says, None when it cannot be read; and whether its totals are what it holds."""
        try:
            async with self._ledger.reading() as tx:
                session, totals = await tx.sessions.with_totals(session_id)
                files, versions = await tx.files.all_of(session_id)
        except (*UNREADABLE, Internal):
            _log.warning("The index of session %s cannot be read.", session_id)
            return None, False
        known = Replayed(
            session=session,
            files={entry.attachment_id: entry for entry in files},
            versions={entry.artifact_id: entry for entry in versions},
            last_sequence=session.last_sequence,
            position=position,
        )
        return known, totals == SessionTotals.of(files, versions)

    async def _restore(self, session: SessionEntry, state: Replayed, indexed: Replayed | None) -> None:
        """Makes the index say what `state` says; the log goes on after its highest sequence."""
        session_id = session.session_id
        last = max(state.last_sequence, indexed.last_sequence if indexed else 0)
        entry = replace(session, last_sequence=last, oldest_sequence=last + 1)
        async with self._ledger.database.transaction() as tx:
            await tx.sessions.restore(entry, state.position)
            await tx.files.restore(session_id, list(state.files.values()), list(state.versions.values()))
        self._rebuilt += 1
        _log.info("Session %s was rebuilt from its journal.", session_id)

    def _report(self, session_id: str, message: str) -> None:
        self.problems.append(Problem(code=_DAMAGED, message=message, session_id=session_id))


def _is_live(state: Replayed) -> bool:
    return state.session is not None and state.session.deleted_at is None


def _knows_more(indexed: Replayed, journal: Replayed) -> bool:
    if indexed.position != journal.position:
        return indexed.position > journal.position
    return bool(journal.damaged)


def _same(indexed: Replayed, journal: Replayed) -> bool:
    return (
        indexed.position == journal.position
        and indexed.last_sequence >= journal.last_sequence
        and _compared(indexed.session) == _compared(journal.session)
        and indexed.files == journal.files
        and indexed.versions == journal.versions
    )


def _compared(entry: SessionEntry | None) -> SessionEntry | None:
    """The session without what changes from use to use and is not worth a line in the journal."""
    return entry and replace(entry, last_used_at=entry.created_at, last_sequence=0, oldest_sequence=1)
