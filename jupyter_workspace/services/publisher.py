"""The one way in which files change: promise, move, commit, tell.

An operation says in `plan` which files to move and what that means for the index. The publisher
takes all operations that wait, and for the whole batch (a) commits their intents, (b) makes their
moves, each exclusive and durable, (c) commits rows, events and the end of the intents in one
transaction. So a single request has few syncs to wait for and a hundred concurrent ones share them.
Batches run one after the other: no operation ever sees another one half done.

    after a crash                              at the next start (`recover`)
    before (a)                                 nothing was promised: staging is swept
    between (a) and the last move              taken back, in reverse order
    after the last move, before (c)            finished, as (c) would have
    after (c)                                  nothing to do
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from jupyter_workspace.db.engine import Transaction
from jupyter_workspace.errors import Busy, Internal, WorkspaceError
from jupyter_workspace.models.entry import Answer, Change, Intent
from jupyter_workspace.models.event import Event
from jupyter_workspace.services.events import EventLog, event_of
from jupyter_workspace.services.ledger import Ledger
from jupyter_workspace.services.settings import Settings
from jupyter_workspace.stores.base import Move, Publishing

__all__ = ["Operation", "Plan", "Publisher", "Steady", "path_key"]

_log = logging.getLogger(__name__)
T = TypeVar("T")

#: Operations of one batch at most.
BATCH = 64

#: How often an operation may find the disk changed under its plan before it is refused.
TRIES = 100


class Plan(Struct, Generic[T], frozen=True, kw_only=True):
    """What an operation wants: moves, changes, and what to give its caller when both are done.

    `whole_session` keeps all other operations of the session out of the batch.
    """

    result: T
    moves: Sequence[Move] = ()
    changes: Sequence[Change] = ()
    answer: Answer | None = None
    whole_session: bool = False

    def touched(self, session_id: str) -> set[str]:
        """What no other operation of the same batch may touch."""
        keys = {path_key(move.target.session_id, move.target.path) for move in self.moves}
        for change in self.changes:
            keys.update(entry.attachment_id for entry in (change.before, change.after) if entry is not None)
            keys.update(
                path_key(e.session_id, e.path) for e in (change.before, change.after) if e is not None
            )
        if self.answer is not None:
            keys.add(f"key {self.answer.owner} {self.answer.key}")
        if self.whole_session:
            keys.add(f"session {session_id}")
        return keys


def path_key(session_id: str, path: str) -> str:
    """How a batch names a path that one of its operations claims."""
    return f"{session_id}/{path}"


class Operation(Protocol[T]):
    """One change of one session's files."""

    session_id: str

    async def plan(self, tx: Transaction) -> Plan[T]:
        """What to do, found by reading only; may be asked again when a name turns out to be taken.

        Raises a WorkspaceError when it must be refused.
        """

    def again(self, error: WorkspaceError) -> bool:
        """Whether to plan again after the moves met something else on the disk than was planned."""


class Steady:
    """An operation whose plan holds, unless a file is changed between plan and move."""

    def again(self, error: WorkspaceError) -> bool:
        """Plans again after such a change."""
        return isinstance(error, Busy)


class _Job(Generic[T]):
    """An operation that waits for its turn."""

    def __init__(self, operation: Operation[T]) -> None:
        self.operation = operation
        self.done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.tries = 0
        self.plan: Plan[T] | None = None
        self.intent_id = ""

    def fail(self, error: BaseException) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def succeed(self) -> None:
        if self.plan is not None and not self.done.done():
            self.done.set_result(self.plan.result)


