"""Verbs that carry bytes: they show how far they are, go on after a cut, and check what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from jupyter_workspace.cli.files import COLUMNS, id_of
from jupyter_workspace.cli.folders import UNREADABLE, Chosen, choose
from jupyter_workspace.cli.output import shown_path, size_of
from jupyter_workspace.cli.progress import Bars
from jupyter_workspace.client.async_client import AsyncClient
from jupyter_workspace.errors import OutOfSpace, ServerUnreachable, SessionClosed, WorkspaceError
from jupyter_workspace.models.file import Conflict, File

if TYPE_CHECKING:
    from jupyter_workspace.cli.main import Context

__all__ = ["VERBS"]

#: Files on their way at a time: over a long line small ones wait for answers most of their time.
AT_ONCE = 4

#: Errors that the next file would meet as well.
OF_ALL = (ServerUnreachable, OutOfSpace, SessionClosed)


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
    """Upload files and folders; a broken upload goes on where it stopped, each file is verified."""
    chosen, skipped = choose(paths)
    for path, reason in skipped:
        name = shown_path(path)
        context.output.beside(f"Skipped {name}: {reason}.", {"skipped": name, "reason": reason})
    # Before anything is tried for long: is there a server that takes files?
    context.client.get_service()
    saved: dict[int, File] = {}
    plan = _Plan(session_id, folder, on_conflict)
    try:
        with Bars([one.size for one in chosen]) as bars:
            asyncio.run(_send_all(context, bars, plan, chosen, saved))
    finally:
        if saved:
            context.output.rows([saved[place] for place in sorted(saved)], COLUMNS)
    is_all = len(saved) == len(chosen) and all(reason != UNREADABLE for _, reason in skipped)
    return 0 if is_all else 1


class _Plan(NamedTuple):
    """Where files go."""

    session_id: str
    folder: str
    on_conflict: Conflict

    def target(self, one: Chosen) -> tuple[str, str]:
        """Folder and name in the session."""
        return "/".join(part for part in (self.folder, one.folder) if part), one.path.name


async def _send_all(
    context: Context, bars: Bars, plan: _Plan, chosen: Sequence[Chosen], saved: dict[int, File]
) -> None:
    """Sends a few files at a time; `saved` has the records by their places. An error of all ends it."""
    # Which of two files with one name comes first must not be left to chance.
    is_clear = len({plan.target(one) for one in chosen}) == len(chosen)
    waiting = iter(enumerate(chosen))
    async with AsyncClient.at(context.client.server) as client:

        async def send() -> None:
            for place, one in waiting:
                try:
                    saved[place] = await _sent(client, bars, plan, one)
                except OF_ALL:
                    raise
                except (WorkspaceError, OSError) as error:
                    context.output.error(error, of=shown_path(one.path))

        senders = [asyncio.create_task(send()) for _ in range(AT_ONCE if is_clear else 1)]
        try:
            await asyncio.gather(*senders)
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)


async def _sent(client: AsyncClient, bars: Bars, plan: _Plan, one: Chosen) -> File:
    folder, name = plan.target(one)
    with bars.bar(shown_path(Path(name)), one.size) as done:
        return await client.upload(
            plan.session_id,
            one.path,
            name,
            folder=folder,
            on_conflict=plan.on_conflict,
            on_progress=done,
        )


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
