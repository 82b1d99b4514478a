"""The document is made from the table, so what it says of a row is what the row does."""

import json
import re

import pytest

from jupyter_workspace.errors import CATALOGUE
from jupyter_workspace.handlers.openapi import document, errors_of
from jupyter_workspace.handlers.routes import ROUTES
from jupyter_workspace.policy.access import RESOURCES, action_of

DOCUMENT = document(ROUTES, base_url="/user/ada/")


def operations():
    for path, verbs in DOCUMENT["paths"].items():
        for verb, operation in verbs.items():
            yield path, verb, operation


def test_every_row_is_an_operation_and_every_operation_a_row():
    told = {(path, verb.upper()) for path, verb, _ in operations()}

    assert told == {(row.path, row.method) for row in ROUTES}
    assert len(told) == len(ROUTES)


def test_no_two_operations_have_one_name():
    names = [operation["operationId"] for _, _, operation in operations()]

    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere():
    text = json.dumps(DOCUMENT)
    named = set(re.findall(r'"#/components/schemas/([^"]+)"', text))

    assert named <= DOCUMENT["components"]["schemas"].keys()


def test_the_address_is_that_of_this_server():
    assert DOCUMENT["servers"][0]["url"] == "/user/ada/api/workspace"


# API 11.7: the same table in openapi as x-resource, x-action
@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.operation)
def test_a_row_says_which_right_it_takes(row):
    operation = DOCUMENT["paths"][row.path][row.method.lower()]

    assert row.resource in RESOURCES
    assert operation["x-resource"] == f"jupyter_workspace:{row.resource}"
    assert operation["x-action"] == row.action
    if row.action != "execute":
        assert row.action == action_of(row.method)


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.operation)
def test_every_refusal_of_a_row_is_in_the_catalogue(row):
    refusals = errors_of(row)

    assert all(CATALOGUE[error.code] is error for error in refusals)
    statuses = [error.status for error in refusals]
    assert statuses == sorted(statuses)
    told = DOCUMENT["paths"][row.path][row.method.lower()]["responses"]
    assert {str(status) for status in [*statuses, *row.success]} == told.keys()


def test_every_parameter_of_a_path_is_described():
    for path, _, operation in operations():
        named = set(re.findall(r"\{(\w+)\}", path))
        told = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
        assert told == named
