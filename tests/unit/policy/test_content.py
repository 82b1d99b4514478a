import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import TypeRefused
from jupyter_workspace.policy.content import (
    check_type,
    extension_of,
    guess_mime,
    inline_type,
    media_of,
)

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
HEADS = {
    "a.png": ("image/png", PNG),
    "a.JPG": ("image/jpeg", b"\xff\xd8\xff\xe0"),
    "a.gif": ("image/gif", b"GIF89a"),
    "a.webp": ("image/webp", b"RIFF\n\0\0\nWEBPVP8 "),
    "a.bmp": ("image/bmp", b"BM...."),
    "a.tiff": ("image/tiff", b"MM\0*"),
    "a.tif": ("image/tiff", b"II*\0"),
    "a.ico": ("image/vnd.microsoft.icon", b"\0\0\1\0\1"),
    "a.avif": ("image/avif", b"\0\0\0\x20ftypavif"),
    "a.heic": ("image/heic", b"\0\0\0\x20ftypheic"),
    "a.pdf": ("application/pdf", b"%PDF-1.7"),
    "b.pdf": ("application/pdf", b"\n" * 1000 + b"%PDF-1.7"),
    "a.svg": ("image/svg+xml", b"\xef\xbb\xbf\n<svg xmlns='x'>"),
    "b.svg": ("image/svg+xml", b"<?xml version='1.0'?>"),
}


@pytest.mark.parametrize("name", HEADS)
def test_an_image_or_pdf_is_what_it_is_named_when_its_first_bytes_agree(name):
    mime, head = HEADS[name]

    assert guess_mime(name, head) == mime


@pytest.mark.parametrize("name", [*HEADS, "a.xbm", "a.ppm"])
@pytest.mark.parametrize("head", [b"", b"<html><script>", b"MZ\x90\0"])
def test_an_image_or_pdf_that_its_bytes_do_not_confirm_is_unknown(name, head):
    assert guess_mime(name, head) == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("a.csv", "text/csv"),
        ("a.tsv", "text/tab-separated-values"),
        ("a.parquet", "application/vnd.apache.parquet"),
        ("a.ipynb", "application/x-ipynb+json"),
        ("a.md", "text/markdown"),
        ("a.jsonl", "application/jsonl"),
        ("a.csv.gz", "application/gzip"),
        ("a.tar", "application/x-tar"),
        ("model.pkl", "application/x-pickle"),
        ("a.npy", "application/x-npy"),
        ("run.log", "text/plain"),
        ("a.html", "text/html"),
        ("a.mp4", "video/mp4"),
        ("a.ogg", "audio/ogg"),
        ("a.dvi", "application/x-dvi"),
        ("a.unheard-of", "application/octet-stream"),
        ("README", "application/octet-stream"),
        (".png", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_other_types_follow_the_last_suffix(name, mime):
    assert guess_mime(name, b"anything") == mime


@given(st.text(), st.binary(max_size=40))
def test_a_type_is_always_found_and_html_is_never_an_image(name, head):
    mime = guess_mime(name, head)

    assert mime.count("/") == 1
    assert not guess_mime(name, b"<!doctype html>").startswith("image/")


def test_an_extension_is_the_last_suffix_in_lower_case():
    assert [extension_of(name) for name in ("a.TAR.GZ", ".env", "x", "a.b c")] == [".gz", "", "", ".b c"]


@pytest.mark.parametrize(
    ("mime", "media"),
    [
        ("image/svg+xml", "image"),
        ("audio/ogg", "audio"),
        ("video/mp4", "video"),
        ("text/csv", "file"),
        ("", "file"),
    ],
)
def test_the_media_kind_follows_the_type(mime, media):  # S0-32
    assert media_of(mime) == media


@pytest.mark.parametrize("mime", ["image/png", "image/webp", "audio/ogg", "video/mp4"])
def test_pictures_sound_and_film_are_shown_inline_as_they_are(mime):
    assert inline_type(mime) == mime


def test_plain_text_is_shown_inline_as_utf_8():
    assert inline_type("text/plain") == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "mime",
    [
        "image/svg+xml",
        "text/html",
        "application/pdf",
        "application/xml",
        "text/javascript",
        "text/csv",
        "image/heic",
    ],
)
def test_what_could_run_code_is_never_shown_inline(mime):
    assert inline_type(mime) is None


@pytest.mark.parametrize(
    "deny", [[".exe"], ["EXE"], ["application/"], ["application/*"], ["application/x-dos"]]
)
def test_a_denied_extension_or_type_is_refused_even_when_allowed(deny):
    with pytest.raises(TypeRefused) as caught:
        check_type("Setup.EXE", "application/x-dos", allow=["exe"], deny=deny)

    assert caught.value.facts == {"mime": "application/x-dos"}


@pytest.mark.parametrize("allow", [[], [".gz"], [".tar.gz"], ["application/gzip"], ["", "application/"]])
def test_what_the_lists_let_through_passes(allow):
    check_type("a.tar.gz", "application/gzip", allow=allow, deny=[".tar", "text/"])


def test_what_is_not_on_the_list_of_the_allowed_is_refused():
    with pytest.raises(TypeRefused):
        check_type("a.csv", "text/csv", allow=["image/", "text/cs"], deny=[])
