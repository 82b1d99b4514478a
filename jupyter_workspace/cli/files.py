"""Verbs about the files of a session."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Literal

import click

from jupyter_workspace.client.lookup import is_file_id
from jupyter_workspace.errors import FileNotFound
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.file import File, FileKind

if TYPE_CHECKING:
    from jupyter_workspace.cli.main import Context

__all__ = ["COLUMNS", "VERBS", "id_of"]

#: Files in one request (API.md, fine print 53).
BATCH = 100

COLUMNS = ("attachment_id", "kind", "path", "size", "modified_at")


@click.command("ls")
@click.argument("session_id")
@click.option("--kind", type=click.Choice(["attachment", "artifact"]))
@click.option("--path", help="Only what is in this folder.")
@click.option("-q", "text", help="Part of the name.")
@click.option("--trash", is_flag=True, help="What was deleted and can be restored.")
@click.pass_obj
def list_files(
    context: Context,
    session_id: str,
    kind: FileKind | None,
    path: str | None,
    text: str | None,
    *,
    trash: bool,
) -> None:
    """List the files of a session."""
    if trash:
        context.output.rows(context.client.each_trash(session_id), (*COLUMNS, "deleted_at"))
        return
    found = context.client.each_file(session_id, kind=kind, path=path, q=text)
    context.output.rows(found, COLUMNS)


@click.command()
@click.argument("session_id")
@click.argument("paths", nargs=-1, required=True)
@click.option("--root", is_flag=True, help="The paths begin at the server's root, not at the session.")
@click.option("--in-place", is_flag=True, help="With --root: refer to the file, do not copy it.")
@click.pass_obj
def register(
    context: Context, session_id: str, paths: tuple[str, ...], *, root: bool, in_place: bool
) -> None:
    """Make files that are on the server known as artifacts."""
    bodies = [Register(root_path=path, copy=not in_place) if root else Register(path=path) for path in paths]
    for start in range(0, len(bodies), BATCH):
        saved = context.client.register_batch(session_id, bodies[start : start + BATCH]).saved
        context.output.rows(saved, COLUMNS)


@click.command("rm")
@click.argument("session_id")
@click.argument("names", nargs=-1, required=True)
@click.option("--permanent", is_flag=True, help="Not to the trash, but for good.")
@click.pass_obj
def remove(context: Context, session_id: str, names: tuple[str, ...], *, permanent: bool) -> None:
    """Delete files, named by id or path."""
    for name in names:
        file_id = id_of(context, session_id, name)
        context.client.delete_file(session_id, file_id, permanent=permanent)
        context.output.line(f"{name} is {'gone' if permanent else 'in the trash'}", {"artifact_id": file_id})


@click.command()
@click.argument("session_id")
@click.argument("names", nargs=-1, required=True)
@click.option("--rename", is_flag=True, help="Take another name when the old one is taken.")
@click.pass_obj
def restore(context: Context, session_id: str, names: tuple[str, ...], *, rename: bool) -> None:
    """Take files back from the trash, named by id or path."""
    # The file that was deleted last under a path is the one that is meant.
    deleted: dict[str, str] = {}
    for file in context.client.each_trash(session_id):
        for name in (_nfc(file.path), file.attachment_id):
            deleted.setdefault(name, file.artifact_id)
    on_conflict: Literal["error", "rename"] = "rename" if rename else "error"
    records: list[File] = []
    for name in names:
        file_id = deleted.get(_nfc(name))
        if file_id is None and not is_file_id(name):
            raise FileNotFound(f"There is no file {name!r} in the trash of session {session_id}.")
        records.append(context.client.restore_file(session_id, file_id or name, on_conflict=on_conflict))
    context.output.rows(records, COLUMNS)


def id_of(context: Context, session_id: str, name: str) -> str:
    """The id of a file that is named by id or path; raises FileNotFound."""
    if is_file_id(name):
        return name
    for file in context.client.each_file(session_id, path=name):
        if _nfc(file.path) == _nfc(name):
            return file.attachment_id
    raise FileNotFound(f"There is no file {name!r} in session {session_id}.")


def _nfc(text: str) -> str:
    # Macs hand over names in NFD (API.md, fine print 19).
    return unicodedata.normalize("NFC", text)


VERBS = (list_files, register, remove, restore)
