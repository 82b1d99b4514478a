import asyncio

import pytest

from jupyter_workspace.errors import (
    BodyInvalid,
    FileNotFound,
    NameTaken,
    NotADirectory,
    PathEscapes,
    SessionClosed,
    SessionExists,
    SessionNotFound,
)
from jupyter_workspace.models.session import Resolve, SessionChange, SessionNew
from jupyter_workspace.protocol.selection import FileFilter, SessionFilter
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.settings import SERVER_OWNER, Actor
from tests.unit.opening import (
    ADA,
    FakeNotebooks,
    caught,
    content_of,
    events,
    indexed,
    session,
    upload,
    write,
)

BOB = Actor(owner="bob", name="bob")
KERNEL = Actor(owner="server", name="kernel", sees_all=True)
NEWEST = (("created_at", True),)


async def ids(workspace, actor=ADA, order=NEWEST, limit=10, offset=0, **wanted):
    page = await workspace.sessions.page(actor, SessionFilter(**wanted), order, limit, offset)
    return [each.session_id for each in page.sessions]


# S3-46: the folder is created at once; S4-15: what a session's record says
async def test_a_new_session_has_a_folder_and_a_record(workspace, opener, clock):
    made = await session(workspace, name="Churn", description="Q3", metadata={"team": 1})

    assert opener.folder().is_dir()
    assert (made.session_id, made.name, made.description, made.metadata) == (
        "churn",
        "Churn",
        "Q3",
        {"team": 1},
    )
    assert (made.status, made.path, made.notebook_path) == ("active", "workspace/churn", None)
    assert made.created_at == made.updated_at == made.last_used_at == clock()
    assert (made.attachments, made.artifacts, made.size) == (0, 0, 0)


async def test_a_session_without_a_name_has_its_id_for_one(workspace):
    assert (await session(workspace)).name == "churn"
    assert (await session(workspace, "other", name="")).name == "other"


async def test_an_id_that_is_not_given_is_made_from_the_name(workspace, opener):
    made = await workspace.sessions.create(ADA, SessionNew(name="Kündigungen 2026"))
    again = await workspace.sessions.create(ADA, SessionNew(name="Kündigungen 2026"))
    third = await workspace.sessions.create(ADA, SessionNew())
    write(opener.root / "workspace", "session-2/notes.txt")
    fourth = await workspace.sessions.create(ADA, SessionNew())

    assert made.session_id == "kundigungen-2026"
    assert again.session_id == "kundigungen-2026-2"
    assert third.session_id == "session"
    assert fourth.session_id == "session-3"


async def test_an_id_that_is_taken_is_refused(workspace):
    await session(workspace)

    assert isinstance(await caught(session(workspace)), SessionExists)


async def test_a_file_in_place_of_the_folder_is_a_clean_error(workspace, opener):
    write(opener.root / "workspace", "churn")

    error = await caught(session(workspace))

    assert isinstance(error, NotADirectory)
    assert isinstance(await caught(workspace.sessions.get(ADA, "churn")), SessionNotFound)


# C12, S2-05: idempotent and free of races
async def test_put_gives_the_session_that_is_there(workspace):
    made, is_new = await workspace.sessions.ensure(ADA, "churn", SessionNew(name="Churn"))
    again, is_new_again = await workspace.sessions.ensure(ADA, "churn", SessionNew(name="Other"))

    assert (is_new, is_new_again) == (True, False)
    assert made == again


# S2-05: two concurrent first uses yield one and no error
async def test_two_that_ask_for_a_new_session_at_once_get_the_same_one(workspace):
    done = await asyncio.gather(*(workspace.sessions.ensure(ADA, "churn", SessionNew()) for _ in range(5)))

    assert sorted(is_new for _, is_new in done) == [False] * 4 + [True]


# API 11.32, 11.35: plain folders are adopted, and what they hold is announced (overrides S0-64)
async def test_a_new_session_adopts_the_files_of_its_folder(workspace, opener):
    write(opener.folder(), "model.pkl", b"weights")
    write(opener.folder(), "attachments/in.csv", b"1")
    write(opener.folder(), ".hidden/x", b"1")

    made = await session(workspace)

    told = {event["path"]: (event["change_type"], event["kind"]) for event in await events(workspace)}
    assert told == {"model.pkl": ("created", "artifact"), "attachments/in.csv": ("created", "attachment")}
    assert (made.attachments, made.artifacts, made.size) == (1, 1, 8)


