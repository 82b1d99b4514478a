"""Verbs that carry bytes: they show how far they are, go on after a cut, and check what arrived."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from jupyter_workspace.cli.files import COLUMNS, id_of
from jupyter_workspace.cli.folders import UNREADABLE, Chosen, choose
from jupyter_workspace.cli.output import shown_path, size_of
from jupyter_workspace.cli.progress import Bars
from jupyter_workspace.errors import OutOfSpace, ServerUnreachable, SessionClosed, WorkspaceError
from jupyter_workspace.models.file import Conflict, File

if TYPE_CHECKING:
    from jupyter_workspace.cli.main import Context

__all__ = ["VERBS"]

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
    saved: list[File] = []
    try:
        with Bars() as bars:
            for one in chosen:
                try:
                    saved.append(_sent(context, bars, session_id, one, folder, on_conflict))
                except OF_ALL:
                    raise
                except (WorkspaceError, OSError) as error:
                    context.output.error(error, of=shown_path(one.path))
    finally:
        if saved:
            context.output.rows(saved, COLUMNS)
    is_all = len(saved) == len(chosen) and all(reason != UNREADABLE for _, reason in skipped)
    return 0 if is_all else 1


def _sent(
    context: Context, bars: Bars, session_id: str, one: Chosen, folder: str, on_conflict: Conflict
) -> File:
    return context.client.upload(
        session_id,
        one.path,
        one.path.name,
        folder="/".join(part for part in (folder, one.folder) if part),
        on_conflict=on_conflict,
        on_progress=bars.bar(shown_path(Path(one.path.name)), one.size),
    )


@click.command()
@click.argument("session_id")
@click.argument("name")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def download(context: Context, session_id: str, name: str, target: Path | None) -> None:
    """Download one file, named by id or path; verified, and resumed if the line drops."""
    file = context.client.get_file(session_id, id_of(context, session_id, name))
    with Bars() as bars:
        path = context.client.download(
            session_id,
            file.artifact_id,
            target or Path(file.name),
            on_progress=bars.bar(file.name, file.size),
        )
    context.output.line(str(path), {"path": str(path), "sha256": file.sha256})


@click.command("zip")
@click.argument("session_id")
@click.argument("target", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def zip_session(context: Context, session_id: str, target: Path | None) -> None:
    """Download a session as a zip; resumed if the line drops."""
    with Bars() as bars:
        path = context.client.zip_session(
            session_id, target or Path(f"{session_id}.zip"), on_progress=bars.bar(f"{session_id}.zip", None)
        )
    context.output.line(f"{path} ({size_of(path.stat().st_size)})", {"path": str(path)})


VERBS = (upload, download, zip_session)
