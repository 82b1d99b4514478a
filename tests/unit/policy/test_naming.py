import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import FileNotFound, IdInvalid, NameInvalid, PathEscapes, UploadNotFound
from jupyter_workspace.policy import naming

CHECKS = [
    (naming.check_attachment_id, "att_"),
    (naming.check_artifact_id, "art_"),
    (naming.check_any_file_id, "att_"),
    (naming.check_any_file_id, "art_"),
    (naming.check_run_id, "run_"),
    (naming.check_link_id, "lnk_"),
    (naming.check_archive_id, "arc_"),
    (naming.check_upload_id, "upl_"),
]
ILLEGAL_NAMES = [
    "",
    ".",
    "..",
    "a/b",
    "a\\b",
    "a\0b",
    "a\nb",
    "\x7f",
    "\x85",
    "a.",
    "a ",
    "\ud800",
    "é" * 128,
    "x" * 256,
]


@pytest.mark.parametrize("name", ILLEGAL_NAMES)
def test_an_illegal_name_is_refused(name):
    with pytest.raises(NameInvalid):
        naming.check_name(name)

    assert not naming.is_legal(name)


@pytest.mark.parametrize(
    "name", ["a", "CON", "a:b", "-rf", "%2e%2e", "\u202egnp.exe", "😀" * 63, "x" * 255, ".env", " a"]
)
def test_a_legal_name_is_kept_exactly(name):
    assert naming.check_name(name) == name
    assert naming.is_legal(name)


def test_a_name_is_normalised_to_nfc():
    assert naming.check_name("Cafe\u0301.csv") == "Café.csv"


@given(st.text())
def test_checking_a_checked_name_changes_nothing(name):
    try:
        checked = naming.check_name(name)
    except NameInvalid:
        return

    assert naming.check_name(checked) == checked
    assert 0 < len(checked.encode()) <= 255


@pytest.mark.parametrize("name", ["attachments_manifest.json", "ATTACHMENTS_manifest.json"])
def test_the_manifests_name_is_reserved_among_the_attachments_only(name):
    with pytest.raises(NameInvalid, match="reserved"):
        naming.check_upload_name(name, folder=("attachments",), allow_hidden=False)

    assert naming.check_upload_name(name, folder=(), allow_hidden=False) == name


def test_a_hidden_upload_is_refused_unless_hidden_files_are_allowed():
    with pytest.raises(NameInvalid, match="hidden"):
        naming.check_upload_name(".env", folder=(), allow_hidden=False)

    assert naming.check_upload_name(".env", folder=(), allow_hidden=True) == ".env"


@pytest.mark.parametrize("path", ["", "."])
def test_an_empty_path_and_a_dot_are_the_root(path):
    assert naming.split_path(path, allow_hidden=False) == ()
    assert naming.read_path(path, allow_hidden=False) == ()


def test_empty_components_are_dropped():
    assert naming.split_path("a//b/", allow_hidden=False) == ("a", "b")
    assert naming.read_path("a//b/", allow_hidden=False) == ("a", "b")


@pytest.mark.parametrize(
    "path", ["/", "/etc/passwd", "//host/share", "..", "a/../b", "a/..", "a\\b", "\\\\?\\C:", "C:/x", "c:"]
)
def test_a_path_that_leads_out_is_refused_for_write_and_read(path):
    for parse in (naming.split_path, naming.read_path):
        with pytest.raises(PathEscapes):
            parse(path, allow_hidden=True)


@pytest.mark.parametrize("path", ["./a", "a/./b", "a/.", "a\0b"])
def test_a_dot_component_or_nul_is_no_name(path):
    for parse in (naming.split_path, naming.read_path):
        with pytest.raises(NameInvalid):
            parse(path, allow_hidden=True)


@pytest.mark.parametrize("path", [".git/config", "a/.env"])
def test_a_hidden_component_is_refused_on_write_and_unknown_on_read(path):
    with pytest.raises(NameInvalid):
        naming.split_path(path, allow_hidden=False)
    with pytest.raises(FileNotFound):
        naming.read_path(path, allow_hidden=False)

    assert naming.split_path(path, allow_hidden=True) == naming.read_path(path, allow_hidden=True)


@pytest.mark.parametrize(
    "name",
    [".jupyter_workspace", ".JUPYTER_workspace", ".jupyter\u200c_workspace", ".jupyter_work\uff53pace"],
)
def test_the_state_folder_is_never_reachable(name):
    with pytest.raises(NameInvalid):
        naming.split_path(f"a/{name}", allow_hidden=True)
    with pytest.raises(FileNotFound):
        naming.read_path(name, allow_hidden=True)


@pytest.mark.parametrize("path", ["a./b", "x" * 256, "\ud800", "a\nb", "/".join("x" * 1600)])
def test_a_name_that_no_listing_shows_is_unknown_on_read(path):
    with pytest.raises(FileNotFound):
        naming.read_path(path, allow_hidden=False)


