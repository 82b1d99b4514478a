"""C7: two servers on one root. One works, the other says so and takes over when the first is dead."""

from __future__ import annotations

import time

from faults.invariants import check_all, check_log
from faults.test_damage import save_notebook
from faults.truth import Truth


def add(api, truth, name):
    content = name.encode()
    answer = api.upload(truth.session, name, content)
    assert answer.status == 201, answer.body
    truth.new(answer.json, content)


def test_the_second_server_refuses_until_the_first_is_dead(make_server):
    first = make_server("one")
    first.start()
    truth = Truth("s")
    assert first.api().send("PUT", "/sessions/s", {}).status == 201
    add(first.api(), truth, "a.bin")
    second = make_server("two", root=first.root, data=first.data)

    second.launch()
    second.wait_port()
    refused = second.api().upload("s", "b.bin", b"b")

    assert (refused.status, refused.code) == (503, "busy"), refused.body
    assert int(refused.headers["Retry-After"]) > 0
    assert save_notebook(second.api(), "saved-meanwhile") < 2
    add(first.api(), truth, "c.bin")

    first.kill()
    begun = time.monotonic()
    second.wait_ready()
    assert time.monotonic() - begun < 10, "the lock of a dead server was not taken over"
    add(second.api(), truth, "d.bin")
    check_log(first)
    check_all(second, truth)


def test_a_server_started_while_the_old_one_stops_needs_no_second_try(make_server):
    old = make_server("one")
    old.start()
    assert old.api().send("PUT", "/sessions/s", {}).status == 201
    new = make_server("two", root=old.root, data=old.data)

    new.launch()
    old.stop()
    answer_after_start = new.wait_ready()

    assert answer_after_start["problems"] == []
    assert new.api().upload("s", "a.bin", b"a").status == 201


def test_servers_with_folders_of_their_own_do_not_meet(make_server):
    one, two = make_server("one"), make_server("two")
    one.start()
    two.start()

    for server in (one, two):
        assert server.api().send("PUT", "/sessions/s", {}).status == 201
        assert server.api().upload("s", "a.bin", b"a").status == 201
