"""A real workspace for unit tests: our own clock and ids, a folder of the test, few fakes."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import msgspec

from jupyter_workspace.errors import WorkspaceError
from jupyter_workspace.models.session import SessionNew
from jupyter_workspace.policy.naming import ATTACHMENTS_FOLDER
from jupyter_workspace.services.creation import Candidate
from jupyter_workspace.services.settings import Actor, Settings
from jupyter_workspace.workspace import Places, open_workspace

ADA = Actor(owner="server", name="ada")


class Clock:
    """The present time, which passes only when a test says so."""

    def __init__(self):
        self.now = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += timedelta(**by)


class Ids:
    """Ids in the order in which they were asked for."""

    def __init__(self):
        self.count = 0

    def __call__(self, prefix):
        self.count += 1
        return f"{prefix}_{self.count:026d}"


class FakeNotebooks:
    """Kernels and the notebooks they run."""

    def __init__(self, **paths):
        self.paths = paths

    async def path_of(self, kernel_id):
        return self.paths.get(kernel_id)


class FakeScanner:
    """Reads everything; raises `verdict` for bytes that hold `marker`."""

    def __init__(self, verdict, marker=b""):
        self.verdict = verdict
        self.marker = marker
        self.seen = []

    async def check(self, read, size):
        content = b"".join([chunk async for chunk in read()])
        assert len(content) == size
        self.seen.append(content)
        if self.marker in content:
            raise self.verdict


class FailsAt:
    """Stands for a method: its n-th calls fail, all others do what the method does."""

    def __init__(self, method, error, *calls):
        self.method = method
        self.error = error
        self.calls = calls
        self.count = 0

    async def __call__(self, *args, **kwargs):
        self.count += 1
        if not self.calls or self.count in self.calls:
            raise self.error
        return await self.method(*args, **kwargs)


class Opener:
    """Opens the workspace of one folder, again and again."""

    def __init__(self, root, clock, new_id):
        self.root = root
        self.clock = clock
        self.new_id = new_id
        self.database = root.parent / "index.sqlite"

    @asynccontextmanager
    async def __call__(self, *, scanner=None, notebooks=None, in_memory=False, **settings):
        places = Places(root=self.root, database_file=None if in_memory else self.database)
        async with open_workspace(
            Settings(**{"disk_headroom": 0, "watch": False, **settings}),
            places,
            scanner=scanner,
            notebooks=notebooks,
            clock=self.clock,
            new_id=self.new_id,
        ) as workspace:
            await workspace.writable(30)
            yield workspace

    def folder(self, session_id="churn"):
        return self.root / "workspace" / session_id

    @property
    def state(self):
        return self.root / "workspace" / ".jupyter_workspace"

    def journal(self, session_id="churn"):
        return self.state / "journals" / f"{session_id}.jsonl"

    def trash(self):
        return sorted(path.name for path in (self.state / "trash").iterdir())

    def staging(self):
        return sorted(path.name for path in (self.state / "staging").iterdir())


async def session(workspace, session_id="churn", **said):
    return await workspace.sessions.create(ADA, SessionNew(session_id=session_id, **said))


async def staged(workspace, content, session_id="churn"):
    found = await workspace.sessions.require(ADA, session_id)
    arrival = await workspace.ingest.arrive(found, len(content))
    await arrival.write(content)
    return arrival


async def upload(
    workspace, name, content=b"a,b\n1,2\n", *, session_id="churn", folder=ATTACHMENTS_FOLDER, **said
):
    arrival = await staged(workspace, content, session_id)
    candidate = Candidate(name=name, folder=folder, **said)
    saved = await workspace.ingest.admit(session_id, [(candidate, arrival)])
    return saved.entries[0]


def write(folder, path, content=b"made here"):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def sha256(content):
    return hashlib.sha256(content).hexdigest()


async def caught(awaitable):
    """The error that it raises."""
    try:
        await awaitable
    except WorkspaceError as error:
        return error
    message = "nothing was raised"
    raise AssertionError(message)


async def events(workspace, session_id="churn", after=0):
    part = await workspace.parts.log.read(session_id, after)
    return [msgspec.json.decode(record.payload) for record in part.records]


async def content_of(workspace, file_id, session_id="churn"):
    opened = await workspace.delivery.open(ADA, session_id, file_id)
    async with opened.file as file:
        return await file.read(0, opened.size)


async def indexed(workspace, session_id="churn"):
    """(session, totals, files, versions) as the index has them."""
    async with workspace.parts.ledger.reading() as tx:
        found = await tx.sessions.with_totals(session_id)
        files, versions = await tx.files.all_of(session_id)
    return (*found, {e.attachment_id: e for e in files}, {e.artifact_id: e for e in versions})