def test_a_path_that_is_too_long_is_refused_on_write():
    with pytest.raises(NameInvalid, match="3072 bytes"):
        naming.split_path("/".join("x" * 1600), allow_hidden=False)


def test_a_path_is_normalised_on_write_and_kept_on_read():
    path = "Cafe\u0301/a"

    assert naming.split_path(path, allow_hidden=False) == ("Café", "a")
    assert naming.read_path(path, allow_hidden=False) == ("Cafe\u0301", "a")
    assert naming.to_nfc(naming.read_path(path, allow_hidden=False)) == ("Café", "a")


@given(st.text(st.sampled_from("ab./\\~: \0é\u0301C")) | st.text())
def test_no_path_ever_yields_a_component_that_could_lead_out(path):
    for parse in (naming.split_path, naming.read_path):
        try:
            components = parse(path, allow_hidden=True)
        except (NameInvalid, PathEscapes, FileNotFound):
            continue

        assert not {"", ".", ".."} & set(components)
        assert not any(set(component) & set("/\\\0") for component in components)


@pytest.mark.parametrize("name", ["__pycache__", ".ipynb_checkpoints", ".env"])
def test_caches_and_hidden_names_never_become_artifacts(name):
    assert naming.is_ignored(name)


def test_an_ordinary_name_is_not_ignored():
    assert not naming.is_ignored("pycache")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.csv", "report (1).csv"),
        ("a.tar.gz", "a (1).tar.gz"),
        ("rows.csv.GZ", "rows (1).csv.GZ"),
        ("v1.2.gz", "v1.2 (1).gz"),
        (".bashrc", ".bashrc (1)"),
        ("Mr. Smith", "Mr. Smith (1)"),
        ("README", "README (1)"),
        ("a.tar", "a (1).tar"),
        ("x" * 251 + ".csv", "x" * 247 + " (1).csv"),
        ("é" * 125 + ".csv", "é" * 123 + " (1).csv"),
    ],
)
def test_the_number_stands_before_the_extension_and_the_stem_is_cut(name, expected):
    assert naming.numbered(name, 1) == expected


@given(st.text(min_size=1), st.integers(1, 10**9))
def test_a_numbered_name_is_as_legal_as_its_origin(name, number):
    try:
        name = naming.check_name(name)
    except NameInvalid:
        return

    assert naming.check_name(naming.numbered(name, number)) == naming.numbered(name, number)


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("Churn Model (final)", "churn-model-final"),
        ("Größe_2", "groe_2"),
        ("--x--", "x"),
        ("Анализ", "notebook"),
        ("", "notebook"),
        ("resolve", "resolve-notebook"),
        ("a" * 63 + " b", "a" * 63),
    ],
)
def test_a_slug_is_a_short_session_id(stem, expected):
    assert naming.slug(stem) == expected


@given(st.text())
def test_every_slug_and_its_numbered_form_is_a_session_id(stem):
    slug = naming.slug(stem)

    assert naming.check_session_id(slug) == slug
    assert naming.check_session_id(naming.numbered_slug(slug, 12)).endswith("-12")


@pytest.mark.parametrize("value", ["", "-a", "a" * 129, "a/b", "a\n", "ä", "resolve", "a.b", "٣"])
def test_a_malformed_session_id_is_refused_with_the_parameters_name(value):  # S0-86
    with pytest.raises(IdInvalid) as caught:
        naming.check_session_id(value)

    assert caught.value.facts == {"parameter": "session_id"}


@pytest.mark.parametrize(("check", "prefix"), CHECKS)
def test_an_id_made_of_a_new_token_passes(check, prefix):
    assert check(prefix + naming.new_token(bytes(16)))


@pytest.mark.parametrize(("check", "prefix"), CHECKS)
@pytest.mark.parametrize("rest", ["", "a" * 19, "a" * 41, "A" * 26, "a" * 26 + "\n", "../../../../../../etc"])
def test_a_malformed_id_is_refused(check, prefix, rest):
    with pytest.raises((IdInvalid, UploadNotFound)):
        check(prefix + rest)


def test_a_token_is_26_characters_and_needs_96_bits():
    assert len(naming.new_token(b"\xff" * 16)) == 26
    with pytest.raises(ValueError, match="12 random bytes"):
        naming.new_token(bytes(11))


@given(st.binary(min_size=12, max_size=20), st.binary(min_size=12, max_size=20))
def test_different_entropy_gives_different_tokens(one, other):
    assert (naming.new_token(one) == naming.new_token(other)) == (one == other)


def test_messages_show_long_names_cut():
    with pytest.raises(NameInvalid) as caught:
        naming.check_name("é" * 300)

    assert len(caught.value.message) < 500
    assert caught.value.message.isascii() or "…" in caught.value.message


@given(st.text())
def test_nfc_of_components_is_stable(text):
    assert naming.to_nfc(naming.to_nfc((text,))) == (unicodedata.normalize("NFC", text),)
