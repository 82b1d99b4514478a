"""What callers do to files that are there: list, look at, edit, delete, restore."""

import base64

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from jupyter_workspace.errors import (
    BodyInvalid,
    Busy,
    FileNotFound,
    NameInvalid,
    NameTaken,
    ParameterInvalid,
    PathEscapes,
    SessionNotFound,
    VersionGone,
)
from jupyter_workspace.models.artifact import ArtifactChange
from jupyter_workspace.protocol.query import Filters
from jupyter_workspace.protocol.selection import FileFilter
from jupyter_workspace.services import publisher
from jupyter_workspace.services.artifacts import Page
from tests.unit.opening import ADA, FailsAt, caught, content_of, events, indexed, session, upload, write

ANY = Page()


@pytest.fixture(autouse=True)
async def churn(workspace):
    return await session(workspace)


async def names(workspace, page=ANY, **wanted):
    found = await workspace.artifacts.page(ADA, FileFilter(session_id="churn", **wanted), page)
    return [record.name for record in found.artifacts]


# API 11.10, C18: stable order, the id as tie-breaker
async def test_files_are_listed_newest_first_page_by_page(workspace, clock):
    for number in range(5):
        await upload(workspace, f"{number}.csv")
        clock.forward(seconds=number % 2)

    first = await workspace.artifacts.page(ADA, FileFilter(session_id="churn"), Page(limit=3))
    second = await workspace.artifacts.page(ADA, FileFilter(session_id="churn"), Page(limit=3, offset=3))

    assert [record.name for record in first.artifacts + second.artifacts] == [
        "4.csv",
        "2.csv",
        "3.csv",
        "0.csv",
        "1.csv",
    ]
    assert (first.total, first.has_more, second.has_more, second.next) == (5, True, False, None)


@pytest.mark.parametrize("field", ["modified_at", "name", "size", "path", "mime"])
async def test_files_are_listed_by_any_field_either_way(workspace, field):
    await upload(workspace, "b.csv", b"1")
    await upload(workspace, "A.txt", b"22")

    up = await names(workspace, Page(order=((field, False), ("name", False))))
    down = await names(workspace, Page(order=((field, True), ("name", True))))

    assert up == list(reversed(down))


# S2-40, S0-100, S2-24: filters are combined; S0-41: only the last suffix counts
async def test_files_are_found_by_kind_text_folder_type_extension_and_size(workspace):
    await upload(workspace, "in.csv", b"1")
    await upload(workspace, "Plot 100%.txt", b"22", kind="artifact", folder="plots")
    await upload(workspace, "archive.tar.gz", b"333", kind="artifact", folder="plots2")

    assert await names(workspace, kind="attachment") == ["in.csv"]
    assert await names(workspace, text="pLOT 1") == ["Plot 100%.txt"]
    assert await names(workspace, text="_") == []
    assert await names(workspace, prefix="plots") == ["Plot 100%.txt"]
    assert await names(workspace, filters=Filters(("text/",), ("txt", "gz"))) == ["Plot 100%.txt"]
    assert await names(workspace, filters=Filters((), ("tar.gz",))) == []
    assert sorted(await names(workspace, filters=Filters((), (), 2))) == ["Plot 100%.txt", "in.csv"]


async def test_an_extension_and_a_text_match_in_any_case_and_a_folder_exactly(workspace):
    await upload(workspace, "Übersicht.XLSM", folder="Plots")
    await upload(workspace, "a.csv", folder="plots")

    assert await names(workspace, prefix="plots") == ["a.csv"]
    assert await names(workspace, prefix="PLOTS") == []
    assert await names(workspace, text="üBER") == ["Übersicht.XLSM"]
    assert await names(workspace, filters=Filters((), ("xlsm",))) == ["Übersicht.XLSM"]
    assert len(await names(workspace, text="")) == 2


