"""Verbs that carry bytes: they show how far they are, go on after a cut, and check what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_workspace.cli.files import COLUMNS, id_of
from jupyter_workspace.cli.folders import UNREADABLE, Chosen, choose
from jupyter_workspace.cli.output import shown_path, size_of
from jupyter_workspace.cli.present import Plan, Present
from jupyter_workspace.cli.progress import Bars
from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.client.content import PathContent
from jupyter_workspace.errors import (
    Denied,
    FileNotFound,
    NameInvalid,
    OutOfSpace,
    PathEscapes,
    ServerUnreachable,
    SessionClosed,
    SessionNotFound,
    Unavailable,
    WorkspaceError,
)
from jupyter_workspace.models.file import Conflict, File

if TYPE_CHECKING:
    from jupyter_workspace.cli.main import Context

__all__ = ["VERBS"]

#: Files on their way at a time: over a long line small ones wait for answers most of their time.
AT_ONCE = 4

#: Errors that the next file would meet as well.
OF_ALL = (ServerUnreachable, OutOfSpace, SessionClosed, SessionNotFound, Denied)


@click.command()
@click.argument("session_id")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--dir", "folder", default="attachments", show_default=True, help="The folder in the session.")
@click.option(
    "--on-conflict",
    type=click.Choice(["rename", "error", "replace"]),
    default="rename",
    show_default=True,
    help="What to do when a name is taken.",
)
@click.pass_obj
def upload(
    context: Context, session_id: str, paths: tuple[Path, ...], folder: str, on_conflict: Conflict
) -> int:
    """Upload files and folders; a broken upload goes on where it stopped, each file is verified.

    What is there already with the same name and bytes is not uploaded again, unless --on-conflict is
    error: after a run that was stopped, the same command uploads what is left.
    """
    chosen, skipped = choose(paths)
    for path, reason in skipped:
        name = shown_path(path)
        context.output.beside(f"Skipped {name}: {reason}.", {"skipped": name, "reason": reason})
    # Before anything is tried for long: is there a server that takes files?
    context.client.get_service()
    plan = Plan(session_id, folder, on_conflict)
    run = _Run(context, plan, _present(context, plan, chosen))
    try:
        with Bars([one.size for one in chosen]) as bars:
            asyncio.run(run.send_all(bars, chosen))
    finally:
        run.tell()
    is_all = len(run.saved) == len(chosen) and all(reason != UNREADABLE for _, reason in skipped)
    return 0 if is_all else 1


def _present(context: Context, plan: Plan, chosen: Sequence[Chosen]) -> Present:
    found = _listed(context, plan, chosen)
    if not any(found.like(*plan.target(one), one.size, plan.on_conflict) for one in chosen):
        return found
    # What was changed or removed by hand a moment ago must not be taken for what it was.
    try:
        context.client.scan(plan.session_id)
    except (Denied, Unavailable):
        return Present()
    return _listed(context, plan, chosen)


def _listed(context: Context, plan: Plan, chosen: Sequence[Chosen]) -> Present:
    found = Present()
    for one in plan.questions(chosen):
        # Where no file can be, as below a hidden folder, the upload says what is wrong.
        with suppress(FileNotFound, NameInvalid, PathEscapes):
            for file in context.client.each_file(plan.session_id, path=one.path, q=one.text):
                found.add(file)
    return found


class _Run:
    """One upload of many files; `saved` has the records by the files' places."""

    def __init__(self, context: Context, plan: Plan, present: Present) -> None:
        self._context = context
        self._plan = plan
        self._present = present
        self._found = 0
        self.saved: dict[int, File] = {}

    def tell(self) -> None:
        """Says what is there now, also when not all of it is."""
        if self.saved:
            self._context.output.rows([self.saved[place] for place in sorted(self.saved)], COLUMNS)
        if self._found:
            files = "1 file was" if self._found == 1 else f"{self._found} files were"
            self._context.output.beside(f"{files} there already.", {"already_there": self._found})

    async def send_all(self, bars: Bars, chosen: Sequence[Chosen]) -> None:
        """Sends a few files at a time. An error of all ends it."""
        # Which of two files with one name comes first must not be left to chance.
        is_clear = len({self._plan.target(one) for one in chosen}) == len(chosen)
        waiting = iter(enumerate(chosen))
        async with AsyncClient.at(self._context.client.server) as client:

            async def send() -> None:
                for place, one in waiting:
                    try:
                        self.saved[place] = await self._sent(client, bars, one)
                    except OF_ALL:
                        raise
                    except (WorkspaceError, OSError) as error:
                        self._context.output.error(error, of=shown_path(one.path))

            senders = [asyncio.create_task(send()) for _ in range(AT_ONCE if is_clear else 1)]
            try:
                await asyncio.gather(*senders)
            finally:
                for sender in senders:
                    sender.cancel()
                await asyncio.gather(*senders, return_exceptions=True)

    async def _sent(self, client: AsyncClient, bars: Bars, one: Chosen) -> File:
        folder, name = self._plan.target(one)
        with bars.bar(shown_path(Path(name)), one.size) as done:
            if (same := await self._same(one)) is not None:
                done(one.size)
                self._found += 1
                return same
            file = await client.upload(
                self._plan.session_id,
                one.path,
                name,
                folder=folder,
                on_conflict=self._plan.on_conflict,
                on_progress=done,
            )
        self._present.add(file)
        return file

    async def _same(self, one: Chosen) -> File | None:
        """The file that is there already with the same bytes."""
        like = self._present.like(*self._plan.target(one), one.size, self._plan.on_conflict)
        if not like:
            return None
        content = PathContent(one.path)
        try:
            digest = await asyncio.to_thread(lambda: content.sha256 or b"")
        finally:
            content.give_up()
        return next((file for file in like if file.sha256 == digest.hex()), None)


@click.command()
@click.argument("session_id")
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def download(context: Context, session_id: str, name: str, target: Path | None) -> None:
    """Download one file, named by id or path; verified, and resumed if the line drops."""
    file = context.client.get_file(session_id, id_of(context, session_id, name))
    with Bars() as bars, bars.bar(file.name, file.size) as done:
        path = context.client.download(
            session_id, file.artifact_id, target or Path(file.name), on_progress=done
        )
    context.output.line(str(path), {"path": str(path), "sha256": file.sha256})


@click.command("zip")
@click.argument("session_id")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def zip_session(context: Context, session_id: str, target: Path | None) -> None:
    """Download a session as a zip; resumed if the line drops."""
    with Bars() as bars, bars.bar(f"{session_id}.zip", None) as done:
        path = context.client.zip_session(session_id, target or Path(f"{session_id}.zip"), on_progress=done)
    context.output.line(f"{path} ({size_of(path.stat().st_size)})", {"path": str(path)})


VERBS = (upload, download, zip_session)