async def test_sessions_are_listed_by_any_order_and_page_by_page(workspace, clock):
    for number, name in enumerate(["beta", "Alpha", "gamma"]):
        clock.forward(seconds=1)
        await session(workspace, f"s{number}", name=name)

    assert await ids(workspace) == ["s2", "s1", "s0"]
    assert await ids(workspace, order=(("name", False),)) == ["s1", "s0", "s2"]
    assert await ids(workspace, order=(("status", False), ("name", True)), limit=2) == ["s2", "s0"]
    first = await workspace.sessions.page(ADA, SessionFilter(), NEWEST, 2, 0)
    last = await workspace.sessions.page(ADA, SessionFilter(), NEWEST, 2, 2)
    assert (first.total, first.has_more, last.has_more) == (3, True, False)


async def test_sessions_are_found_by_text_status_and_notebook(workspace):
    await session(workspace, "one", name="Müller", description="100% done", notebook_path="a.ipynb")
    await session(workspace, "two", description="the second")
    await workspace.sessions.change(ADA, "two", SessionChange(status="completed"))

    assert await ids(workspace, text="MÜLL") == ["one"]
    assert await ids(workspace, text="0% d") == ["one"]
    assert await ids(workspace, text="_") == []
    assert await ids(workspace, status="completed") == ["two"]
    assert await ids(workspace, notebook_path="a.ipynb") == ["one"]
    assert await ids(workspace, notebook_path="b.ipynb") == []


# S3-04, S3-08, S4-19, S2-51, S2-06: another owner's is not found and not counted
async def test_anothers_session_does_not_exist(workspace):
    await session(workspace)
    await upload(workspace, "a.csv")
    ask = workspace.sessions

    for refused in (
        ask.get(BOB, "churn"),
        ask.require_open(BOB, "churn"),
        ask.change(BOB, "churn", SessionChange(name="mine")),
        ask.delete(BOB, "churn", with_files=True),
    ):
        assert isinstance(await caught(refused), SessionNotFound)
    assert isinstance(await caught(ask.create(BOB, SessionNew(session_id="churn"))), SessionExists)
    assert isinstance(await caught(ask.ensure(BOB, "churn", SessionNew())), SessionExists)
    assert await ids(workspace, BOB) == []
    assert (await ask.usage(BOB)).file_count == 0
    everywhere = FileFilter()
    assert (await workspace.artifacts.page(BOB, everywhere, Page())).total == 0
    assert (await workspace.artifacts.page(KERNEL, everywhere, Page())).total == 1
    assert await ids(workspace, KERNEL) == ["churn"]


async def test_a_session_is_changed_member_by_member(workspace, clock):
    await session(workspace, name="Churn", description="old", metadata={"a": 1})
    clock.forward(minutes=1)

    changed = await workspace.sessions.change(ADA, "churn", SessionChange(description="new"))

    assert (changed.name, changed.description, changed.metadata) == ("Churn", "new", {"a": 1})
    assert changed.updated_at == clock() != changed.created_at


async def test_nothing_to_change_is_refused(workspace):
    await session(workspace)

    assert isinstance(await caught(workspace.sessions.change(ADA, "churn", SessionChange())), BodyInvalid)


# S4-18, S4-17: a closed session refuses writes; reads go on
async def test_a_closed_session_takes_no_files_but_gives_them(workspace):
    await session(workspace)
    entry = await upload(workspace, "a.csv", b"a")
    await workspace.sessions.change(ADA, "churn", SessionChange(status="abandoned"))

    for refused in (
        upload(workspace, "b.csv"),
        workspace.sessions.require_open(ADA, "churn"),
        workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False),
    ):
        error = await caught(refused)
        assert isinstance(error, SessionClosed)
        assert error.facts["status"] == "abandoned"
    assert await content_of(workspace, entry.attachment_id) == b"a"
    await workspace.sessions.change(ADA, "churn", SessionChange(status="active"))
    assert (await upload(workspace, "b.csv")).version == 1


# S0-91: kept by default; S0-92: only attachments go, and only if the administrator wants it
@pytest.mark.parametrize("is_cleaned", [False, True])
async def test_attachments_go_to_the_trash_at_the_end_only_on_demand(opener, is_cleaned):
    async with opener(in_memory=True, clean_attachments_on_close=is_cleaned) as workspace:
        await session(workspace)
        await upload(workspace, "in.csv")
        await upload(workspace, "out.csv", kind="artifact", folder="")

        closed = await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))
        again = await workspace.sessions.change(ADA, "churn", SessionChange(status="abandoned"))

    assert (closed.attachments, closed.artifacts) == (0 if is_cleaned else 1, 1)
    assert (again.attachments, again.artifacts) == (closed.attachments, 1)
    assert len(opener.trash()) == is_cleaned


async def test_closing_a_session_without_attachments_cleans_nothing(opener):
    async with opener(in_memory=True, clean_attachments_on_close=True) as workspace:
        await session(workspace)

        closed = await workspace.sessions.change(ADA, "churn", SessionChange(status="completed"))

    assert closed.status == "completed"


