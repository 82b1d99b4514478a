import asyncio

import pytest

from jupyter_workspace.errors import (
    Busy,
    DiskFull,
    FileTooLarge,
    Infected,
    QuotaExceeded,
    ScanUnavailable,
    TypeRefused,
)
from jupyter_workspace.services import room as rooms
from jupyter_workspace.services.creation import Candidate
from tests.unit.opening import (
    ADA,
    FailsAt,
    FakeScanner,
    caught,
    indexed,
    session,
    staged,
    upload,
)


# S2-75, S2-77, C24: a threat is refused and nothing is stored
# S2-78: without a verdict nothing is stored; S2-91
@pytest.mark.parametrize("verdict", [Infected(), ScanUnavailable()])
async def test_what_the_scanner_does_not_clear_is_not_kept(opener, verdict):
    scanner = FakeScanner(verdict, b"EICAR")
    async with opener(in_memory=True, scanner=scanner) as workspace:
        await session(workspace)
        clean = await upload(workspace, "clean.csv", b"harmless")

        error = await caught(upload(workspace, "bad.csv", b"xx EICAR xx"))

        assert type(error) is type(verdict)
        assert scanner.seen == [b"harmless", b"xx EICAR xx"]
        assert opener.staging() == []
        assert list((await indexed(workspace))[2]) == [clean.attachment_id]


# S2-32: a refusal by a cheap check never calls the scanner
async def test_a_refused_type_is_never_scanned(opener):
    scanner = FakeScanner(Infected())
    async with opener(in_memory=True, scanner=scanner, deny_types=(".exe",)) as workspace:
        await session(workspace)

        error = await caught(upload(workspace, "a.exe"))

    assert isinstance(error, TypeRefused)
    assert scanner.seen == []
    assert opener.staging() == []


# S2-92, C16b
async def test_any_type_comes_in_unless_the_administrator_says_otherwise(opener):
    async with opener(in_memory=True, allow_types=("text/csv",)) as workspace:
        await session(workspace)
        await upload(workspace, "a.csv")
        assert isinstance(await caught(upload(workspace, "a.txt")), TypeRefused)


# S4-02, S4-14, S2-47, S0-95, API 4: declared length first, then while streaming
async def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(opener):
    async with opener(in_memory=True, max_file_size=10) as workspace:
        found = await session(workspace) and await workspace.sessions.require(ADA, "churn")
        assert (await upload(workspace, "a", bytes(10))).size == 10

        declared = await caught(workspace.ingest.arrive(found, 11))
        arrival = await workspace.ingest.arrive(found, None)
        await arrival.write(bytes(6))
        streamed = await caught(arrival.write(bytes(5)))
        await arrival.discard()

        assert isinstance(declared, FileTooLarge)
        assert isinstance(streamed, FileTooLarge)
        assert streamed.facts == {"limit": 10, "requested": 11}
        assert opener.staging() == []


async def test_bytes_read_into_our_own_memory_meet_the_same_limits(opener):
    async with opener(in_memory=True, max_file_size=10) as workspace:
        found = await session(workspace) and await workspace.sessions.require(ADA, "churn")
        arrival = await workspace.ingest.arrive(found, None)
        arrival.staging.view()[:4] = b"abcd"

        await arrival.advance(4)
        error = await caught(arrival.advance(7))
        await arrival.discard()

    assert isinstance(error, FileTooLarge)


# API 11.51
async def test_a_form_is_refused_by_its_length_only_beyond_the_most_files(opener, monkeypatch):
    async with opener(in_memory=True, max_file_size=10, disk_headroom=0) as workspace:
        await workspace.ingest.check_form(None)
        await workspace.ingest.check_form(1000)
        assert isinstance(await caught(workspace.ingest.check_form(1001)), FileTooLarge)

        async def tiny():
            return 100, 10_000

        monkeypatch.setattr(workspace.parts.store, "free", tiny)
        assert isinstance(await caught(workspace.ingest.check_form(500)), DiskFull)


# S2-88, S4-42, API 4: the answer carries used, limit and requested
@pytest.mark.parametrize("scope", ["session", "user"])
async def test_a_quota_that_is_used_up_refuses_and_says_by_how_much(opener, scope):
    async with opener(in_memory=True, **{f"max_{scope}_size": 20}) as workspace:
        await session(workspace)
        await upload(workspace, "a", bytes(15))

        error = await caught(upload(workspace, "b", bytes(6)))
        await upload(workspace, "c", bytes(5))

    assert isinstance(error, QuotaExceeded)
    assert error.facts == {"used": 15, "limit": 20, "requested": 6, "free": 5, "scope": scope}
    assert opener.staging() == []


