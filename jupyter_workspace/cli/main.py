"""The command `jupyter workspace` and what its verbs share: the server, the form of answers, exit codes.

0  done    1  refused, or failed    2  the command line is wrong    3  no server    4  not found
130  stopped by the person
"""

from __future__ import annotations

import io
import sys
import warnings
from dataclasses import dataclass, field

import click

from jupyter_workspace._version import __version__
from jupyter_workspace.cli import files, sessions, transfers
from jupyter_workspace.cli.output import Output
from jupyter_workspace.cli.servers import connect
from jupyter_workspace.client.client import Client
from jupyter_workspace.errors import NotFound, ServerUnreachable, WorkspaceError

__all__ = ["main"]

FAILED, NO_SERVER, NOT_FOUND, STOPPED = 1, 3, 4, 130


@dataclass
class Context:
    """What a verb is given: answers go to `output`, `client` is made when it is first asked for."""

    url: str | None = None
    token: str | None = None
    output: Output = field(default_factory=lambda: Output(as_json=False))
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """The client of the server that is meant; raises ServerUnreachable, click.BadParameter."""
        if self._client is None:
            try:
                self._client = connect(self.url, self.token)
            except ValueError as error:
                raise click.BadParameter(str(error), param_hint="--url") from error
        return self._client

    def close(self) -> None:
        """Ends the connection, if there was one."""
        if self._client is not None:
            self._client.close()


def _say_json(context: click.Context, _option: click.Parameter, is_on: bool) -> None:  # noqa: FBT001 - click's
    if is_on:
        context.find_object(Context).output.as_json = True  # type: ignore[union-attr]


def _say_server(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        setattr(context.find_object(Context), str(option.name), value)


def _common() -> list[click.Option]:
    """The options that may stand before the verb and behind it."""
    callbacks = {"expose_value": False}
    return [
        click.Option(
            ["--url"],
            help="The Jupyter server's address, with its base path.",
            callback=_say_server,
            **callbacks,
        ),
        click.Option(
            ["--token"],
            help="Its token; better in JUPYTER_TOKEN, where nobody sees it.",
            callback=_say_server,
            **callbacks,
        ),
        click.Option(
            ["--json"], is_flag=True, help="One JSON value a line.", callback=_say_json, **callbacks
        ),
    ]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jupyter workspace")
@click.pass_context
def cli(context: click.Context) -> None:
    """Files and artifacts of Jupyter sessions."""
    context.call_on_close(context.obj.close)


for verb in (*sessions.VERBS, *files.VERBS, *transfers.VERBS):
    verb.params += _common()
    cli.add_command(verb)
cli.params += _common()


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and exits."""
    context = Context()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What this terminal's language has no letter for is shown by its number.
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.showwarning = lambda message, *_: context.output.note(str(message))
    sys.exit(_run(context, arguments))


def _run(context: Context, arguments: list[str] | None) -> int:
    """The exit code; an error is said in a sentence, with what would help."""
    try:
        code = cli.main(arguments, prog_name="jupyter workspace", standalone_mode=False, obj=context)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        context.output.note("Stopped.")
        return STOPPED
    except WorkspaceError as error:
        context.output.error(error)
        return _code_of(error)
    except OSError as error:
        context.output.error(error, of=error.filename)
        return FAILED
    return code if isinstance(code, int) else 0


def _code_of(error: WorkspaceError) -> int:
    if isinstance(error, ServerUnreachable):
        return NO_SERVER
    return NOT_FOUND if isinstance(error, NotFound) else FAILED
