"""Writes the pages of `docs/` that follow from the code: `make reference`."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from jupyter_workspace import errors
from jupyter_workspace.cli.main import cli
from jupyter_workspace.config import JupyterWorkspace
from jupyter_workspace.handlers.openapi import document
from jupyter_workspace.handlers.routes import ROUTES

DOCS = Path(__file__).resolve().parents[2] / "docs"
NOTE = "<!-- Made by `make reference`; what stands here comes from {source}. -->"

#: Raised by the client in a kernel; no server answers with them.
KERNEL_SIDE = (
    errors.NoSession,
    errors.AmbiguousName,
    errors.FolderUnreachable,
    errors.ServerUnreachable,
)


def plain(text: str | None) -> str:
    """A docstring as one line for those who do not read the code."""
    one_line = " ".join(inspect.cleandoc(text or "").split()).replace(
        "API.md, section 1, *Names*", "the rules"
    )
    return re.sub(
        r"\s*\(API\.md[^)]*\)|, as API\.md, section \d+ has it|API\.md, section \d+, ", "", one_line
    )


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join('---' for _ in head)} |"]
    return [*lines, *(f"| {' | '.join(map(cell, row))} |" for row in rows), ""]


# The contract


def openapi() -> str:
    return json.dumps(document(ROUTES), indent=1, ensure_ascii=False) + "\n"


# The errors


def errors_page() -> str:
    lines = [
        NOTE.format(source="`errors.py`"),
        "",
        "# Errors",
        "",
        "A refusal is JSON: `message` is for a person, `reason` repeats the status line, `code` is for a program and",
        "does not change, `hint` (if there is one) says what would be right. Further members are facts about the case,",
        "such as `parameter`, `limit`, `used` or `requested` (bytes). No answer names a path of the server's disk.",
        "",
        "A 503 comes with `Retry-After`, in seconds. Answers that Jupyter or Tornado give before a request reaches this",
        "extension may lack the code.",
        "",
        "In Python each code is a class of `jupyter_workspace.errors`; the client raises it again on its side.",
        "",
    ]
    wire = [leaf for leaf in errors.CATALOGUE.values() if leaf not in KERNEL_SIDE]
    wire.sort(key=lambda leaf: leaf.status)
    lines += table(
        ["code", "status", "class", "when", "message and hint"], [error_row(leaf) for leaf in wire]
    )
    lines += [
        "## In the kernel only",
        "",
        *table(
            ["code", "class", "when"],
            [[f"`{leaf.code}`", f"`{leaf.__name__}`", plain(leaf.__doc__)] for leaf in KERNEL_SIDE],
        ),
    ]
    return "\n".join(lines)


def error_row(leaf: type[errors.WorkspaceError]) -> list[str]:
    said = f"{leaf.default_message} {leaf.default_hint or ''}".strip()
    return [f"`{leaf.code}`", str(leaf.status), f"`{leaf.__name__}`", plain(leaf.__doc__), said]


# The routes


def http_page() -> str:
    made = document(ROUTES)
    lines = [
        NOTE.format(source="the route table"),
        "",
        "# The HTTP API",
        "",
        "All addresses stand under `{base_url}api/workspace` of the Jupyter server. The same in a form for programs is",
        "[openapi.json](openapi.json), which every server also gives at `GET /openapi.json`.",
        "",
        "Who asks shows it as everywhere in Jupyter, by `Authorization: token …` or by the login cookie with",
        "`X-XSRFToken`; code in a kernel sends the token that the server gave to it as `X-Jupyter-Workspace-Token`.",
        "The server's authorizer is asked with the resource and the action named with each route.",
        "",
        "What every route may answer besides what is listed: 403 `forbidden`, 405 `method_not_allowed`, 500 `internal`,",
        "503 `busy` or `starting`. What the codes mean is told in [Errors](errors.md).",
        "",
    ]
    for tag in made["tags"]:
        lines += [f"## {tag['name'].capitalize()}", "", tag["description"], ""]
        for path, method, operation in operations(made):
            if tag["name"] in operation["tags"]:
                lines += operation_lines(path, method, operation)
    lines += ["## Shapes", ""]
    for name, schema in made["components"]["schemas"].items():
        lines += shape_lines(name, schema)
    return "\n".join(lines)


def operations(made: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def operation_lines(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    lines = [f"### {method} {path}", "", f"{operation['summary']}.", ""]
    lines += [
        f"Operation `{operation['operationId']}`, resource `{operation['x-resource']}`, action `{operation['x-action']}`.",
        "",
    ]
    given = [one for one in operation.get("parameters", ()) if one["in"] != "path"]
    if given:
        rows = [[f"`{one['name']}`", one["in"], form_of(one["schema"]), one["description"]] for one in given]
        lines += table(["parameter", "in", "form", "meaning"], rows)
    if "requestBody" in operation:
        lines += [f"Body: {contents(operation['requestBody'])}.", ""]
    lines += ["Answers:", ""]
    for status, answer in operation["responses"].items():
        text = answer["description"].rstrip(".")
        if int(status) < 400:
            lines.append(f"- {status}: {contents(answer) or text}")
        elif codes := [code for code in re.findall(r"`(\w+)`", text) if code not in EVERYWHERE]:
            lines.append(f"- {status}: {', '.join(f'`{code}`' for code in codes)}")
    return [*lines, ""]


EVERYWHERE = {"forbidden", "method_not_allowed", "internal", "busy", "starting"}


def contents(part: dict[str, Any]) -> str:
    kinds = []
    for media, content in part.get("content", {}).items():
        form = form_of(content["schema"])
        is_json = media == "application/json"
        kinds.append(
            form
            if is_json
            else f"`{media}`"
            if media.startswith("multipart") or form == "bytes"
            else f"{form} (`{media}`)"
        )
        if media == "multipart/form-data":
            kinds[-1] += (
                f" with the parts {', '.join(f'`{name}`' for name in content['schema']['properties'])}"
            )
    return ", or ".join(kinds)


def form_of(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(form_of(kind) for kind in schema["anyOf"])
    if "enum" in schema:
        words = ", ".join(f"`{word}`" for word in schema["enum"])
        return words + default_of(schema)
    if schema.get("type") == "array":
        return f"list of {form_of(schema['items'])}"
    if schema.get("contentMediaType"):
        return "bytes" if schema["contentMediaType"] == "application/octet-stream" else "JSON"
    kind = {"date-time": "time"}.get(schema.get("format", ""), schema.get("type", "anything"))
    return f"{kind}{bounds_of(schema)}{default_of(schema)}"


def bounds_of(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum")
    if low is None:
        return ""
    at_least = f" > {low}" if "exclusiveMinimum" in schema else f" >= {low}"
    return f"{at_least}, <= {high}" if high is not None and high < 2**63 - 1 else at_least


def default_of(schema: dict[str, Any]) -> str:
    return (
        f", default `{json.dumps(schema['default'])}`"
        if schema.get("default") not in (None, [], {}, "")
        else ""
    )


def shape_lines(name: str, schema: dict[str, Any]) -> list[str]:
    needed = schema.get("required", [])
    rows = [
        [f"`{field}`" + ("" if field in needed else "?"), form_of(kind)]
        for field, kind in schema["properties"].items()
    ]
    return [f"### {name}", "", " ".join(schema["description"].split()), "", *table(["member", "form"], rows)]


# The settings


def configuration_page() -> str:
    lines = [
        NOTE.format(source="`config.py`"),
        "",
        "# Configuration",
        "",
        "Every setting stands on one object, in `jupyter_server_config.py` or on the command line:",
        "",
        "```python",
        "c.JupyterWorkspace.max_file_size = 2 * 1024**3",
        "```",
        "",
        "```sh",
        "jupyter lab --JupyterWorkspace.max_file_size=2147483648",
        "```",
        "",
        "Sizes are bytes, and 0 means no limit. Times are seconds unless the name says days. Hidden names follow",
        "`ContentsManager.allow_hidden`. A setting is read once, when the server starts.",
        "",
    ]
    for name, trait in sorted(JupyterWorkspace.class_own_traits(config=True).items()):
        help_text = "\n\n".join(" ".join(part.split()) for part in inspect.cleandoc(trait.help).split("\n\n"))
        kind = trait.__class__.__name__
        lines += [f"## {name}", "", f"{kind}, default `{trait.default()!r}`.", "", help_text, ""]
    return "\n".join(lines)


# The command line


def command_page() -> str:
    lines = [
        NOTE.format(source="the commands' own help"),
        "",
        "# The command line",
        "",
        "`jupyter workspace` does in a terminal what the panel does in a browser, over HTTP. In a terminal of JupyterLab,",
        "and beside the server of a user of JupyterHub, it knows its server. Elsewhere it finds those of this user that",
        "run on this machine; of several it takes the youngest, and says which. `--url` names another one, and `--token`",
        "or `JUPYTER_TOKEN` its token.",
        "",
        "```",
        *help_of(cli, "jupyter workspace"),
        "```",
        "",
        "The exit code says how it ended: 0 done, 1 refused or failed, 2 wrong command line, 3 no server, 4 not found,",
        "130 stopped. With `--json` answers are lines of JSON on standard output, and errors on standard error.",
        "",
    ]
    for name, verb in sorted(cli.commands.items()):
        lines += [f"## {name}", "", "```", *help_of(verb, f"jupyter workspace {name}"), "```", ""]
    return "\n".join(lines)


def help_of(command: click.Command, name: str) -> list[str]:
    # The width is given, or the page would hang on the terminal it was made in.
    context = click.Context(command, info_name=name, max_content_width=100, terminal_width=100)
    context.help_option_names = ["-h", "--help"]
    return command.get_help(context).splitlines()


PAGES: dict[str, Callable[[], str]] = {
    "openapi.json": openapi,
    "errors.md": errors_page,
    "http-api.md": http_page,
    "configuration.md": configuration_page,
    "command-line.md": command_page,
}


def main() -> None:
    for name, make in PAGES.items():
        (DOCS / name).write_text(make().rstrip() + "\n", encoding="utf-8")
        print(name)


if __name__ == "__main__":
    main()