@pytest.mark.parametrize(
    "wanted",
    [
        {"text": "x" * 60_000},
        {"prefix": "x" * 60_000},
        {"filters": Filters(("x" * 60_000,))},
        {"filters": Filters((), ("x" * 60_000,))},
        {"filters": Filters(tuple(f"x{number}/" for number in range(5000)))},
        {"filters": Filters((), tuple(f"x{number}" for number in range(5000)))},
    ],
    ids=["text", "folder", "type", "extension", "types", "extensions"],
)
async def test_a_question_as_long_as_an_address_can_be_is_answered(workspace, wanted):
    await upload(workspace, "in.csv")

    assert await names(workspace, **wanted) == []


# API 5: each earlier file exactly once while others are added
@pytest.mark.parametrize("is_descending", [True, False])
@pytest.mark.parametrize(
    "fields",
    [["created_at"], ["modified_at"], ["name"], ["size"], ["path"], ["mime"], ["size", "mime", "name"]],
    ids="-".join,
)
async def test_a_list_in_any_order_is_gone_on_with_at_its_cursor(workspace, clock, fields, is_descending):
    for number in range(5):
        await upload(workspace, f"{'aB'[number % 2]} {number}.csv", bytes(number // 2))
        clock.forward(seconds=number % 2)
    order = tuple((field, is_descending) for field in fields)
    wanted = FileFilter(session_id="churn")
    whole = await names(workspace, Page(order=order))
    page = Page(order=order, limit=2)
    part = await workspace.artifacts.beyond(ADA, wanted, page, "")
    seen = [record.name for record in part.artifacts]

    while part.next:
        await upload(workspace, "new.csv") if is_descending else None
        part = await workspace.artifacts.beyond(ADA, wanted, page, part.next)
        seen += [record.name for record in part.artifacts]

    assert [name for name in seen if not name.startswith("new")] == whole
    assert not part.has_more


def cursor_of(content):
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


ID = "att_" + "a" * 26


@pytest.mark.parametrize(
    "cursor",
    [
        "?",
        "ä",
        "YWJj",
        cursor_of(b'[[["created_at",true]],[[1],"att_x"]]'),
        *(
            cursor_of(b'[[["created_at",true]],[%s,"%s"]]' % (values, ID.encode()))
            for values in (b"[]", b"[1,2]", b'["x"]', b"[1.5]", b"[true]", b"[9223372036854775808]", b"[1" + b"0" * 5000 + b"]")
        ),
    ],
)  # fmt: skip
async def test_a_cursor_that_is_none_of_ours_is_refused(workspace, cursor):
    wanted = FileFilter(session_id="churn")

    error = await caught(workspace.artifacts.beyond(ADA, wanted, ANY, cursor))

    assert isinstance(error, ParameterInvalid)
    assert error.facts["parameter"] == "next"


async def test_a_cursor_of_a_list_in_another_order_is_refused(workspace):
    by_name = Page(order=(("name", False),), limit=1)
    await upload(workspace, "a.csv")
    await upload(workspace, "b.csv")
    wanted = FileFilter(session_id="churn")

    listed = await workspace.artifacts.page(ADA, wanted, by_name)
    error = await caught(workspace.artifacts.beyond(ADA, wanted, ANY, listed.next))

    assert isinstance(error, ParameterInvalid)
    assert error.facts["parameter"] == "next"


# S0-06, S0-07 (shape), C8
async def test_the_list_of_what_came_in_names_only_that(workspace):
    await upload(workspace, "in.csv")
    await upload(workspace, "out.csv", kind="artifact", folder="")

    page = await workspace.artifacts.attachments(ADA, "churn", Page(limit=1))

    assert [record.name for record in page.attachments] == ["in.csv"]
    assert (page.total, page.has_more) == (1, False)


async def test_the_list_of_a_session_that_is_not_there_is_not_found(workspace):
    error = await caught(workspace.artifacts.page(ADA, FileFilter(session_id="nowhere"), ANY))

    assert isinstance(error, SessionNotFound)


# S0-75, S0-78, S0-79, C16: the content comes along only if it is enabled and small
@pytest.mark.parametrize(
    ("enabled", "asked", "size", "expected"),
    [
        (True, True, 3, "data:text/csv;base64,MSwy"),
        (True, True, 2, UNSET),
        (True, False, 3, UNSET),
        (False, True, 3, UNSET),
    ],
)
async def test_a_record_carries_its_content_only_on_demand_and_if_it_is_small(
    workspace, enabled, asked, size, expected
):
    entry = await upload(workspace, "a.csv", b"1,2")
    set_inline(workspace, enabled=enabled, size=size)

    record = await workspace.artifacts.meta(ADA, "churn", entry.attachment_id, with_content=asked)

    assert record.data_uri == expected


def set_inline(workspace, *, enabled=True, size=100):
    settings = replace(workspace.parts.settings, inline_data_uri=enabled, inline_data_uri_size=size)
    object.__setattr__(workspace.parts, "settings", settings)


async def meta(workspace, file_id):
    return await workspace.artifacts.meta(ADA, "churn", file_id, with_content=True)


async def test_the_record_of_an_old_version_carries_the_old_content(workspace):
    set_inline(workspace)
    old = await upload(workspace, "a.csv", b"old")
    new = await upload(workspace, "a.csv", b"new", on_conflict="replace")

    contents = [(await meta(workspace, each)).data_uri for each in (old.artifact_id, new.artifact_id)]

    assert contents == ["data:text/csv;base64,b2xk", "data:text/csv;base64,bmV3"]


async def test_the_record_that_carries_its_content_is_of_that_content(workspace, opener):
    set_inline(workspace, size=5)
    entry = await upload(workspace, "a.csv", b"old")
    write(opener.folder(), "attachments/a.csv", b"newer")

    newer = await meta(workspace, entry.attachment_id)
    gone = await meta(workspace, entry.artifact_id)
    write(opener.folder(), "attachments/a.csv", b"too large now")
    large = await meta(workspace, entry.attachment_id)

    assert (newer.size, newer.version, newer.data_uri) == (5, 2, "data:text/csv;base64,bmV3ZXI=")
    assert (gone.available, gone.data_uri) == (False, UNSET)
    assert (large.size, large.version, large.data_uri) == (13, 3, UNSET)


# C10: att_ is the latest, art_ that version; API 11.24: of a deleted file 404
async def test_a_file_is_found_by_either_id(workspace):
    old = await upload(workspace, "a.csv", b"1")
    new = await upload(workspace, "a.csv", b"2", on_conflict="replace")
    find = workspace.artifacts.find

    assert (await find(ADA, "churn", old.attachment_id)).artifact_id == new.artifact_id
    assert (await find(ADA, "churn", new.artifact_id)).version == 2
    assert (await find(ADA, "churn", old.artifact_id)).version == 1
    await workspace.artifacts.delete(ADA, "churn", [old.attachment_id], permanent=False)
    for file_id in (old.attachment_id, old.artifact_id, new.artifact_id, "art_" + "0" * 26):
        assert isinstance(await caught(find(ADA, "churn", file_id)), FileNotFound)


# S2-21, S2-51: an id of another session is not found here
async def test_an_id_of_another_session_is_not_found(workspace):
    await session(workspace, "other")
    entry = await upload(workspace, "a.csv")

    for file_id in (entry.attachment_id, entry.artifact_id):
        assert isinstance(await caught(workspace.artifacts.find(ADA, "other", file_id)), FileNotFound)


async def edit(workspace, file_id, **wanted):
    return await workspace.artifacts.edit(ADA, "churn", file_id, ArtifactChange(**wanted))


# API 11.30: a rename is an update with the same ids
async def test_a_renamed_file_keeps_its_ids_and_its_bytes(workspace, opener, clock):
    entry = await upload(workspace, "a.csv", b"a")
    clock.forward(seconds=1)

    renamed = await edit(workspace, entry.attachment_id, name="b.txt")

    assert (renamed.path, renamed.mime) == ("attachments/b.txt", "text/plain")
    assert (renamed.attachment_id, renamed.artifact_id) == (entry.attachment_id, entry.artifact_id)
    assert (renamed.modified_at, renamed.created_at) == (clock(), entry.created_at)
    assert (opener.folder() / "attachments/b.txt").read_bytes() == b"a"
    assert not (opener.folder() / "attachments/a.csv").exists()
    assert [event["change_type"] for event in await events(workspace)] == ["created", "updated"]
    assert await content_of(workspace, entry.artifact_id) == b"a"


async def test_a_file_is_moved_to_another_folder_by_its_path(workspace, opener):
    entry = await upload(workspace, "a.csv", b"a")

    moved = await edit(workspace, entry.artifact_id, path="deep/er/a.csv")
    back = await edit(workspace, entry.attachment_id, path="a.csv")
    renamed = await edit(workspace, entry.attachment_id, name="b.csv")

    assert (moved.path, back.path, renamed.path) == ("deep/er/a.csv", "a.csv", "b.csv")
    assert (opener.folder() / "b.csv").exists()


async def test_metadata_is_replaced_without_a_move(workspace):
    entry = await upload(workspace, "a.csv", metadata={"a": 1})

    edited = await edit(workspace, entry.attachment_id, metadata={"b": 2})

    assert edited.metadata == {"b": 2}
    assert edited.path == entry.path


async def test_an_edit_that_changes_nothing_is_no_news(workspace):
    entry = await upload(workspace, "a.csv", metadata={"a": 1})

    assert await edit(workspace, entry.attachment_id, name="a.csv", metadata={"a": 1}) == entry
    assert len(await events(workspace)) == 1


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, BodyInvalid),
        ({"name": "a", "path": "b"}, BodyInvalid),
        ({"name": "x/y"}, NameInvalid),
        ({"name": ".hidden"}, NameInvalid),
        ({"path": "../up"}, PathEscapes),
        ({"path": ""}, NameInvalid),
        ({"path": "attachments/attachments_manifest.json"}, NameInvalid),
        ({"name": "attachments_manifest.json"}, NameInvalid),
        ({"name": "taken.csv"}, NameTaken),
        ({"name": "foreign.csv"}, NameTaken),
    ],
)
async def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(workspace, opener, wanted, expected):
    entry = await upload(workspace, "a.csv", b"a")
    await upload(workspace, "taken.csv", b"taken")
    write(opener.folder(), "attachments/foreign.csv", b"foreign")

    error = await caught(edit(workspace, entry.attachment_id, **wanted))

    assert isinstance(error, expected)
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"a"
    assert (opener.folder() / "attachments/taken.csv").read_bytes() == b"taken"
    assert (opener.folder() / "attachments/foreign.csv").read_bytes() == b"foreign"


