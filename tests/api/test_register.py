"""Files that stand in the session are made known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from api.running import BASE_URL, sha256


def written(session, path, content=b"x"):
    target = session.folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def test_a_registered_file_is_an_artifact_where_it_stands(session):
    # S0-17 S0-53 S2-45 C10; API 5, 11.12, 11.27
    written(session, "plots/loss.png", b"\x89PNG\r\n\x1a\n")

    answer = session.register(
        "plots/loss.png", metadata={"epoch": 3}, provenance={"cell_id": "c", "inputs": []}
    )

    record = answer.json()
    assert answer.status == 201
    assert answer.headers["Location"] == (
        f"{BASE_URL}api/workspace/sessions/{session.id}/artifacts/{record['attachment_id']}"
    )
    assert (record["kind"], record["source"], record["storage"]) == ("artifact", "register", "local")
    assert (record["path"], record["name"], record["mime"], record["media"]) == (
        "plots/loss.png", "loss.png", "image/png", "image",
    )  # fmt: skip
    assert record["sha256"] == sha256(b"\x89PNG\r\n\x1a\n")
    assert (record["metadata"], record["provenance"]["cell_id"]) == ({"epoch": 3}, "c")
    assert session.names() == ["plots/loss.png"]
    assert session.content(record["attachment_id"]).body == b"\x89PNG\r\n\x1a\n"


def test_the_same_file_again_is_the_same_record_with_more_to_say(session):
    # S0-22 S0-23; API 5
    written(session, "a.csv")
    first = session.register("a.csv", metadata={"a": 1}, provenance={"cell_id": "c1"}).json()

    answer = session.register("a.csv", metadata={"b": 2}, provenance={"execution_count": 2})

    second = answer.json()
    assert answer.status == 200
    assert (second["attachment_id"], second["artifact_id"]) == (first["attachment_id"], first["artifact_id"])
    assert second["metadata"] == {"a": 1, "b": 2}
    assert (second["provenance"]["cell_id"], second["provenance"]["execution_count"]) == ("c1", 2)


def test_changed_bytes_are_a_new_version_of_the_same_file(session):
    # S0-22 S0-65 C10; API 11.27
    written(session, "a.csv", b"1")
    first = session.register("a.csv").json()
    written(session, "a.csv", b"22")

    answer = session.register("a.csv")

    second = answer.json()
    assert answer.status == 200
    assert second["attachment_id"] == first["attachment_id"]
    assert second["artifact_id"] != first["artifact_id"]
    assert second["version"] == 2
    assert [event["change_type"] for event in session.events()] == ["created", "updated"]


@pytest.mark.parametrize("path", ["nowhere.csv", "no/where.csv", "folder", "", ".", "attachments"])
def test_what_is_not_there_is_not_registered(session, path):
    # S0-19; API 5
    (session.folder / "folder").mkdir()
    (session.folder / "attachments").mkdir(exist_ok=True)

    answer = session.register(path)

    assert (answer.status, answer.code) == (404, "source_not_found")
    assert (session.files(), session.events()) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        {}, {"path": "a.csv", "root_path": "a.csv"}, {"path": 1}, {"path": None}, {"path": "a.csv", "bogus": 1}, {"path": "a.csv", "metadata": []},
        {"path": "a.csv", "provenance": {"bogus": 1}}, {"path": "a.csv", "provenance": "x"}, {"name": "a.csv"}, [], [[]], [1], "a.csv",
        {"path": "a.csv", "provenance": {"inputs": "x"}}, {"path": "a.csv", "provenance": {"execution_count": "x"}},
        [{"path": "a.csv"}] * 101,
    ],
    ids=lambda body: str(body)[:60],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_refused(session, body):
    # C17; API 5, 11.9, 11.53
    written(session, "a.csv")

    answer = session.call("POST", "/artifacts", json_body=body)

    assert (answer.status, answer.code) == (400, "body_invalid")
    assert session.files() == []


def test_a_batch_is_registered_as_one(session):
    # S0-17; API 5, 11.53
    for n in range(3):
        written(session, f"{n}.csv")

    answer = session.call("POST", "/artifacts", json_body=[{"path": f"{n}.csv"} for n in range(3)])
    again = session.call("POST", "/artifacts", json_body=[{"path": f"{n}.csv"} for n in range(3)])

    assert answer.status == 201
    assert (answer.json()["count"], [record["name"] for record in answer.json()["saved"]]) == (
        3,
        ["0.csv", "1.csv", "2.csv"],
    )
    assert (again.status, again.json()) == (200, answer.json())
    assert len(session.events()) == 3


def test_a_batch_is_registered_whole_or_not_at_all(session):
    # S0-19 S3-32; API 11.53
    written(session, "a.csv")

    answer = session.call("POST", "/artifacts", json_body=[{"path": "a.csv"}, {"path": "nowhere.csv"}])

    assert (answer.status, answer.code) == (404, "source_not_found")
    assert (session.files(), session.events()) == ([], [])


def test_a_file_that_came_in_is_registered_as_what_it_is(session):
    # S0-22; API 5
    upload = session.saved("a.csv")

    answer = session.register("attachments/a.csv", metadata={"seen": True})

    assert answer.status == 200
    assert answer.json()["attachment_id"] == upload["attachment_id"]
    assert answer.json()["metadata"] == {"seen": True}


def test_twenty_callers_who_register_one_file_make_one_record(session):
    # S0-31; API 5
    written(session, "a.csv")

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: session.register("a.csv", metadata={str(n): n}), range(20)))

    assert sorted({answer.status for answer in answers}) == [200, 201]
    assert [answer.status for answer in answers].count(201) == 1
    assert len({answer.json()["artifact_id"] for answer in answers}) == 1
    assert session.files()[0]["metadata"] == {str(n): n for n in range(20)}
    assert len([event for event in session.events() if event["change_type"] == "created"]) == 1


def test_a_file_of_the_same_bytes_elsewhere_is_another_file(session):
    # S0-23; API 5
    records = [session.made(name, b"same") for name in ("a.csv", "b.csv")]

    assert len({record["attachment_id"] for record in records}) == 2
    assert len({record["sha256"] for record in records}) == 1


def test_uploads_and_registrations_at_once_are_all_listed(session):
    # S0-31; API 5
    for n in range(10):
        written(session, f"made {n}.csv", b"%d" % n)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: session.register(f"made {n}.csv").status, range(10)))
        sent = list(pool.map(lambda n: session.put(f"sent {n}.csv").status, range(10)))

    # On a slow machine the watcher may have listed some of them before they were registered.
    assert set(sent) == {201}
    assert set(made) <= {200, 201}
    assert len(session.files(limit=100)) == 20
    assert [event["sequence"] for event in session.events(limit=100)] == [*range(1, 21)]