async def test_the_users_quota_counts_all_sessions_of_the_user(opener):
    async with opener(in_memory=True, max_user_size=20, max_session_size=20) as workspace:
        await session(workspace)
        await session(workspace, "other")
        await upload(workspace, "a", bytes(15))

        error = await caught(upload(workspace, "b", bytes(6), session_id="other"))

    assert error.facts["scope"] == "user"


# S2-89
async def test_a_limit_of_0_is_none(workspace):
    await session(workspace)

    assert (await upload(workspace, "a", bytes(100_000))).size == 100_000


# S2-90: over a lowered limit uploads are refused and reads still work
async def test_a_limit_that_was_lowered_refuses_uploads_only(opener):
    async with opener() as workspace:
        await session(workspace)
        await upload(workspace, "a", bytes(15))
    async with opener(max_session_size=10) as workspace:
        assert isinstance(await caught(upload(workspace, "b", b"1")), QuotaExceeded)
        assert (await workspace.sessions.usage(ADA)).used_bytes == 15


async def test_a_refusal_counts_the_trash_as_free_because_it_would_give_way(opener):
    async with opener(in_memory=True, max_session_size=20) as workspace:
        await session(workspace)
        await upload(workspace, "a", bytes(8))
        await upload(workspace, "a", bytes(9), on_conflict="replace")

        error = await caught(upload(workspace, "b", bytes(12)))

    assert (error.facts["used"], error.facts["free"]) == (17, 11)


# API 11.25: the trash gives way, so that a replace is never refused by its own old version
async def test_the_oldest_trash_gives_way_before_a_refusal(opener, clock):
    async with opener(in_memory=True, max_session_size=30) as workspace:
        await session(workspace)
        for number in range(4):
            clock.forward(minutes=1)
            await upload(workspace, "a", b"%d" % number * 10, on_conflict="replace")

        _, totals, _, versions = await indexed(workspace)

    assert (totals.live_bytes, totals.trash_bytes) == (10, 20)
    assert {entry.version: entry.kept for entry in versions.values()} == {1: "gone", 2: "trash", 3: "trash"}
    assert len(opener.trash()) == 2


# S2-91: reserved before, so that two together never pass the quota
async def test_uploads_at_once_cannot_pass_the_quota_together(opener):
    async with opener(in_memory=True, max_session_size=20) as workspace:
        await session(workspace)

        done = await asyncio.gather(
            *(upload(workspace, f"{n}", bytes(8)) for n in range(4)), return_exceptions=True
        )

        assert sum(not isinstance(result, Exception) for result in done) == 2
        assert (await workspace.sessions.usage(ADA)).used_bytes == 16
        assert workspace.ingest._room._held == set()


async def test_room_is_asked_for_when_the_session_is_known(opener):
    async with opener(in_memory=True, max_session_size=10) as workspace:
        await session(workspace)
        found = await workspace.sessions.require(ADA, "churn")
        a_csv = Candidate(name="a.csv", folder="")
        arrival = await workspace.ingest.arrive(None, 50)
        other = await workspace.ingest.arrive(None, None)

        await other.belong_to(found, a_csv)
        await other.belong_to(found, a_csv)
        await other.room_for(9)
        error = await caught(arrival.belong_to(found, a_csv))
        await arrival.discard()
        await other.discard()

    assert isinstance(error, QuotaExceeded)


async def free():
    """Of a disk of 1000 bytes, 3."""
    return 3, 1000


@pytest.mark.parametrize(
    ("limits", "expected"),
    [({"max_session_size": 3}, QuotaExceeded), ({"max_file_size": 3}, FileTooLarge), ({"disk_headroom": 1}, DiskFull)],
)  # fmt: skip
async def test_a_copy_that_has_no_room_is_refused_before_it_is_made(opener, monkeypatch, limits, expected):
    async with opener(in_memory=True, **limits) as workspace:
        await session(workspace)
        found = await workspace.sessions.require(ADA, "churn")
        (opener.root / "out.csv").write_bytes(b"four")
        if expected is DiskFull:
            monkeypatch.setattr(workspace.parts.store, "free", free)
        monkeypatch.setattr(workspace.parts.store, "stage", FailsAt(None, Busy()))

        error = await caught(workspace.ingest.arrive_as_copy(found, "out.csv"))

    assert isinstance(error, expected)


