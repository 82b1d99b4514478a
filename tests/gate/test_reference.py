"""The pages that follow from the code are those that the code gives now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from openapi_spec_validator import validate

import reference
from jupyter_workspace.cli.main import cli
from jupyter_workspace.config import JupyterWorkspace
from jupyter_workspace.errors import CATALOGUE
from jupyter_workspace.handlers.openapi import document
from jupyter_workspace.handlers.routes import ROUTES

STALE = "the code has changed: run `make reference` and commit the pages"


def page(name: str) -> str:
    return (reference.DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_committed_page_is_what_the_code_gives(name: str) -> None:
    assert page(name) == reference.PAGES[name]().rstrip() + "\n", STALE


@pytest.mark.slow
def test_the_document_is_openapi() -> None:

    validate(document(ROUTES))


def test_each_route_is_in_the_document_and_in_the_docs() -> None:
    made = document(ROUTES)

    for row in ROUTES:
        operation = made["paths"][row.path][row.method.lower()]
        assert operation["x-resource"] == f"jupyter_workspace:{row.resource}"
        assert operation["x-action"] == row.action
        assert f"### {row.method} {row.path}\n" in page("http-api.md")


def test_an_operation_has_a_name_of_its_own() -> None:
    names = [row.operation for row in ROUTES]

    assert len(set(names)) == len(names)


def test_each_parameter_is_described() -> None:
    for path, method, operation in reference.operations(document(ROUTES)):
        for parameter in operation.get("parameters", ()):
            assert parameter["description"].strip(), (method, path, parameter["name"])


def test_each_error_of_a_route_is_in_its_description() -> None:
    made = document(ROUTES)

    for row in ROUTES:
        answers = made["paths"][row.path][row.method.lower()]["responses"]
        for error in row.errors:
            assert f"`{error.code}`" in answers[str(error.status)]["description"]


@pytest.mark.parametrize("code", CATALOGUE)
def test_each_error_is_explained(code: str) -> None:
    assert f"| `{code}` |" in page("errors.md")


@pytest.mark.parametrize("name", JupyterWorkspace.class_own_traits(config=True))
def test_each_setting_is_explained(name: str) -> None:
    assert f"## {name}\n" in page("configuration.md")
    assert JupyterWorkspace.class_own_traits()[name].help


@pytest.mark.parametrize("name", cli.commands)
def test_each_command_is_explained(name: str) -> None:
    assert f"## {name}\n" in page("command-line.md")


def test_each_page_is_linked_from_the_first() -> None:
    linked = {Path(target).name for target in re.findall(r"\]\(([\w.-]+)\)", page("index.md"))}

    there = {path.name for path in reference.DOCS.glob("*.md")} - {"index.md"}

    assert there <= linked


@pytest.mark.parametrize("path", sorted(reference.DOCS.glob("*.md")), ids=lambda path: path.name)
def test_no_link_of_a_page_leads_nowhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", path.read_text(encoding="utf-8"))

    lost = [target for target in targets if not (path.parent / target).exists()]

    assert not lost