async def test_a_file_that_vanished_cannot_be_renamed(workspace, opener):
    entry = await upload(workspace, "a.csv")
    (opener.folder() / "attachments/a.csv").unlink()

    assert isinstance(await caught(edit(workspace, entry.attachment_id, name="b.csv")), FileNotFound)


async def test_an_old_version_cannot_be_edited(workspace):
    old = await upload(workspace, "a.csv", b"1")
    await upload(workspace, "a.csv", b"2", on_conflict="replace")

    assert isinstance(await caught(edit(workspace, old.artifact_id, name="b.csv")), FileNotFound)


async def delete(workspace, *entries, permanent=False):
    ids = [getattr(entry, "attachment_id", entry) for entry in entries]
    await workspace.artifacts.delete(ADA, "churn", ids, permanent=permanent)


async def trash(workspace, page=ANY):
    return [record.name for record in (await workspace.artifacts.trash(ADA, "churn", page)).trash]


# S2-10, S2-11, S2-13, S2-14: gone from every view, the path free at once
async def test_a_deleted_file_is_in_the_trash_and_its_path_is_free(workspace, opener, clock):
    entry = await upload(workspace, "a.csv", b"a")
    clock.forward(seconds=1)

    await delete(workspace, entry)
    again = await upload(workspace, "a.csv", b"b", on_conflict="error")

    assert opener.trash() == [entry.artifact_id]
    assert await names(workspace) == ["a.csv"]
    [record] = (await workspace.artifacts.trash(ADA, "churn", ANY)).trash
    assert (record.attachment_id, record.path, record.deleted_at) == (
        entry.attachment_id,
        entry.path,
        clock(),
    )
    assert again.attachment_id != entry.attachment_id
    assert [event["change_type"] for event in await events(workspace)] == ["created", "deleted", "created"]
    assert (await workspace.sessions.usage(ADA)).file_count == 1