class Publisher:
    """Runs operations in batches; one task, owned by `open_workspace`."""

    def __init__(
        self,
        ledger: Ledger,
        store: Publishing,
        log: EventLog,
        settings: Settings,
        new_id: Callable[[str], str],
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._log = log
        self._settings = settings
        self._new_id = new_id
        self._waiting: deque[_Job[Any]] = deque()
        self._work = asyncio.Event()
        self._dead_intents: list[str] = []
        self._has_ended = False

    async def publish(self, operation: Operation[T]) -> T:
        """Does it, and gives the plan's result once everything is durable and told.

        Raises what `plan` raises, NameTaken when the name is taken, DiskFull and Busy as they come.
        """
        if self._has_ended:
            raise Busy("The server is stopping.")
        job = _Job(operation)
        self._waiting.append(job)
        self._work.set()
        # A caller that goes away does not stop a publication half way, and has to wait for its end: until
        # then what it staged must stay, where for a moment an old version can have the staging name.
        return await _finished(job.done)

    async def run(self) -> None:
        """Runs batches until cancelled; a batch under way is finished first, what waits is refused."""
        try:
            while True:
                await self._work.wait()
                self._work.clear()
                while self._waiting:
                    jobs = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                    await _finished(asyncio.create_task(self._batch(jobs)))
        except asyncio.CancelledError:
            self._has_ended = True
            for job in self._waiting:
                job.fail(Busy("The server is stopping."))
            raise

    async def recover(self) -> int:
        """Finishes or takes back what a dead server left half done; gives how many there were."""
        async with self._ledger.reading() as tx:
            left = await tx.intents.all()
        for intent in left:
            moves = [msgspec.convert(move, Move) for move in intent.moves]
            done = [await self._store.is_done(move) for move in moves]
            if not all(done):
                await self._store.undo(moves)
            async with self._ledger.writing() as tx:
                if all(done):
                    await self._commit(tx, [(intent.changes, intent.answer)])
                await tx.intents.drop([intent.intent_id])
        return len(left)

    # one batch

    async def _batch(self, jobs: list[_Job[Any]]) -> None:
        try:
            async with self._ledger.publishing:
                await self._ledger.insist(lambda: self._steps(jobs))
        except WorkspaceError as error:
            self._fail(jobs, error)
        except Exception as error:  # noqa: BLE001  (the loop of the batches must go on)
            _log.exception("A publication failed.")
            failure = Internal()
            failure.__cause__ = error
            self._fail(jobs, failure)

    async def _steps(self, jobs: list[_Job[Any]]) -> None:
        """The three steps, for those that have not ended and are not put off."""
        planned = await self._promise(
            [job for job in jobs if not job.done.done() and job not in self._waiting]
        )
        moved = await self._move(planned)
        await self._finish(moved)

    def _fail(self, jobs: list[_Job[Any]], error: WorkspaceError) -> None:
        for job in jobs:
            if job not in self._waiting:
                job.fail(error)

    async def _promise(self, jobs: list[_Job[Any]]) -> list[_Job[Any]]:
        planned: list[_Job[Any]] = []
        async with self._ledger.writing() as tx:
            taken: set[str] = set()
            busy: set[str] = set()
            for job in jobs:
                session_id = job.operation.session_id
                try:
                    plan = await job.operation.plan(tx)
                except WorkspaceError as error:
                    job.fail(error)
                    continue
                touched = plan.touched(session_id)
                if (
                    touched & taken
                    or f"session {session_id}" in taken
                    or (plan.whole_session and session_id in busy)
                ):
                    self._later(job)
                    continue
                taken |= touched
                tx.claimed |= touched
                busy.add(session_id)
                job.plan = plan
                planned.append(job)
                if plan.moves:
                    job.intent_id = self._new_id("int")
                    tx.intents.add(_intent(job))
        return planned

    async def _move(self, jobs: list[_Job[Any]]) -> list[_Job[Any]]:
        results = await asyncio.gather(
            *(self._store.apply(job.plan.moves) for job in jobs if job.plan and job.plan.moves),
            return_exceptions=True,
        )
        outcome = iter(results)
        moved = []
        for job in jobs:
            error = next(outcome) if job.plan and job.plan.moves else None
            if error is None:
                moved.append(job)
                continue
            self._dead_intents.append(job.intent_id)
            if isinstance(error, WorkspaceError) and job.tries < TRIES and job.operation.again(error):
                job.tries += 1
                self._later(job)
            elif isinstance(error, WorkspaceError):
                job.fail(error)
            else:
                _log.error("A file could not be moved.", exc_info=error)
                job.fail(Internal())
        return moved

    async def _finish(self, jobs: list[_Job[Any]]) -> None:
        dead = self._dead_intents
        ended = [job.intent_id for job in jobs if job.intent_id]
        work = [(job.plan.changes, job.plan.answer) for job in jobs if job.plan is not None]
        if not dead and not ended and not any(changes or answer for changes, answer in work):
            for job in jobs:
                job.succeed()
            return
        try:
            async with self._ledger.writing() as tx:
                await self._commit(tx, work)
                await tx.intents.drop([*dead, *ended])
        except BaseException:
            await asyncio.gather(*(self._store.undo(job.plan.moves) for job in jobs if job.plan is not None))
            self._dead_intents.extend(ended)
            raise
        self._dead_intents = [intent_id for intent_id in self._dead_intents if intent_id not in dead]
        for job in jobs:
            job.succeed()

    def _later(self, job: _Job[Any]) -> None:
        job.plan = None
        job.intent_id = ""
        self._waiting.append(job)

    async def _commit(self, tx: Transaction, work: list[tuple[Sequence[Change], Answer | None]]) -> None:
        """Rows, events and answers of finished publications."""
        told: dict[str, list[Change]] = {}
        for changes, answer in work:
            for change in changes:
                await _store(tx, change)
                entry = change.after or change.before
                if change.event is not None and entry is not None:
                    told.setdefault(entry.session_id, []).append(change)
            if answer is not None:
                await tx.keys.add(answer)
        for session_id, changes in told.items():
            await self._tell(tx, session_id, changes)

    async def _tell(self, tx: Transaction, session_id: str, changes: list[Change]) -> None:
        first = await tx.events.next_sequences(session_id, len(changes))
        now = self._log.now()
        news: list[Event] = [
            event_of(change, sequence=first + place, event_id=self._new_id("evt"), moment=now)
            for place, change in enumerate(changes)
        ]
        await tx.events.append(news)
        await tx.events.prune(session_id, self._settings.event_window)
        await tx.outbox.mark(session_id, news[-1].sequence)
        await tx.sessions.touch(session_id, now)


async def _store(tx: Transaction, change: Change) -> None:
    if change.tombstone is not None:
        await tx.sessions.bury(change.tombstone)
        return
    if change.revived is not None:
        await tx.files.drop_version(change.revived)
    if change.replaced is not None:
        await tx.files.put_version(None, change.replaced)
    if change.before is None and change.after is not None:
        await tx.files.add(change.after)
    elif change.before is not None and change.after is None:
        await tx.files.drop(change.before)
    elif change.before is not None and change.after is not None:
        await tx.files.put(change.before, change.after)


def _intent(job: _Job[Any]) -> Intent:
    plan = job.plan
    if plan is None:
        raise Internal
    return Intent(
        intent_id=job.intent_id,
        session_id=job.operation.session_id,
        moves=[msgspec.to_builtins(move) for move in plan.moves],
        changes=list(plan.changes),
        answer=plan.answer,
    )


async def _finished(future: asyncio.Future[T]) -> T:
    """What it gives at its end, which is waited for even when cancelled; then the cancellation goes on."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    if cancelled is not None:
        raise cancelled from future.exception()
    return future.result()
