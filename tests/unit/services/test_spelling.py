"""Names in other normal forms: found exactly first, then by NFC. API 11.19"""

import unicodedata

import pytest

from jupyter_workspace.errors import FileNotFound, NotADirectory, SourceNotFound
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.session import SessionNew
from jupyter_workspace.protocol.selection import FileFilter, SessionFilter
from jupyter_workspace.services.artifacts import Page
from jupyter_workspace.services.folders import Where
from jupyter_workspace.services.spelling import as_written
from tests.unit.opening import ADA, caught, content_of, session, write

NFC, NFD = "r\u00e9sum\u00e9", unicodedata.normalize("NFD", "r\u00e9sum\u00e9")
MIXED = "r\u00e9sume\u0301"


@pytest.fixture
async def churn(workspace, opener):
    await session(workspace)
    return opener.folder()


@pytest.mark.parametrize("folder", [NFC, NFD, MIXED])
@pytest.mark.parametrize("name", [NFC, NFD, MIXED])
@pytest.mark.parametrize("asked", [NFC, NFD, MIXED])
async def test_a_path_is_found_in_whatever_form_its_parts_are_written(workspace, churn, folder, name, asked):
    write(churn, f"{folder}/{name}.txt")

    found = await as_written(workspace.parts.store, "churn", f"{asked}/{asked}.txt")

    assert found == f"{folder}/{name}.txt"


async def test_the_exact_form_is_found_first_and_then_nfc(workspace, churn):
    for name in (NFC, NFD):
        write(churn, name)
    store = workspace.parts.store

    found = [await as_written(store, "churn", name) for name in (NFC, NFD, MIXED)]

    assert found == [NFC, NFD, NFC]


@pytest.mark.parametrize("path", [f"{NFD}/a", f"a.txt/{NFD}", f"link/{NFD}", f"{NFD}/{NFD}", "a\u037e"])
async def test_what_is_not_there_is_in_nfc(workspace, churn, path):
    write(churn, "a.txt")
    (churn / "link").symlink_to("/")

    found = await as_written(workspace.parts.store, "churn", path)

    assert found == unicodedata.normalize("NFC", path)


@pytest.mark.parametrize("asked", [NFC, NFD, MIXED])
async def test_a_zip_is_made_of_the_folder_in_whatever_form_it_is_named(workspace, churn, asked):
    write(churn, f"{NFD}/{NFC}/a.txt")

    part = await workspace.archives.of_session(ADA, FileFilter(session_id="churn", prefix=f"{asked}/{asked}"))
    folder = await workspace.archives.of_folder(ADA, "churn", f"{asked}/{asked}")

    assert [entry.path for entry in part._entries] == [f"{NFD}/{NFC}/a.txt"]
    assert next(member.name for member in folder._members) == f"{NFC}/a.txt"


async def test_of_two_folders_that_only_differ_in_form_one_is_zipped(workspace, churn):
    write(churn, f"{NFD}/a.txt")
    write(churn, f"{NFC}/b.txt")

    archives = [await workspace.archives.of_folder(ADA, "churn", name) for name in (NFD, NFC)]

    names = [[member.name for member in archive._members] for archive in archives]
    assert names[0] == [f"{NFD}/a.txt", f"{NFD}/attachments_manifest.json"]
    assert names[1] == [f"{NFC}/b.txt", f"{NFC}/attachments_manifest.json"]


@pytest.mark.parametrize("asked", [NFC, NFD])
async def test_lists_are_searched_in_every_form(workspace, churn, asked):
    write(churn, f"data/{NFD}.txt")
    write(churn, f"data/{NFC}.csv")
    await workspace.sessions.create(ADA, SessionNew(session_id="named", name=NFC))
    await workspace.reconcile.scan("churn")
    where, names = Where(session_id="churn", path="data"), (("name", False),)

    folder = await workspace.folders.page(ADA, where, text=asked, order=names, limit=9, offset=0)
    listed = await workspace.artifacts.page(ADA, FileFilter(session_id="churn", text=asked), Page())
    sessions = await workspace.sessions.page(ADA, SessionFilter(text=asked), names, 9, 0)

    assert folder.total == 2
    assert listed.total == 2
    assert [found.session_id for found in sessions.sessions] == ["named"]


async def test_a_file_is_registered_in_whatever_form_it_is_named(workspace, churn, opener):
    write(churn, f"{NFD}/{NFC}.txt", b"inside")
    write(opener.root, f"{NFC}.txt", b"outside")
    register = workspace.registration.register

    [(inside, _)] = await register(ADA, "churn", [Register(path=f"{MIXED}/{MIXED}.txt")])
    [(outside, _)] = await register(ADA, "churn", [Register(root_path=f"{NFD}.txt")])
    [(copied, _)] = await register(
        ADA, "churn", [Register(source=f"workspace://churn/{NFC}/{NFC}.txt", name="copy.txt")]
    )
    missing = await caught(register(ADA, "churn", [Register(root_path=f"{NFD}.csv")]))

    assert inside.path == f"{NFD}/{NFC}.txt"
    assert outside.root_path == f"{NFC}.txt"
    assert await content_of(workspace, copied.attachment_id) == b"inside"
    assert isinstance(missing, SourceNotFound)


async def test_a_folder_in_another_form_is_listed_and_a_file_in_it_found(workspace, churn):
    write(churn, f"{NFD}/{MIXED}.txt")
    where = Where(session_id="churn", path=NFC)

    page = await workspace.folders.page(ADA, where, text=None, order=(), limit=9, offset=0)
    file = await workspace.folders.file_at(ADA, Where(session_id="churn", path=f"{NFC}/{NFD}.txt"))
    gone = await caught(
        workspace.folders.page(
            ADA, Where(session_id="churn", path=f"{NFC}/x"), text=None, order=(), limit=9, offset=0
        )
    )

    assert [item.name for item in page.items] == [f"{MIXED}.txt"]
    assert file.path == f"{NFD}/{MIXED}.txt"
    assert isinstance(gone, (FileNotFound, NotADirectory))