# S3-52, API 11.32: the record goes, the files stay
async def test_a_deleted_session_leaves_a_plain_folder(workspace, opener):
    await session(workspace, notebook_path="a.ipynb")
    await upload(workspace, "a.csv")
    doomed = await upload(workspace, "b.csv")
    await workspace.artifacts.delete(ADA, "churn", [doomed.attachment_id], permanent=False)

    await workspace.sessions.delete(ADA, "churn", with_files=False)

    assert (opener.folder() / "attachments/a.csv").exists()
    assert opener.trash() == []
    assert await ids(workspace) == []
    assert (await indexed(workspace))[2:] == ({}, {})
    assert isinstance(await caught(upload(workspace, "c.csv")), SessionNotFound)
    made, is_new = await workspace.sessions.of_notebook(ADA, "a.ipynb")
    assert (made.session_id, is_new) == ("a", True)


# S2-22: cleaned up without touching another
async def test_a_session_deleted_with_its_files_sends_the_folder_to_the_trash(workspace, opener):
    await session(workspace)
    await session(workspace, "other")
    await upload(workspace, "a.csv", session_id="other")
    await upload(workspace, "a.csv")

    await workspace.sessions.delete(ADA, "churn", with_files=True)

    assert not opener.folder().exists()
    assert [name.rpartition(".")[2] for name in opener.trash()] == ["churn"]
    assert (opener.folder("other") / "attachments/a.csv").exists()
    assert isinstance(await caught(workspace.sessions.delete(ADA, "churn", with_files=True)), SessionNotFound)


async def test_a_session_whose_folder_is_gone_can_be_deleted_with_its_files(workspace, opener):
    await session(workspace)
    opener.folder().rmdir()

    await workspace.sessions.delete(ADA, "churn", with_files=True)

    assert opener.trash() == []


async def test_of_two_that_delete_a_session_one_is_told_that_it_is_gone(workspace):
    await session(workspace)

    done = await asyncio.gather(
        *(workspace.sessions.delete(ADA, "churn", with_files=False) for _ in range(2)), return_exceptions=True
    )

    assert [type(result) for result in done] == [type(None), SessionNotFound]


# API 3: from a notebook to its session


async def test_a_notebook_gets_a_session_and_keeps_it(workspace, clock):
    made, is_new = await workspace.sessions.of_notebook(ADA, "q3/Churn Model.ipynb")
    clock.forward(hours=1)
    again, is_new_again = await workspace.sessions.of_notebook(ADA, "q3/Churn Model.ipynb")

    assert (made.session_id, made.name, made.notebook_path) == (
        "churn-model",
        "Churn Model",
        "q3/Churn Model.ipynb",
    )
    assert (is_new, is_new_again) == (True, False)
    assert again.last_used_at == clock()
    assert again.session_id == made.session_id


# S2-05: kernel and panel ask at the same moment
async def test_kernel_and_panel_that_resolve_at_once_get_one_session(opener):
    async with opener(in_memory=True, notebooks=FakeNotebooks(k1="a.ipynb")) as workspace:
        done = await asyncio.gather(
            workspace.sessions.resolve(KERNEL, Resolve(kernel_id="k1")),
            workspace.sessions.resolve(ADA, Resolve(notebook_path="./a.ipynb".removeprefix("./"))),
        )

        assert {each.session_id for each, _ in done} == {"a"}
        assert sorted(is_new for _, is_new in done) == [False, True]


async def test_two_notebooks_of_one_name_get_sessions_of_their_own(workspace):
    first, _ = await workspace.sessions.of_notebook(ADA, "a/Untitled.ipynb")
    second, _ = await workspace.sessions.of_notebook(ADA, "b/Untitled.ipynb")
    unnamed, _ = await workspace.sessions.of_notebook(ADA, "b/.ipynb")

    assert (first.session_id, second.session_id) == ("untitled", "untitled-2")
    assert unnamed.name == unnamed.session_id == "notebook"


@pytest.mark.parametrize(
    "wanted", [Resolve(), Resolve(kernel_id="k", notebook_path="a"), Resolve(notebook_path="")]
)
async def test_resolving_takes_exactly_one_of_kernel_and_notebook(workspace, wanted):
    assert isinstance(await caught(workspace.sessions.resolve(ADA, wanted)), BodyInvalid)


@pytest.mark.parametrize(("path", "expected"), [("../a.ipynb", PathEscapes), ("/etc/a.ipynb", PathEscapes)])
async def test_a_notebook_path_that_escapes_is_refused(workspace, path, expected):
    assert isinstance(await caught(workspace.sessions.resolve(ADA, Resolve(notebook_path=path))), expected)


async def test_a_kernel_without_a_notebook_has_no_session(workspace):
    error = await caught(workspace.sessions.resolve(KERNEL, Resolve(kernel_id="unknown")))

    assert isinstance(error, SessionNotFound)
    assert "current(" in error.hint


