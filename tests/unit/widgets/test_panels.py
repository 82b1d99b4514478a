"""The panels on the kernel's side: what they tell the front end, and what they hear."""

import pytest
from traitlets import TraitError

from jupyter_workspace.models.event import Event
from jupyter_workspace.widgets import ArtifactList, AttachmentPanel, panels
from jupyter_workspace.widgets.live import Follower, in_kernel
from jupyter_workspace.widgets.panels import MIME


def told(file, **changes):
    members = {
        "sequence": 1,
        "event_id": "evt_1",
        "change_type": "created",
        "session_id": "churn",
        "artifact_id": file["artifact_id"],
        "attachment_id": file["attachment_id"],
        "node_id": None,
        "kind": file["kind"],
        "source": "upload",
        "name": file["name"],
        "path": file["path"],
        "size": file["size"],
        "mime": file["mime"],
        "hash": None,
        "timestamp": 1_795_000_000.0,
        "provenance": None,
    }
    return Event(**{**members, **changes})


def test_a_panel_tells_the_front_end_ids_and_options_only(session):
    panel = AttachmentPanel(accept=".csv", multiple=False, max_size=10)

    assert panel.data == {
        "v": 1,
        "view": "attachments",
        "session_id": "churn",
        "title": "churn.ipynb",
        "accept": ".csv",
        "multiple": False,
        "max_size": 10,
    }
    assert panel.workspace is session


def test_an_output_carries_our_form_and_a_table_for_pages_without_a_server(session, server):
    server.add("attachments/sales.csv", kind="attachment")

    data, _ = AttachmentPanel()._repr_mimebundle_()

    assert data[MIME]["session_id"] == "churn"
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "sales.csv" in data["text/html"]
    assert "sales.csv" in data["text/plain"]


def test_the_list_is_that_of_this_moment_and_of_one_kind(session, server):
    panel, artifacts = AttachmentPanel(), ArtifactList()
    assert panel.files == []

    server.add("attachments/sales.csv", kind="attachment")
    server.add("loss.png", kind="artifact")

    assert [file.name for file in panel.files] == ["sales.csv"]
    assert [file.name for file in artifacts.files] == ["loss.png"]


def test_the_list_stays_while_the_server_is_away(session, server, pauses):
    server.add("attachments/sales.csv", kind="attachment")
    panel = AttachmentPanel()
    assert len(panel.files) == 1

    server.is_down = True

    assert len(panel.files) == 1


def test_each_upload_calls_back_until_it_is_taken_away(session, server):
    names = []
    panel = AttachmentPanel(on_upload=(callback := lambda file: names.append(file.name)))
    file = server.add("attachments/sales.csv", kind="attachment")

    panel._follower.tell(told(file))
    panel._follower.tell(told(file, change_type="updated"))
    panel._follower.tell(told(file, attachment_id="att_gone"))
    panel.on_upload(callback, remove=True)
    panel._follower.tell(told(file))

    assert names == ["sales.csv"]


def test_those_who_observe_the_list_hear_of_a_change(session, server):
    lengths = []
    panel = AttachmentPanel()
    panel.observe(lambda change: lengths.append(len(change["new"])), "files")
    file = server.add("attachments/sales.csv", kind="attachment")

    panel._follower.tell(told(file))

    assert lengths == [1]


def test_other_traits_are_observed_without_following_the_session(session):
    panel = AttachmentPanel()

    panel.observe(lambda _: None, "layout")

    assert panel._follower is None
    panel.close()


def test_a_closed_panel_hears_nothing_more(session):
    panel = AttachmentPanel(on_upload=lambda _: None)
    follower = panel._follower
    assert follower.is_running

    panel.close()

    assert not follower.is_running


def test_a_follower_tells_what_happens_from_now_on(remote):
    heard = []
    remote.events = [{"sequence": 4}]
    file = remote.add("attachments/sales.csv", kind="attachment")
    event = told(file)
    remote.events = [{name: getattr(event, name) for name in event.__struct_fields__}]
    follower = Follower("churn", lambda one: (heard.append(one.name), follower.stop()))

    follower._follow()

    assert heard == ["sales.csv"]


def test_a_follower_that_may_no_longer_listen_says_so(remote):
    with pytest.warns(UserWarning, match="no longer hears"):
        Follower("nobody", lambda _: None)._follow()


def test_without_a_kernel_things_are_done_at_once():
    done = []

    in_kernel(lambda: done.append(1))

    assert done == [1]


def test_a_burst_of_news_asks_for_the_list_once_and_calls_back_for_each_file(session, server, monkeypatch):
    between_cells, names = [], []
    monkeypatch.setattr(panels, "in_kernel", between_cells.append)
    panel = AttachmentPanel(on_upload=lambda file: names.append(file.name))
    for number in range(50):
        file = server.add(f"attachments/{number}.csv", kind="attachment")
        panel._follower.tell(told(file, sequence=number + 1))
    asked = len(server.requests)

    for act in between_cells:
        act()

    assert names == [f"{number}.csv" for number in range(50)]
    assert len(server.requests) - asked == 1


def test_news_that_came_while_the_server_was_away_are_looked_up_when_it_is_back(
    session, server, monkeypatch, pauses
):
    between_cells, names = [], []
    monkeypatch.setattr(panels, "in_kernel", between_cells.append)
    panel = AttachmentPanel(on_upload=lambda file: names.append(file.name))
    for number in range(2):
        file = server.add(f"attachments/{number}.csv", kind="attachment")
        panel._follower.tell(told(file, sequence=number + 1))

    server.is_down = True
    between_cells[0]()
    server.is_down = False
    between_cells[1]()

    assert names == ["1.csv"]


def test_a_callback_that_fails_costs_no_other_file(session, server, monkeypatch):
    between_cells, names = [], []
    monkeypatch.setattr(panels, "in_kernel", between_cells.append)

    def note(file):
        if file.name == "bad.csv":
            raise ValueError(file.name)
        names.append(file.name)

    panel = AttachmentPanel(on_upload=note)
    for number, name in enumerate(("bad.csv", "good.csv")):
        panel._follower.tell(told(server.add(f"attachments/{name}", kind="attachment"), sequence=number))

    with pytest.raises(ValueError, match=r"bad\.csv"):
        between_cells[0]()
    between_cells[1]()

    assert names == ["good.csv"]


def test_what_a_panel_takes_is_said_once_and_can_be_read(session):
    panel = AttachmentPanel(accept=".csv", multiple=False, max_size=10)

    assert (panel.accept, panel.multiple, panel.max_size) == (".csv", False, 10)
    for name, value in (("accept", ".txt"), ("multiple", True), ("max_size", 20)):
        # The panel that is on the page would not hear of it.
        with pytest.raises(TraitError, match="read-only"):
            setattr(panel, name, value)