async def test_a_snapshot_that_shares_its_blocks_is_refused_beyond_the_quota_too(opener, monkeypatch):
    async with opener(in_memory=True, max_session_size=3) as workspace:
        await session(workspace)
        found = await workspace.sessions.require(ADA, "churn")
        shared = await workspace.parts.store.stage_bytes(b"four")

        async def share(*_asked):
            return shared

        monkeypatch.setattr(workspace.parts.store, "stage_copy", share)

        error = await caught(workspace.ingest.arrive_as_copy(found, "out.csv"))

    assert isinstance(error, QuotaExceeded)
    assert opener.staging() == []


# API 11.56: headroom is the smaller of the trait and 2 % of the disk
async def test_the_disks_headroom_is_kept_and_what_others_were_promised_counts(opener, monkeypatch):
    async with opener(in_memory=True, disk_headroom=10_000) as workspace:
        await session(workspace)
        found = await workspace.sessions.require(ADA, "churn")

        async def small():
            return 1000, 10_000

        monkeypatch.setattr(workspace.parts.store, "free", small)
        first = await workspace.ingest.arrive(found, 500)
        error = await caught(workspace.ingest.arrive(found, 301))
        await first.write(bytes(500))
        second = await workspace.ingest.arrive(found, 300)
        for arrival in (first, second):
            await arrival.discard()

    assert isinstance(error, DiskFull)


async def test_the_trash_gives_way_on_a_full_disk_if_that_is_enough(opener, monkeypatch):
    async with opener(in_memory=True) as workspace:
        await session(workspace)
        for name in ("a", "b"):
            entry = await upload(workspace, name, bytes(100))
            await workspace.artifacts.delete(ADA, "churn", [entry.attachment_id], permanent=False)

        async def full():
            return 10 + 100 * (2 - len(opener.trash())), 1000

        monkeypatch.setattr(workspace.parts.store, "free", full)
        found = await workspace.sessions.require(ADA, "churn")
        too_much = await caught(workspace.ingest.arrive(found, 300))
        assert len(opener.trash()) == 2
        arrival = await workspace.ingest.arrive(found, 60)
        await arrival.discard()

    assert isinstance(too_much, DiskFull)
    assert len(opener.trash()) == 1


async def test_a_reservation_of_unknown_length_grows_by_steps_where_there_is_room(opener, monkeypatch):
    monkeypatch.setattr(rooms, "STEP", 8)
    async with opener(in_memory=True, max_session_size=20) as workspace:
        await session(workspace)
        found = await workspace.sessions.require(ADA, "churn")
        arrival = await workspace.ingest.arrive(found, None)
        held = arrival._reservation
        sizes = []
        for _ in range(5):
            await arrival.write(bytes(4))
            sizes.append(held.size)
        await arrival.discard()

    assert sizes == [8, 8, 16, 16, 20]


async def test_room_taken_over_from_others_is_theirs_again_when_it_is_refused(opener):
    async with opener(in_memory=True, max_session_size=20) as workspace:
        await session(workspace)
        found = await workspace.sessions.require(ADA, "churn")
        room = workspace.ingest._room
        parts = [room.hold(found, 8, 8), room.hold(found, 8, 8)]

        error = await caught(room.reserve_instead(found, 21, parts))
        sizes = [held.size for held in parts]
        whole = await room.reserve_instead(found, 16, parts)

    assert isinstance(error, QuotaExceeded)
    assert sizes == [8, 8]
    assert (whole.size, [held.size for held in parts]) == (16, [0, 0])


async def test_a_file_that_could_not_be_brought_gives_its_room_back(opener, monkeypatch):
    async with opener(in_memory=True, max_session_size=20) as workspace:
        await session(workspace)
        arrival = await staged(workspace, bytes(20))
        store = workspace.parts.store
        monkeypatch.setattr(store, "apply", FailsAt(store.apply, DiskFull()))

        error = await caught(workspace.ingest.admit("churn", [(Candidate(name="a", folder=""), arrival)]))
        monkeypatch.undo()

        assert isinstance(error, DiskFull)
        assert (await upload(workspace, "a", bytes(20))).size == 20


async def test_staging_that_is_refused_in_the_middle_keeps_no_room(opener, monkeypatch):
    async with opener(in_memory=True) as workspace:
        await session(workspace)
        arrival = await staged(workspace, b"x")
        monkeypatch.setattr(arrival.staging, "finish", FailsAt(None, Busy()))

        error = await caught(workspace.ingest.admit("churn", [(Candidate(name="a", folder=""), arrival)]))

        assert isinstance(error, Busy)
        assert workspace.ingest._room._held == set()