# API 3: renamed through Jupyter it keeps its session, a copy gets its own
async def test_a_renamed_notebook_keeps_its_session_and_a_copy_gets_its_own(workspace):
    made, _ = await workspace.sessions.of_notebook(ADA, "old/a.ipynb")
    other, _ = await workspace.sessions.of_notebook(ADA, "older.ipynb")

    await workspace.sessions.notebook_moved("old", "new")
    moved, is_new = await workspace.sessions.of_notebook(ADA, "new/a.ipynb")
    await workspace.sessions.notebook_moved("new/a.ipynb", "b.ipynb")
    renamed, _ = await workspace.sessions.of_notebook(ADA, "b.ipynb")
    copied, is_copy_new = await workspace.sessions.of_notebook(ADA, "new/a.ipynb")

    assert moved.session_id == renamed.session_id == made.session_id
    assert not is_new
    assert (copied.session_id, is_copy_new) == ("a-2", True)
    assert (await workspace.sessions.get(ADA, other.session_id)).notebook_path == "older.ipynb"


async def test_a_session_can_have_several_notebooks_but_a_notebook_one_session(workspace):
    await session(workspace, "one", notebook_path="a.ipynb")
    await session(workspace, "two")

    both = await workspace.sessions.change(ADA, "one", SessionChange(notebooks=["b.ipynb", "a.ipynb"]))
    error = await caught(workspace.sessions.change(ADA, "two", SessionChange(notebooks=["a.ipynb"])))
    taken = await caught(session(workspace, "three", notebook_path="b.ipynb"))

    assert (both.notebook_path, both.notebooks) == ("b.ipynb", ["b.ipynb", "a.ipynb"])
    assert isinstance(error, NameTaken)
    assert error.facts == {"notebook_path": "a.ipynb", "session_id": "one"}
    assert isinstance(taken, NameTaken)
    assert (await workspace.sessions.of_notebook(ADA, "a.ipynb"))[0].session_id == "one"


CAROL = Actor(owner="carol", name="carol")


# API 11.1
async def test_each_owner_has_a_session_of_a_notebook(workspace):
    first, _ = await workspace.sessions.of_notebook(CAROL, "a.ipynb")

    made, is_new = await workspace.sessions.of_notebook(BOB, "a.ipynb")
    again, _ = await workspace.sessions.of_notebook(BOB, "a.ipynb")
    still, _ = await workspace.sessions.of_notebook(CAROL, "a.ipynb")

    assert (is_new, again.session_id, still.session_id) == (True, made.session_id, first.session_id)
    assert made.session_id != first.session_id


# API 3: kernel and panel find the same session, whichever asks first
async def test_what_a_kernel_made_belongs_to_who_asks_for_it_first(workspace):
    kernel = Actor(owner=SERVER_OWNER, name="kernel", sees_all=True)
    made, _ = await workspace.sessions.of_notebook(kernel, "a.ipynb")

    claimed, is_new = await workspace.sessions.of_notebook(CAROL, "a.ipynb")
    seen, _ = await workspace.sessions.of_notebook(kernel, "a.ipynb")
    other, is_other_new = await workspace.sessions.of_notebook(BOB, "a.ipynb")

    assert (is_new, claimed.session_id, seen.session_id) == (False, made.session_id, made.session_id)
    assert (await workspace.sessions.get(CAROL, made.session_id)).session_id == made.session_id
    assert (is_other_new, other.session_id == made.session_id) == (True, False)


# S2-48: used, limit, percentage with one decimal, 0 without a limit, count of files
@pytest.mark.parametrize(("limit", "percent"), [(0, 0.0), (30, 33.3)])
async def test_usage_counts_live_bytes_and_the_trash_apart(opener, limit, percent):
    async with opener(in_memory=True, max_user_size=limit) as workspace:
        await session(workspace)
        await session(workspace, "gone")
        await upload(workspace, "a.csv", b"0123456789")
        doomed = await upload(workspace, "b.csv", b"01234")
        await workspace.artifacts.delete(ADA, "churn", [doomed.attachment_id], permanent=False)
        await workspace.sessions.delete(ADA, "gone", with_files=False)

        usage = await workspace.sessions.usage(ADA)

    assert (usage.used_bytes, usage.trash_bytes, usage.file_count) == (10, 5, 1)
    assert (usage.limit_bytes, usage.used_percent) == (limit, percent)
    [own] = usage.sessions
    assert (own.session_id, own.used_bytes, own.trash_bytes, own.file_count) == ("churn", 10, 5, 1)


async def test_a_file_of_a_deleted_session_is_not_found(workspace):
    await session(workspace)
    entry = await upload(workspace, "a.csv")
    await workspace.sessions.delete(ADA, "churn", with_files=True)
    await session(workspace)

    assert isinstance(await caught(content_of(workspace, entry.attachment_id)), FileNotFound)
