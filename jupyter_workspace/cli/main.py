"""The command `jupyter workspace` and what its verbs share: the server, the form of answers, exit codes.

0  done    1  refused, or failed    2  the command line is wrong    3  no server    4  not found
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from jupyter_workspace._version import __version__
from jupyter_workspace.cli import files, sessions
from jupyter_workspace.cli.output import Output
from jupyter_workspace.cli.servers import connect
from jupyter_workspace.client.client import Client
from jupyter_workspace.errors import NotFound, ServerUnreachable, WorkspaceError

__all__ = ["main"]

FAILED, NO_SERVER, NOT_FOUND = 1, 3, 4


@dataclass
class Context:
    """What a verb is given: answers go to `output`, `client` is made when it is first asked for."""

    url: str | None
    token: str | None
    output: Output
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """The client of the server that is meant; raises ServerUnreachable."""
        if self._client is None:
            self._client = connect(self.url, self.token)
        return self._client

    def close(self) -> None:
        """Ends the connection, if there was one."""
        if self._client is not None:
            self._client.close()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--url", help="The Jupyter server's address, with its base path.")
@click.option("--token", help="Its token; better in JUPYTER_TOKEN, where nobody sees it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON value a line.")
@click.version_option(__version__, prog_name="jupyter workspace")
@click.pass_context
def cli(context: click.Context, url: str | None, token: str | None, *, as_json: bool) -> None:
    """Files and artifacts of Jupyter sessions."""
    context.obj = Context(url, token, Output(as_json=as_json))
    context.call_on_close(context.obj.close)


for verb in (*sessions.VERBS, *files.VERBS):
    cli.add_command(verb)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and exits."""
    sys.exit(_run(lambda: cli.main(arguments, prog_name="jupyter workspace", standalone_mode=False)))


def _run(command: Callable[[], Any]) -> int:
    """The exit code; an error is said in a sentence, with what would help."""
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return FAILED
    except WorkspaceError as error:
        click.echo(f"{error.code}: {error}", err=True)
        return _code_of(error)
    except OSError as error:
        click.echo(str(error), err=True)
        return FAILED
    return code if isinstance(code, int) else 0


def _code_of(error: WorkspaceError) -> int:
    if isinstance(error, ServerUnreachable):
        return NO_SERVER
    return NOT_FOUND if isinstance(error, NotFound) else FAILED
