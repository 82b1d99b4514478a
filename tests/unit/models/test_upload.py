from pathlib import Path
from typing import get_args

import pytest

from jupyter_workspace.errors import UploadLocked
from jupyter_workspace.models.upload import TRANSITIONS, UploadEvent, UploadState, state_after

PAGE = Path(__file__).parents[3] / "docs" / "uploads.md"
STATES, EVENTS = get_args(UploadState), get_args(UploadEvent)


def diagram():
    """The table as Mermaid draws it."""
    lines = ["stateDiagram-v2", "    [*] --> open: created"]
    lines += [f"    {state} --> {after or '[*]'}: {event}" for (state, event), after in TRANSITIONS.items()]
    return "\n".join(["```mermaid", *lines, "```"])


def test_the_page_shows_the_table():
    assert diagram() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_what_is_not_in_the_table_cannot_happen(state, event):
    if (state, event) in TRANSITIONS:
        assert state_after(state, event) == TRANSITIONS[state, event]
    else:
        with pytest.raises(UploadLocked):
            state_after(state, event)


def test_every_state_is_reached_and_can_end():
    reached, ends = {"open"}, set()
    for _ in STATES:
        reached |= {after for (state, _), after in TRANSITIONS.items() if state in reached and after}
        ends |= {state for (state, _), after in TRANSITIONS.items() if after is None or after in ends}

    assert reached == set(STATES)
    assert ends == set(STATES)


def test_every_event_happens_somewhere():
    assert {event for _, event in TRANSITIONS} == set(EVENTS)