# S2-12: also for two deletions of the same path within one second
async def test_the_same_path_can_be_deleted_again_and_again(workspace):
    for number in range(3):
        await delete(workspace, await upload(workspace, "a.csv", b"%d" % number))

    assert await trash(workspace) == ["a.csv"] * 3
    part = await workspace.artifacts.trash(ADA, "churn", Page(limit=2))
    assert (len(part.trash), part.total, part.has_more) == (2, 3, True)


# S2-15
async def test_what_is_deleted_or_unknown_cannot_be_deleted(workspace):
    entry = await upload(workspace, "a.csv")
    other = await upload(workspace, "b.csv")
    await delete(workspace, entry)

    for wanted in ([entry], [other, "att_" + "0" * 26]):
        assert isinstance(await caught(delete(workspace, *wanted)), FileNotFound)
    assert await names(workspace) == ["b.csv"]


# S2-16, C20
async def test_a_file_deleted_for_good_leaves_nothing(workspace, opener):
    entry = await upload(workspace, "a.csv", b"1")
    await upload(workspace, "a.csv", b"2", on_conflict="replace")

    await delete(workspace, entry, permanent=True)

    assert opener.trash() == []
    assert (await indexed(workspace))[1:] == ((await indexed(workspace))[1], {}, {})
    assert [event["change_type"] for event in await events(workspace)][-1] == "deleted"


