import os
import unicodedata
import warnings

import msgspec
import pytest

from jupyter_workspace import errors
from jupyter_workspace.client.lookup import choose, find, find_path
from jupyter_workspace.models.file import File
from tests.unit.client.flows import record

NFD = unicodedata.normalize("NFD", "é.csv")


def files(*paths):
    return [msgspec.convert(record(path), File) for path in paths]


def write(folder, path, age=0):
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(path)
    os.utime(target, (1_000_000 - age, 1_000_000 - age))
    return target


def test_an_exact_path_comes_before_attachments():
    found = choose("a.csv", files("attachments/a.csv", "deep/a.csv", "a.csv"))

    assert found.path == "a.csv"


def test_attachments_come_before_a_unique_name():
    assert choose("a.csv", files("deep/a.csv", "attachments/a.csv")).path == "attachments/a.csv"


def test_a_unique_name_is_enough():
    assert choose("a.csv", files("deep/a.csv", "deep/b.csv")).path == "deep/a.csv"


def test_a_name_that_fits_two_files_names_both():
    with pytest.raises(errors.AmbiguousName, match=r"deep/a\.csv, other/a\.csv") as caught:
        choose("a.csv", files("other/a.csv", "deep/a.csv"))

    assert caught.value.facts["paths"] == ["deep/a.csv", "other/a.csv"]
    assert isinstance(caught.value, LookupError)


def test_no_file_is_no_choice():
    assert choose("a.csv", files("b.csv", "ba.csv")) is None


def test_a_decomposed_name_is_found_exactly_first_then_by_nfc():
    both = files(f"x/{NFD}", "y/é.csv")

    assert choose(NFD, both).path == f"x/{NFD}"
    assert choose("é.csv", both).path == "y/é.csv"
    assert choose("é.csv", both[:1]).path == f"x/{NFD}"


def test_a_decomposed_name_is_found_on_disk(here, folder, server):
    path = write(folder, f"deep/{NFD}")
    server.add(f"deep/{NFD}")

    assert find_path(here, "é.csv") == path


# on the server's machine


def test_a_file_is_found_on_disk_by_path_and_by_name(here, folder, server):
    exact = write(folder, "plots/loss.png")
    attachment = write(folder, "attachments/sales.csv")
    server.requests.clear()

    assert find_path(here, "plots/loss.png") == exact
    assert find_path(here, "sales.csv") == attachment
    assert server.requests == [], "the server was not asked"


def test_a_unique_name_is_asked_of_the_server(here, folder, server):
    path = write(folder, "deep/a.csv")
    server.add("deep/a.csv")

    assert find_path(here, "a.csv") == path


def test_an_id_leads_to_the_file(here, folder, server):
    path = write(folder, "deep/a.csv")
    made = server.add("deep/a.csv")

    assert find_path(here, made["attachment_id"]) == path
    assert find_path(here, made["artifact_id"]) == path


def test_an_older_version_is_fetched_not_the_present_file(here, folder, server):
    write(folder, "a.csv")
    old = server.add("a.csv", b"old")
    server.add("a.csv", b"new", attachment_id=old["attachment_id"])

    assert find_path(here, old["artifact_id"]).read_bytes() == b"old"


def test_a_file_may_be_named_like_an_id(here, folder, server):
    name = "att_0123456789abcdefgh"
    path = write(folder, name)
    server.add(name)

    assert find_path(here, name) == path


def test_a_reference_is_found_below_the_root(here, tmp_path, server):
    path = write(tmp_path / "root", "data/big.bin")
    server.add("references/big.bin", storage="reference", root_path="data/big.bin")

    assert find_path(here, "big.bin") == path


@pytest.mark.parametrize("key", ["../churn.txt", "/etc/passwd", "a/../../b", "."])
def test_a_path_never_leads_out(here, key):
    with pytest.raises(errors.PathEscapes):
        find_path(here, key)


def test_hidden_files_are_not_found(here, folder):
    write(folder, ".secret")

    with pytest.raises(errors.FileNotFound):
        find_path(here, ".secret")


def test_a_missing_file_says_what_there_is(here, server):
    server.add("attachments/sales.csv")

    with pytest.raises(FileNotFoundError, match=r"There is: 'sales\.csv'"):
        find_path(here, "sale.csv")


def test_a_missing_file_in_an_empty_session_says_how_to_begin(here):
    with pytest.raises(errors.FileNotFound, match="no files yet"):
        find_path(here, "sales.csv")


def test_a_newer_copy_is_warned_of(here, folder):
    path = write(folder, "attachments/sales.csv", age=10)
    write(folder, "attachments/sales (1).csv")

    with pytest.warns(UserWarning, match=r"'sales \(1\)\.csv' came later"):
        assert find_path(here, "sales.csv") == path


def test_an_older_copy_is_not_warned_of(here, folder):
    write(folder, "attachments/sales.csv")
    write(folder, "attachments/sales (1).csv", age=10)
    write(folder, "attachments/sales (new).csv")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_path(here, "sales.csv")


# elsewhere


def test_from_another_machine_a_file_is_fetched_once(far, server):
    server.add("attachments/sales.csv", b"abc")

    first = find_path(far, "sales.csv")
    server.requests.clear()
    second = find_path(far, "sales.csv")

    assert first == second
    assert first.read_bytes() == b"abc"
    assert first.name == "sales.csv"
    assert not any(request.url.params.get("mode") == "stream" for request in server.requests)


def test_from_another_machine_a_newer_copy_is_warned_of_too(far, server):
    server.add("attachments/sales.csv")
    server.add("attachments/sales (1).csv")

    with pytest.warns(UserWarning, match="came later"):
        find_path(far, "sales.csv")


def test_a_record_is_found_by_name_within_its_kind(here, server):
    server.add("attachments/a.csv")

    assert find(here, "a.csv", "attachment").path == "attachments/a.csv"
    with pytest.raises(errors.FileNotFound):
        find(here, "a.csv", "artifact")
