"""What a preview is made of, and when there is none."""

import pytest

from jupyter_workspace.errors import FileTooLarge, TypeRefused
from jupyter_workspace.services import previews as module
from jupyter_workspace.services.previews import Previews
from tests.unit.opening import ADA, caught, session, upload

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


class Maker:
    """Makes a picture of the kinds it knows: what it was given, in other words."""

    def __init__(self, *kinds):
        self.kinds = kinds
        self.count = 0
        self.refusal = None

    def can(self, kind):
        return kind in self.kinds

    async def make(self, kind, content, size, pixels):
        self.count += 1
        if self.refusal is not None:
            raise self.refusal
        given = b"".join([chunk async for chunk in content()])
        assert len(given) == size
        return b"%s of %d bytes, %d pixels" % (kind.encode(), size, pixels)


class Cache(dict):
    """Keeps everything."""

    async def get(self, key):
        return super().get(key)

    async def put(self, key, content):
        self[key] = content


@pytest.fixture
async def maker():
    return Maker("image", "pdf", "notebook")


@pytest.fixture
async def previews(workspace, maker, clock):
    await session(workspace)
    return Previews(workspace.delivery, maker, Cache(), clock)


async def made(previews, entry, pixels=64):
    return await previews.make(ADA, "churn", entry.attachment_id, pixels)


async def test_a_text_is_shown_by_its_head(workspace, previews, monkeypatch):
    monkeypatch.setattr(module, "HEAD_BYTES", 5)

    short = await made(previews, await upload(workspace, "short.txt", b"12345"))
    long = await made(previews, await upload(workspace, "long.csv", b"123456"))

    assert (short.content, short.is_whole) == (b"12345", True)
    assert (long.content, long.is_whole) == (b"12345", False)
    assert short.mime == long.mime == "text/plain; charset=utf-8"
    assert short.etag.startswith('"head-')


@pytest.mark.parametrize(
    ("content", "shown"),
    [("12345€".encode(), b"12345"), (b"\xff", "\N{REPLACEMENT CHARACTER}".encode())],
    ids=["cut", "damaged"],
)
async def test_only_damage_shows_as_damage(workspace, previews, monkeypatch, content, shown):
    monkeypatch.setattr(module, "HEAD_BYTES", 6)

    assert (await made(previews, await upload(workspace, "a.txt", content))).content == shown


async def test_a_picture_is_made_once_for_each_size_and_content(workspace, previews, maker):
    entry = await upload(workspace, "a.png", PNG)

    first, again = await made(previews, entry), await made(previews, entry)
    large = await made(previews, entry, 512)
    await upload(workspace, "a.png", PNG + b"1", on_conflict="replace")
    other = await made(previews, entry)

    assert first == again
    assert first.content == b"image of 48 bytes, 64 pixels"
    assert large.content == b"image of 48 bytes, 512 pixels"
    assert other.content == b"image of 49 bytes, 64 pixels"
    assert len({preview.etag for preview in (first, large, other)}) == 3
    assert maker.count == 3


@pytest.mark.parametrize(
    ("name", "content", "kind"), [("a.pdf", b"%PDF-1.7\n", "pdf"), ("a.ipynb", b"{}", "notebook")]
)
async def test_other_kinds_are_made_as_such(workspace, previews, name, content, kind):
    found = await made(previews, await upload(workspace, name, content))

    assert found.content.startswith(kind.encode())


@pytest.mark.parametrize("name", ["a.zip", "a.html.bin", "a.svgz"])
async def test_what_cannot_be_shown_is_refused(workspace, previews, name):
    error = await caught(made(previews, await upload(workspace, name, b"PK")))

    assert isinstance(error, TypeRefused)


async def test_a_large_picture_is_refused_unread(workspace, previews, maker, monkeypatch):
    monkeypatch.setitem(module.CEILINGS, "image", 47)

    error = await caught(made(previews, await upload(workspace, "a.png", PNG)))

    assert isinstance(error, FileTooLarge)
    assert (error.facts["limit"], error.facts["requested"]) == (47, 48)
    assert maker.count == 0


@pytest.mark.parametrize(
    ("kinds", "is_complete"), [((), False), (("image",), False), (("image", "pdf"), True)]
)
async def test_a_server_that_cannot_make_pictures_says_so(workspace, previews, clock, kinds, is_complete):
    plain = Previews(workspace.delivery, Maker(*kinds), Cache(), clock)
    entry = await upload(workspace, "a.png", PNG)

    assert plain.is_complete == is_complete
    if not kinds:
        error = await caught(made(plain, entry))
        assert isinstance(error, TypeRefused)
        assert "preview" in error.hint
        assert error.facts["cause"] == "unsupported"


async def test_what_was_refused_is_refused_at_once_for_a_while(workspace, previews, maker, clock):
    # S15: a bomb costs seconds, and a row, a pane and a reload all look at it
    entry = await upload(workspace, "a.png", PNG)
    maker.refusal = TypeRefused("Too much.", cause="costly")

    errors = [await caught(made(previews, entry)) for _ in range(3)]
    looks = maker.count
    maker.refusal = None
    clock.forward(seconds=module.REFUSED_SECONDS + 1)

    assert [(str(error), error.facts["cause"]) for error in errors] == [("Too much.", "costly")] * 3
    assert looks == 1
    # The machine may only have been busy.
    assert (await made(previews, entry)).content == b"image of 48 bytes, 64 pixels"


async def test_only_so_many_refusals_are_kept(workspace, previews, maker, monkeypatch):
    monkeypatch.setattr(module, "REFUSALS", 2)
    entry = await upload(workspace, "a.png", PNG)
    maker.refusal = TypeRefused("Damaged.", cause="damaged")

    for pixels in (16, 17, 18, 16):
        await caught(made(previews, entry, pixels))

    assert maker.count == 4
