from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType, field

from jupyter_workspace.errors import ParameterInvalid
from jupyter_workspace.protocol.query import CLAMP, Filters, parse_filters, parse_ordering, parse_query

CREATED = (("created_at", True),)


class Query(Struct, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=100, extra_json_schema=CLAMP)] = 25
    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    wait_seconds: Annotated[float, Meta(ge=0, le=60)] = 25.0
    max_size: Annotated[int, Meta(gt=0)] | None = None
    mode: Literal["meta", "stream"] = "meta"
    download: bool = False
    q: Annotated[str, Meta(max_length=9)] | None = None
    artifact_id: list[str] = []
    cursor: str | UnsetType = field(name="next", default=UNSET)


class Needed(Struct, frozen=True):
    path: str


def test_every_parameter_is_read_by_its_type():
    given_values = {
        "limit": ["7"],
        "after": ["9223372036854775807"],
        "wait_seconds": ["0.5"],
        "max_size": ["1"],
        "mode": ["stream"],
        "download": ["true"],
        "q": [""],
        "artifact_id": ["a", "b"],
        "next": ["x"],
    }

    assert parse_query(Query, given_values) == Query(
        limit=7,
        after=2**63 - 1,
        wait_seconds=0.5,
        max_size=1,
        mode="stream",
        download=True,
        q="",
        artifact_id=["a", "b"],
        cursor="x",
    )


def test_defaults_stand_and_unknown_names_are_ignored():
    assert parse_query(Query, {"_": ["1", "2"], "mode": []}) == Query()


@pytest.mark.parametrize("text", ["101", "9" * 300])
def test_only_a_limit_above_its_maximum_is_lowered(text):
    assert parse_query(Query, {"limit": [text]}).limit == 100


@pytest.mark.parametrize(("text", "value"), [("1", True), ("true", True), ("0", False), ("false", False)])
def test_booleans_have_four_spellings(text, value):
    assert parse_query(Query, {"download": [text]}).download is value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[
            ("limit", text)
            for text in ("0", "-1", "", "1.0", "1e2", " 1", "+1", "0x1", "\u0661", "\uff11", "9" * 301)
        ],
        *[("after", text) for text in ("-1", "-0", "nan", "9223372036854775808")],  # S0-38
        *[
            ("wait_seconds", text) for text in ("nan", "inf", "-1", "60.5", "1e1", ".5", "1.", "", "٣")
        ],  # S0-35
        ("max_size", "0"),  # S0-39
        ("mode", "raw"),
        ("mode", ""),
        *[("download", text) for text in ("True", "yes", "", "2")],
        ("q", "x" * 10),
    ],
)
def test_a_bad_value_is_refused_by_the_parameters_name(name, text):
    with pytest.raises(ParameterInvalid) as caught:
        parse_query(Query, {name: [text]})

    assert caught.value.facts == {"parameter": name}
    assert len(caught.value.message) < 120


def test_a_single_valued_parameter_given_twice_is_refused():
    with pytest.raises(ParameterInvalid, match="twice") as caught:
        parse_query(Query, {"next": ["1", "1"]})

    assert caught.value.facts == {"parameter": "next"}


def test_a_missing_parameter_is_named():
    with pytest.raises(ParameterInvalid, match="missing") as caught:
        parse_query(Needed, {})

    assert caught.value.facts == {"parameter": "path"}


@given(
    st.dictionaries(
        st.sampled_from(["limit", "after", "wait_seconds", "mode", "download"]),
        st.lists(st.text(), max_size=2),
    )
)
def test_no_arguments_bring_anything_but_our_own_error(arguments):
    try:
        query = parse_query(Query, arguments)
    except ParameterInvalid:
        return

    assert 1 <= query.limit <= 100
    assert 0 <= query.wait_seconds <= 60


@pytest.mark.parametrize("include", ["image/", "IMAGE", "image/png", " text/ , ,image/"])
def test_a_type_is_matched_by_its_beginning_in_any_case(include):  # S0-40
    filters = parse_filters(include, None)

    assert filters.matches(mime="image/PNG", name="a.png", size=1)
    assert not filters.matches(mime="application/pdf", name="a.png", size=1)
    assert not filters.matches(mime=None, name="a.png", size=1)


@pytest.mark.parametrize(
    ("include", "name", "matches"),
    [
        (".csv", "A.CSV", True),
        ("png,CSV", "a.csv", True),
        ("gz", "a.tar.gz", True),
        ("tar.gz", "a.tar.gz", False),
        ("csv", "csv", False),
        ("env", ".env", False),
        (" , ", "anything", True),
    ],
)
def test_an_extension_is_the_last_suffix(include, name, matches):  # S0-41
    assert parse_filters(None, include).matches(mime=None, name=name, size=None) is matches


def test_a_size_is_bounded_and_an_unknown_one_passes():  # S0-39
    filters = parse_filters(None, None, 10)

    assert [filters.matches(mime=None, name="a", size=size) for size in (10, 11, None)] == [True, False, True]


def test_all_filters_must_agree():  # S0-42
    filters = Filters(("image/",), ("png",), 10)

    assert filters.matches(mime="image/png", name="a.png", size=1)
    assert not filters.matches(mime="image/png", name="a.gif", size=1)


def test_an_ordering_is_a_list_of_fields():
    assert parse_ordering("-name, size", {"name", "size"}, CREATED) == (("name", True), ("size", False))
    assert parse_ordering(None, {"name"}, CREATED) == CREATED


@pytest.mark.parametrize("value", ["", "-", "name,", "NAME", "--name", "name,-name", "name;drop"])
def test_an_ordering_by_anything_else_is_refused(value):
    with pytest.raises(ParameterInvalid) as caught:
        parse_ordering(value, ["name"], CREATED)

    assert caught.value.facts == {"parameter": "ordering"}
