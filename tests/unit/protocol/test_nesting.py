"""How deep a JSON text may be nested."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.protocol import nesting
from jupyter_workspace.protocol.nesting import MAX_DEPTH, is_too_deep


def depth_of(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}"), ('[{"a":[', "]}]")])
def test_the_deepest_text_that_is_taken_and_the_next(begin, end):
    levels = begin.count("[") + begin.count("{")
    whole = MAX_DEPTH // levels

    assert not is_too_deep((begin * whole + "1" + end * whole).encode())
    assert is_too_deep((begin * (whole + 1) + "1" + end * (whole + 1)).encode())


def test_many_beside_each_other_are_not_deep():
    assert not is_too_deep(json.dumps([{"a": []}] * 1000).encode())


def test_what_stands_in_a_string_does_not_count():
    assert not is_too_deep(json.dumps({"a": "[" * 1000, 'b"]\\': '\\"[{' * 100}).encode())


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_the_depth_is_that_of_the_value(value):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "MAX_DEPTH", 2)

        assert is_too_deep(json.dumps(value).encode()) == (depth_of(value) > 2)
