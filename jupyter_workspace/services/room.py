"""Room for bytes that are on their way: what is reserved, and whether more fits.

Limits are checked on live files and trash together, plus what other uploads have reserved. Before a
refusal the oldest trash gives way; and the file that an upload replaces is as good as trash already, so
that a replace is never refused by its own old version.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Protocol

from jupyter_workspace.errors import DiskFull, FileTooLarge, QuotaExceeded, WorkspaceError
from jupyter_workspace.models.entry import SessionEntry, SessionTotals
from jupyter_workspace.policy.limits import Scope, check_disk, check_file_size, check_quota, headroom
from jupyter_workspace.policy.retention import Candidate, due_for_room
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.remnants import Remnants
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.stores.base import Store

__all__ = ["Purgeable", "Reservation", "Room"]

#: A reservation of unknown length grows by this many bytes at a time.
STEP = 64 * 2**20

#: How often the room that is set aside is looked after, in seconds, and the free bytes that this needs.
REFILL_SECONDS = 5.0
ENOUGH = 32 * 2**20


class Purgeable(Protocol):
    """What gives way when room is needed; see `trash.Trash`."""

    async def candidates(
        self, *, session: SessionEntry | None = None, owner: str | None = None
    ) -> list[Candidate]:
        """What could go: of one session, of the sessions of one owner, or of all."""

    async def purge(self, keys: list[str]) -> None:
        """Ends these."""


class Reservation:
    """Room for one file: `size` bytes that nobody else can have until `release`.

    `written` of them are on the disk already, so the disk need not have room for them any more.
    """

    def __init__(self, room: Room, session: SessionEntry | None, replaces: str | None = None) -> None:
        self._room = room
        self.session = session
        #: the path of the file that gives way to this one, if there is one
        self.replaces = replaces
        self.size = 0
        self.written = 0

    async def cover(self, size: int) -> None:
        """Makes sure that `size` bytes are reserved; raises as `Room.reserve` does."""
        if size <= self.size:
            return
        try:
            await self._room.grow(self, max(size, self.size + STEP))
        except (FileTooLarge, QuotaExceeded, DiskFull):
            await self._room.grow(self, size)

    async def renew(self, size: int) -> None:
        """Makes sure that `size` bytes, and no more, are reserved again; raises as `Room.reserve` does."""
        if size > self.size:
            await self._room.grow(self, size)

    def lapse(self) -> None:
        """Keeps no more than what has come: the rest is for others until somebody goes on."""
        self.size = min(self.size, self.written)

    async def belong_to(self, session: SessionEntry, replaces: str | None) -> None:
        """Says whose room it takes, and for which path; raises QuotaExceeded when there is not that much."""
        if self.session is None or self.replaces != replaces:
            self.session, self.replaces = session, replaces
            await self._room.grow(self, self.size)

    def release(self) -> None:
        """Gives the room back; may be called again."""
        self._room.release(self)


class Room:
    """The reservations of this server."""

    def __init__(
        self, ledger: Ledger, store: Store, settings: Settings, trash: Purgeable, remnants: Remnants
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._settings = settings
        self._trash = trash
        self._remnants = remnants
        self._held: set[Reservation] = set()
        # One at a time, or uploads that come together are all refused for each other's sake.
        has_quota = settings.max_session_size or settings.max_user_size
        self._turn = asyncio.Lock() if has_quota else contextlib.nullcontext()

    async def run(self) -> None:
        """Keeps some room set aside for cleaning up a full disk, until cancelled."""
        while True:
            await asyncio.sleep(REFILL_SECONDS)
            with contextlib.suppress(WorkspaceError):
                free, _ = await self._store.free()
                if free >= ENOUGH:
                    await self._store.ensure_ballast()

    async def reserve(
        self, session: SessionEntry | None, size: int, replaces: str | None = None
    ) -> Reservation:
        """Room for `size` bytes; `replaces` is the path of the file that they take the place of.

        Raises FileTooLarge, QuotaExceeded (session first, then user) or DiskFull.
        """
        reservation = Reservation(self, session, replaces)
        self._held.add(reservation)
        try:
            await self.grow(reservation, size)
        except BaseException:
            self.release(reservation)
            raise
        return reservation

    async def reserve_instead(
        self, session: SessionEntry, size: int, given_up: Sequence[Reservation]
    ) -> Reservation:
        """Room for `size` bytes in place of what these hold; they keep it when that is refused."""
        sizes = [held.size for held in given_up]
        for held in given_up:
            held.size = 0
        try:
            return await self.reserve(session, size)
        except BaseException:
            for held, before in zip(given_up, sizes, strict=True):
                held.size = before
            raise

    def hold(self, session: SessionEntry, size: int, written: int) -> Reservation:
        """Room that was granted before the server was started again; it is not asked for twice."""
        reservation = Reservation(self, session)
        reservation.size, reservation.written = size, written
        self._held.add(reservation)
        return reservation

    async def grow(self, reservation: Reservation, size: int) -> None:
        """Raises a reservation to `size` bytes, or raises as `reserve` does and leaves it."""
        check_file_size(size, self._settings.max_file_size)
        async with self._turn:
            before, reservation.size = reservation.size, size
            try:
                await self._check_quota(reservation)
                await self._check_disk(reservation)
            except BaseException:
                reservation.size = before
                raise

    def release(self, reservation: Reservation) -> None:
        """Gives up a reservation."""
        self._held.discard(reservation)

    async def check_disk(self, size: int) -> None:
        """Raises DiskFull when the disk has no room for `size` bytes, without reserving them."""
        free, total = await self._store.free()
        check_disk(free=free, headroom=headroom(self._settings.disk_headroom, total), requested=size)

    async def _check_quota(self, mine: Reservation) -> None:
        limits = self._settings
        if not limits.max_session_size and not limits.max_user_size:
            return
        session = mine.session
        if session is None:
            return
        async with self._ledger.reading() as tx:
            _, totals = await tx.sessions.with_totals(session.session_id)
            user = await tx.sessions.totals(session.owner)
            owned = await tx.sessions.ids_of(session.owner)
        left = [one for one in await self._remnants.all() if one.session_id in owned]
        here = sum(one.size for one in left if one.session_id == session.session_id and not one.is_session)
        used = _kept(totals) + here + self._others(mine, lambda held: held.session_id == session.session_id)
        await self._fit("session", session, used, limits.max_session_size, mine)
        used = (
            _kept(user)
            + sum(one.size for one in left)
            + self._others(mine, lambda held: held.owner == session.owner)
        )
        await self._fit("user", session, used, limits.max_user_size, mine)

    async def _fit(
        self, scope: Scope, session: SessionEntry, used: int, limit: int, mine: Reservation
    ) -> None:
        try:
            check_quota(scope, used=used, limit=limit, requested=mine.size)
        except QuotaExceeded:
            given_up = await self._given_up(mine)
            trash = (
                await self._trash.candidates(session=session)
                if scope == "session"
                else await self._trash.candidates(owner=session.owner)
            )
            if not await self._make_room(trash, used + mine.size - limit, given_up):
                reclaimable = sum(one.size for one in trash) + given_up
                check_quota(scope, used=used, limit=limit, requested=mine.size, reclaimable=reclaimable)

    async def _given_up(self, mine: Reservation) -> int:
        """The bytes of the file that is to be replaced."""
        if mine.session is None or mine.replaces is None:
            return 0
        async with self._ledger.reading() as tx:
            old = await tx.files.at(mine.session.session_id, mine.replaces)
        return 0 if old is None else old.owned_bytes

    async def _check_disk(self, mine: Reservation) -> None:
        free, size = await self._store.free()
        spare = headroom(self._settings.disk_headroom, size)
        promised = sum(max(held.size - held.written, 0) for held in self._held if held is not mine)
        requested = max(mine.size - mine.written, 0)
        try:
            check_disk(free=free - promised, headroom=spare, requested=requested)
        except DiskFull:
            trash = await self._trash.candidates()
            if not await self._make_room(trash, requested + spare + promised - free):
                raise

    def _others(self, mine: Reservation, concerns: Callable[[SessionEntry], bool]) -> int:
        return sum(
            held.size
            for held in self._held
            if held is not mine and held.session is not None and concerns(held.session)
        )

    async def _make_room(self, trash: Sequence[Candidate], needed: int, given_up: int = 0) -> bool:
        """Purges the oldest trash if that, with what is given up anyhow, is enough; whether it was."""
        sizes = {candidate.key: candidate.size for candidate in trash}
        due = due_for_room(trash, needed=needed)
        if sum(sizes[key] for key in due) + given_up < needed:
            return False
        await self._trash.purge(due)
        return True


def _kept(totals: SessionTotals) -> int:
    return totals.live_bytes + totals.trash_bytes
