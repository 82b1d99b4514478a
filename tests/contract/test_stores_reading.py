"""What a store promises of what it reads, also of what changes meanwhile."""

from __future__ import annotations

import hashlib
import os
import zlib

import pytest
from contract.storing import at, rest_of

from jupyter_workspace import errors


class TestReading:
    @pytest.mark.parametrize("size", [0, 1, 300 << 10, (3 << 20) + 17])
    async def test_a_file_is_read_whole_and_in_parts(self, store, session, size):
        content = os.urandom(size)
        (session / "a.bin").write_bytes(content)

        async with await store.open_read(at("a.bin")) as file:
            whole = b"".join([chunk async for chunk in file.chunks()])
            middle = b"".join([chunk async for chunk in file.chunks(size // 3, size // 2)])
            beyond = b"".join([chunk async for chunk in file.chunks(size // 2, size + 10)])
            part = await file.read(size // 4, 100)

        assert file.stat.size == size
        assert whole == content
        assert middle == content[size // 3 : size // 2]
        assert beyond == content[size // 2 :]
        assert part == content[size // 4 : size // 4 + 100]

    async def test_a_file_that_is_cut_while_it_is_read_never_ends_well(self, store, session):
        (session / "a.bin").write_bytes(bytes(5 << 20))

        async with await store.open_read(at("a.bin")) as file:
            chunks = file.chunks()
            await anext(chunks)
            os.truncate(session / "a.bin", 1 << 20)
            with pytest.raises(errors.VersionGone):
                await rest_of(chunks)

    async def test_a_file_that_is_rewritten_while_it_is_read_never_ends_well(self, store, session):
        (session / "a.bin").write_bytes(bytes(5 << 20))
        read = []

        async with await store.open_read(at("a.bin")) as file:
            chunks = file.chunks()
            read.append(await anext(chunks))
            with (session / "a.bin").open("r+b") as other:
                other.seek(4 << 20)
                other.write(b"x")
            os.utime(session / "a.bin", ns=(0, 0))
            with pytest.raises(errors.VersionGone):
                await rest_of(chunks, read)

        assert sum(map(len, read)) < 5 << 20

    async def test_a_file_that_is_replaced_is_read_to_its_own_end(self, store, session):
        (session / "a.bin").write_bytes(b"1" * (3 << 20))

        async with await store.open_read(at("a.bin")) as file:
            chunks = file.chunks()
            content = await anext(chunks)
            (session / "b.bin").write_bytes(b"2")
            (session / "b.bin").replace(session / "a.bin")
            content += b"".join([chunk async for chunk in chunks])

        assert content == b"1" * (3 << 20)

    async def test_a_closed_file_gives_no_more(self, store, session):
        (session / "a.bin").write_bytes(bytes(1 << 20))
        file = await store.open_read(at("a.bin"))

        await file.close()
        await file.close()

        with pytest.raises(errors.VersionGone):
            await file.read(0, 10)

    async def test_a_missing_file_and_a_folder_are_no_files(self, store, session):
        (session / "folder").mkdir()

        for path in ("none", "none/deeper", "folder", "folder/none"):
            with pytest.raises(errors.FileNotFound):
                await store.open_read(at(path))
            with pytest.raises(errors.FileNotFound):
                await store.digest(at(path))

    async def test_digest_gives_what_was_hashed(self, store, session):
        content = os.urandom((2 << 20) + 5)
        (session / "a.bin").write_bytes(content)

        digest, stat = await store.digest(at("a.bin"))

        assert digest.sha256 == hashlib.sha256(content).hexdigest()
        assert (digest.size, digest.crc32, digest.head) == (len(content), zlib.crc32(content), content[:4096])
        assert stat == await store.stat(at("a.bin"))

    async def test_a_small_file_is_read_whole_or_refused(self, store, session):
        (session / "a.json").write_bytes(b"{}")

        assert await store.read_small("churn", "a.json", 2) == b"{}"
        assert await store.read_small("churn", "b.json", 2) is None
        with pytest.raises(errors.FileTooLarge):
            await store.read_small("churn", "a.json", 1)

    async def test_an_atomic_write_replaces_a_file_and_a_link_but_no_folder(self, store, session, outside):
        # S0-30
        (session / "link.json").symlink_to(outside / "secret.txt")
        (session / "folder").mkdir()

        await store.write_atomic("churn", "a.json", b"1")
        await store.write_atomic("churn", "a.json", b"2")
        await store.write_atomic("churn", "link.json", b"3")
        with pytest.raises(errors.NameTaken):
            await store.write_atomic("churn", "folder", b"4")

        assert (session / "a.json").read_bytes() == b"2"
        assert (session / "link.json").read_bytes() == b"3"
        assert (outside / "secret.txt").read_text() == "secret"
        assert await store.staged_names() == []
