from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import RangeInvalid
from jupyter_workspace.protocol import ranges

MODIFIED = datetime(2026, 11, 21, 4, 0, 5, 999_999, tzinfo=UTC)
DATE = "Sat, 21 Nov 2026 04:00:05 GMT"
TAG = '"abc"'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-3", [(0, 4)]),
        ("Bytes=2-", [(2, 10)]),
        ("bytes=-3", [(7, 10)]),
        ("bytes=-99", [(0, 10)]),
        ("bytes=0-99", [(0, 10)]),
        ("bytes=8-8, 0-1 ,,\t3-4", [(0, 2), (3, 5), (8, 9)]),
        ("bytes=0-4,2-6,7-7", [(0, 8)]),
        ("bytes=20-30,1-1", [(1, 2)]),
        (f"bytes=0{'0' * 50}1-{'9' * 5000}", [(1, 10)]),
    ],
)
def test_ranges_are_read_sorted_and_merged(header, expected):  # S0-82
    assert ranges.parse_range(header, 10) == expected


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=3-1",
        "items=0-1",
        "bytes=0-1;2-3",
        "bytes=٣-٤",
        "bytes=1",
        "bytes=0-1,x",
        "bytes=+1-2",
        "bytes=" + ",".join(["0-0"] * 17),
        "bytes=" + "," * 101 + "0-0",
    ],
)
def test_a_malformed_foreign_or_excessive_range_is_ignored(header):
    assert ranges.parse_range(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-0", 0), ("bytes=99-,10-11", 10)]
)
def test_a_range_beyond_the_end_is_refused_with_the_size(header, size):
    with pytest.raises(RangeInvalid) as caught:
        ranges.parse_range(header, size)

    assert caught.value.facts == {"size": size}
    assert ranges.unsatisfied_range(size) == f"bytes */{size}"


def test_the_end_of_an_empty_file_is_the_whole_file():
    assert ranges.parse_range("bytes=-5", 0) is None


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=16), st.integers(1, 25)
)
def test_the_ranges_hold_exactly_the_bytes_that_were_asked_for(pairs, size):
    pairs = [(min(pair), max(pair)) for pair in pairs]
    wanted = {n for first, last in pairs for n in range(first, last + 1) if n < size}
    header = "bytes=" + ",".join(f"{first}-{last}" for first, last in pairs)

    try:
        found = ranges.parse_range(header, size)
    except RangeInvalid:
        found = []

    assert {n for start, stop in found for n in range(start, stop)} == wanted
    assert all(one[1] < other[0] for one, other in pairwise(found))


@given(st.text(), st.integers(0, 5))
def test_no_header_brings_anything_but_our_own_error(text, size):
    for header in (text, f"bytes={text}"):
        try:
            found = ranges.parse_range(header, size)
        except RangeInvalid:
            continue

        assert found is None or all(0 <= start < stop <= size for start, stop in found)
    ranges.none_match(text, TAG)
    ranges.parse_http_date(text)


def test_a_body_of_several_ranges_has_the_length_that_it_says():
    content = b"0123456789"
    frame = ranges.ByteRanges([(0, 2), (5, 9)], size=10, mime="text/csv", boundary="XX")

    body = b"".join(part if isinstance(part, bytes) else content[slice(*part)] for part in frame.parts())

    assert frame.content_type == "multipart/byteranges; boundary=XX"
    assert frame.length == len(body)
    assert body == (
        b"--XX\r\nContent-Type: text/csv\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
        b"\r\n--XX\r\nContent-Type: text/csv\r\nContent-Range: bytes 5-8/10\r\n\r\n5678"
        b"\r\n--XX--\r\n"
    )


def test_tags_come_from_the_digest_or_from_the_files_stat():
    assert ranges.strong_etag("abc") == TAG
    assert ranges.etag_of_stat(255, 16, 17) == '"ff-10-11"'


@pytest.mark.parametrize("header", ["*", '"abc"', 'W/"abc"', '"x,y", "abc"', '"x" , W/"abc","z"'])
def test_a_client_that_names_the_tag_has_the_file(header):
    assert ranges.none_match(header, TAG)