async def test_what_is_in_the_trash_can_only_go_for_good(workspace, opener):
    first, second = await upload(workspace, "a.csv"), await upload(workspace, "b.csv")
    await delete(workspace, first)

    await delete(workspace, first, second, permanent=True)

    assert opener.trash() == []
    assert (await indexed(workspace))[2] == {}
    assert (await indexed(workspace))[1].trash_bytes == 0


async def test_a_file_that_vanished_is_deleted_for_good(workspace, opener):
    entry = await upload(workspace, "a.csv", b"1")
    await upload(workspace, "a.csv", b"2", on_conflict="replace")
    (opener.folder() / "attachments/a.csv").unlink()

    await delete(workspace, entry)

    assert opener.trash() == []
    assert (await indexed(workspace))[2:] == ({}, {})


async def test_a_file_changed_behind_our_back_is_deleted_as_it_is(workspace, opener):
    entry = await upload(workspace, "a.csv", b"old")
    write(opener.folder(), "attachments/a.csv", b"edited by hand")

    await delete(workspace, entry)
    restored = await workspace.artifacts.restore(ADA, "churn", entry.attachment_id, "error")

    assert (restored.size, restored.sha256) == (14, None)
    assert await content_of(workspace, entry.attachment_id) == b"edited by hand"


async def restore(workspace, file_id, on_conflict="error"):
    return await workspace.artifacts.restore(ADA, "churn", file_id, on_conflict)


# API 11.29, 11.30: created, with the old ids
async def test_a_restored_file_is_what_it_was(workspace, opener):
    entry = await upload(workspace, "a.csv", b"a")
    await delete(workspace, entry)

    restored = await restore(workspace, entry.attachment_id)

    assert restored == entry
    assert opener.trash() == []
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"a"
    last = (await events(workspace))[-1]
    assert (last["change_type"], last["artifact_id"]) == ("created", entry.artifact_id)


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_file_whose_path_is_taken_is_restored_under_another_on_demand(workspace, opener, is_known):
    entry = await upload(workspace, "a.csv", b"a")
    await delete(workspace, entry)
    if is_known:
        await upload(workspace, "a.csv", b"new")
    else:
        write(opener.folder(), "attachments/a.csv", b"new")

    error = await caught(restore(workspace, entry.attachment_id))
    restored = await restore(workspace, entry.artifact_id, "rename")

    assert isinstance(error, NameTaken)
    assert restored.path == "attachments/a (1).csv"
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"new"


