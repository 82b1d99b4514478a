"""Verbs about sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from jupyter_workspace.cli.output import size_of

if TYPE_CHECKING:
    from jupyter_workspace.cli.main import Context
    from jupyter_workspace.models.session import SessionStatus

__all__ = ["VERBS"]


@click.command("sessions")
@click.option("--status", type=click.Choice(["active", "completed", "abandoned"]))
@click.option("-q", "text", help="Part of the name or description.")
@click.pass_obj
def list_sessions(context: Context, status: SessionStatus | None, text: str | None) -> None:
    """List sessions."""
    found = context.client.each_session(status=status, q=text)
    context.output.rows(
        found, ("session_id", "name", "status", "attachments", "artifacts", "size", "last_used_at")
    )


@click.command()
@click.pass_obj
def usage(context: Context) -> None:
    """What the files take, and what is left."""
    found = context.client.get_usage()
    limit = f" of {size_of(found.limit_bytes)} ({found.used_percent} %)" if found.limit_bytes else ""
    trash = size_of(found.trash_bytes)
    text = f"{size_of(found.used_bytes)}{limit} in {found.file_count} files, {trash} in the trash"
    context.output.line(text, found)


@click.command()
@click.argument("session_id")
@click.option(
    "--after", type=click.IntRange(min=0), help="Begin after this cursor; without it, with what comes."
)
@click.option("--ext", help="Only files with these endings: csv,png")
@click.option("--mime", help="Only files of these types: image/,text/csv")
@click.pass_obj
def watch(context: Context, session_id: str, after: int | None, ext: str | None, mime: str | None) -> None:
    """Say what happens in a session, as it happens; goes on after a restart of the server."""
    if after is None:
        # A cursor beyond every log is answered with the present one.
        after = context.client.poll_events(session_id, after=2**63 - 1, wait_seconds=0).next_cursor
    events = context.client.events(
        session_id, after=after, follow=True, include_ext=ext and [ext], include_mime=mime and [mime]
    )
    for event in events:
        text = f"{event.sequence:>6}  {event.change_type:<8} {size_of(event.size):>10}  {event.path}"
        context.output.line(text, event)


VERBS = (list_sessions, usage, watch)