@pytest.mark.parametrize("header", [None, "", "abc", '"ABC"', '"x, \\"abc\\""'[:3]])
def test_a_client_that_names_another_tag_has_it_not(header):
    assert not ranges.none_match(header, TAG)


# RFC 9110, 13.1.1: by strong tags only
@pytest.mark.parametrize(
    ("header", "is_another"),
    [(TAG, False), (f'"x", {TAG}', False), ("*", False), (f"W/{TAG}", True), ('"x"', True), ("nonsense", True)],
)  # fmt: skip
def test_if_match_names_the_versions_that_are_wanted(header, is_another):
    assert ranges.is_another_version(header, None, etag=TAG, modified=MODIFIED) is is_another


def test_if_match_rules_over_the_date():
    early = "Sat, 01 Jan 2000 00:00:00 GMT"

    assert not ranges.is_another_version(TAG, early, etag=TAG, modified=MODIFIED)
    assert ranges.is_another_version(None, early, etag=TAG, modified=MODIFIED)
    assert not ranges.is_another_version(None, DATE, etag=TAG, modified=MODIFIED)
    assert not ranges.is_another_version(None, "nonsense", etag=TAG, modified=MODIFIED)
    assert not ranges.is_another_version(None, None, etag=TAG, modified=MODIFIED)


def test_if_none_match_rules_over_the_date():
    assert ranges.is_unmodified(TAG, None, etag=TAG, modified=MODIFIED)
    assert not ranges.is_unmodified('"x"', DATE, etag=TAG, modified=MODIFIED)
    assert ranges.is_unmodified(None, DATE, etag=TAG, modified=MODIFIED)
    assert not ranges.is_unmodified(None, None, etag=TAG, modified=MODIFIED)


@pytest.mark.parametrize(
    ("header", "is_modified"),
    [
        (DATE, False),
        ("Sat, 21 Nov 2026 04:00:04 GMT", True),
        ("Sat, 21 Nov 2027 04:00:05 GMT", False),
        ("never", True),
        (None, True),
    ],
)
def test_a_date_is_compared_by_the_second(header, is_modified):
    assert ranges.modified_since(header, MODIFIED) == is_modified


@pytest.mark.parametrize(
    ("header", "matches"),
    [
        (TAG, True),
        (f" {TAG} ", True),
        ('W/"abc"', False),
        ('"x"', False),
        (DATE, True),
        ("Sat, 21 Nov 2026 04:00:06 GMT", False),
        ("never", False),
    ],
)
def test_if_range_matches_only_this_very_version(header, matches):
    assert ranges.if_range_matches(header, TAG, MODIFIED) == matches


def test_a_weak_tag_never_satisfies_if_range():
    assert not ranges.if_range_matches('W/"abc"', 'W/"abc"', MODIFIED)


def test_a_client_with_another_version_gets_the_whole_file():
    facts = {"size": 10, "etag": TAG, "modified": MODIFIED}

    assert ranges.requested_ranges("bytes=0-1", '"old"', **facts) is None
    assert ranges.requested_ranges("bytes=0-1", TAG, **facts) == [(0, 2)]
    assert ranges.requested_ranges("bytes=0-1", None, **facts) == [(0, 2)]


def test_dates_are_written_in_gmt():
    assert ranges.http_date(MODIFIED) == DATE
    assert ranges.http_date(MODIFIED.astimezone(timezone(timedelta(hours=5)))) == DATE


@pytest.mark.parametrize("text", [DATE, "Saturday, 21-Nov-26 04:00:05 GMT", "Sat Nov 21 04:00:05 2026"])
def test_dates_are_read_in_all_three_forms(text):
    assert ranges.parse_http_date(text) == MODIFIED.replace(microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "Sat, 99 Nov 2026 04:00:05 GMT",
        "Sat, 21 Nov 99999 04:00:05 GMT",
        "Fri, 31 Dec 9999 23:59:59 -2359",
    ],
)
def test_what_is_no_date_is_none(text):
    assert ranges.parse_http_date(text) is None


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_date_reads_back_to_the_second(moment):
    assert ranges.parse_http_date(ranges.http_date(moment)) == moment.replace(microsecond=0)