async def test_a_replaced_version_comes_back_as_a_new_version_of_its_file(workspace, opener):
    old = await upload(workspace, "a.csv", b"old", metadata={"a": 1})
    new = await upload(workspace, "a.csv", b"new", on_conflict="replace", metadata={"b": 2})

    restored = await restore(workspace, old.artifact_id)

    assert (restored.attachment_id, restored.version) == (old.attachment_id, 3)
    assert restored.artifact_id not in {old.artifact_id, new.artifact_id}
    assert restored.metadata == {"a": 1, "b": 2}
    assert await content_of(workspace, old.attachment_id) == b"old"
    assert await content_of(workspace, new.artifact_id) == b"new"
    assert opener.trash() == [new.artifact_id]
    assert isinstance(await caught(content_of(workspace, old.artifact_id)), FileNotFound)
    assert (await events(workspace))[-1]["change_type"] == "updated"


async def test_a_version_of_a_deleted_file_waits_for_its_file(workspace):
    old = await upload(workspace, "a.csv", b"old")
    await upload(workspace, "a.csv", b"new", on_conflict="replace")
    await delete(workspace, old)

    error = await caught(restore(workspace, old.artifact_id))
    await restore(workspace, old.attachment_id)
    restored = await restore(workspace, old.artifact_id)

    assert error.facts == {"attachment_id": old.attachment_id}
    assert restored.version == 3


async def test_a_version_is_not_restored_over_a_file_that_is_being_changed(workspace, opener, monkeypatch):
    monkeypatch.setattr(publisher, "TRIES", 2)
    old = await upload(workspace, "a.csv", b"old")
    await upload(workspace, "a.csv", b"new", on_conflict="replace")
    write(opener.folder(), "attachments/a.csv", b"edited by hand")

    error = await caught(restore(workspace, old.artifact_id))

    assert isinstance(error, Busy)
    assert (opener.folder() / "attachments/a.csv").read_bytes() == b"edited by hand"


async def test_what_is_not_in_the_trash_cannot_be_restored(workspace):
    entry = await upload(workspace, "a.csv", b"a")

    for file_id in (entry.attachment_id, "art_" + "0" * 26):
        assert isinstance(await caught(restore(workspace, file_id)), FileNotFound)


async def test_a_restore_that_meets_a_busy_disk_is_planned_again(workspace, monkeypatch):
    entry = await upload(workspace, "a.csv", b"a")
    await delete(workspace, entry)
    store = workspace.parts.store
    monkeypatch.setattr(store, "apply", FailsAt(store.apply, Busy(), 1))

    assert (await restore(workspace, entry.attachment_id)).kept == "live"


# API 11.24: bytes that were overwritten in place are gone, the record is not
async def test_a_version_that_was_overwritten_in_place_has_no_bytes(workspace, opener):
    entry = await upload(workspace, "a.csv", b"old")
    write(opener.folder(), "attachments/a.csv", b"edited by hand")

    latest = await content_of(workspace, entry.attachment_id)
    error = await caught(content_of(workspace, entry.artifact_id))
    record = await workspace.artifacts.meta(ADA, "churn", entry.artifact_id, with_content=True)

    assert latest == b"edited by hand"
    assert isinstance(error, VersionGone)
    assert (record.available, record.data_uri) == (False, UNSET)


# API 11.19: names in parameters are normalised
async def test_a_list_is_asked_for_in_either_normal_form(workspace):
    entry = await upload(workspace, "\u00e9.csv", folder="\u00e0")
    await upload(workspace, "e.csv", folder="a")

    by_folder = FileFilter(session_id="churn", prefix="a\u0300")
    by_name = FileFilter(session_id="churn", text="e\u0301")
    pages = [await workspace.artifacts.page(ADA, wanted, Page()) for wanted in (by_folder, by_name)]

    assert [[one.attachment_id for one in page.artifacts] for page in pages] == [[entry.attachment_id]] * 2
