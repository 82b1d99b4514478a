"""The values and protocols of the stores: all that a service knows of where bytes lie.

Every method that touches a disk is a coroutine and works in a thread. Foreign errors do not leave a
store: `FileNotFound`, `NotADirectory`, `PathEscapes`, `NameTaken`, `NameInvalid`, `Forbidden`,
`DiskFull`, `FileTooLarge`, `Busy` and `Internal` say what went wrong. Paths are relative and use '/'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, Self

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Container, Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = [
    "HEAD_BYTES",
    "Area",
    "Digest",
    "Folders",
    "Journals",
    "Listing",
    "Move",
    "Names",
    "OpenFile",
    "Place",
    "Publishing",
    "Spool",
    "Staging",
    "Stat",
    "Store",
    "Transfers",
    "Walk",
]

#: So many bytes of a file's beginning are kept for telling its media type.
HEAD_BYTES = 4096

#: session: `<workspace>/<session_id>/<path>`; workspace: a session's whole folder, its id as the path;
#: staging and trash: folders of the state folder; root: beneath the server's root, for reading only.
Area = Literal["session", "workspace", "staging", "trash", "root"]


class Place(Struct, frozen=True):
    """Where bytes lie: an area and a path beneath it; `session_id` for the area 'session' only."""

    area: Area
    path: str
    session_id: str = ""


class Stat(Struct, frozen=True):
    """What the disk says of one name; `size` in bytes, `mtime_ns` in nanoseconds since 1970.

    A link is described itself, not what it leads to. `is_special`: a pipe, a socket or a device.
    """

    size: int
    mtime_ns: int
    inode: int
    is_dir: bool
    is_link: bool = False
    is_special: bool = False

    @property
    def is_regular(self) -> bool:
        """Whether it is a file with bytes: no folder, link, pipe, socket or device."""
        return not (self.is_dir or self.is_link or self.is_special)


class Digest(Struct, frozen=True):
    """What was read or written: `size` in bytes, `sha256` in hex, `head` = the first 4096 bytes."""

    size: int
    sha256: str
    crc32: int
    head: bytes


class Move(Struct, frozen=True):
    """One rename that a publication intends; `inode` is that of what lies at `source`.

    With `exchange` the two names swap what they name; without it nothing may be at `target`.
    """

    source: Place
    target: Place
    inode: int
    exchange: bool = False


class Listing(Struct, frozen=True):
    """The names of one folder, links described themselves; `unreadable`: names that are no UTF-8."""

    entries: list[tuple[str, Stat]]
    unreadable: int


class Names(Struct, frozen=True):
    """The names of one folder, without what it costs to look at each: a folder or not.

    `stamp` is equal as long as no name came or went; `unreadable`: names that are no UTF-8.
    """

    entries: list[tuple[str, bool]]
    stamp: tuple[int, int]
    unreadable: int


class Walk(Struct, frozen=True):
    """All regular files and all folders of a session, by path; links and special files are left out.

    `unreadable` counts names that are no UTF-8 and folders that cannot be read; `truncated` says
    that the limit was met before the end.
    """

    files: dict[str, Stat]
    folders: list[str]
    unreadable: int
    truncated: bool


class Staging(Protocol):
    """Bytes on their way in: a file in the state folder that nobody else sees.

    One task writes; nothing is on the disk for sure before `finish` has returned. Each method but
    `discard` raises `DiskFull`, `FileTooLarge`, `Forbidden`, `Busy` or `Internal`.
    """

    @property
    def name(self) -> str:
        """The name in the staging area."""

    @property
    def place(self) -> Place:
        """The place that a `Move` starts from."""

    @property
    def size(self) -> int:
        """Bytes taken so far."""

    @property
    def inode(self) -> int:
        """The file's inode; known once `finish` has returned."""

    async def write(self, data: bytes | memoryview) -> None:
        """Take bytes; waits while the disk is too far behind. `data` may be used again at once."""

    def view(self) -> memoryview:
        """The free part of the present block, never empty, for reading into without a copy."""

    async def advance(self, count: int) -> None:
        """Take the first `count` bytes of the last `view`, which is not to be used any more."""

    async def make(self) -> None:
        """Make the file at once, and hold no descriptor; its name is not on the disk for sure."""

    async def flush(self) -> int:
        """Bring all that was taken so far to the disk; how many bytes that is. Others may write on."""

    async def park(self, note: bytes = b"") -> int:
        """The same; and hold neither descriptor nor memory until more is written, also after an error.

        note: what is added to the note beside the file once the bytes are on the disk, durably.
        """

    async def finish(self) -> Digest:
        """Write, sync and close; the same digest each time. After an error the file is gone.

        After a cancellation it is there, and can only be discarded, or resumed by its name.
        """

    async def discard(self) -> None:
        """Remove the file wherever the work stands; again and after a cancellation, too."""


class OpenFile(Protocol):
    """A file opened for reading; what was opened is what is read, whatever its name does meanwhile.

    Reading raises `VersionGone` when the file has changed since it was opened.
    """

    @property
    def stat(self) -> Stat:
        """As it was when the file was opened."""

    async def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; fewer only at the end of the file."""

    def chunks(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `stop` (None: the end), read ahead, 1 MiB at a time.

        The last of them is given only after a look whether the file is still the same.
        """

    async def close(self) -> None:
        """End; may be called again."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Folders(Protocol):
    """The sessions' folders: making and reading them."""

    async def free(self) -> tuple[int, int]:
        """Bytes that we may still write, and the size of the disk in bytes."""

    async def make_session(self, session_id: str) -> bool:
        """Make a session's folder, durably; False when it was there. `NotADirectory`: something else is."""

    async def sessions_on_disk(self) -> list[str]:
        """The names of all folders beside the state folder, whether they are sessions or not."""

    async def stat(self, place: Place) -> Stat | None:
        """What is at a place, a link itself; None when nothing is. `PathEscapes` by a link on the way."""

    async def list_folder(self, session_id: str, path: str) -> Listing:
        """The entries of one folder ('' is the session's), unordered. `FileNotFound`, `NotADirectory`."""

    async def folder_stamp(self, session_id: str, path: str) -> tuple[int, int]:
        """The `stamp` that `names` would have now. `FileNotFound`, `NotADirectory`."""

    async def names(self, session_id: str, path: str) -> Names:
        """The names in one folder ('' is the session's), unordered. `FileNotFound`, `NotADirectory`."""

    async def stats(self, session_id: str, path: str, names: Sequence[str]) -> dict[str, Stat]:
        """What these names of one folder are, links described themselves; without those that are gone."""

    async def walk(self, session_id: str, *, ignored: Callable[[str], bool], limit: int) -> Walk:
        """All files of a session.

        ignored: asked, in a thread, with each path relative to the session; what it says yes to is
        left out, a folder with all it holds. limit: how many files and folders are taken at most.
        """

    async def make_folders(self, session_id: str, path: str) -> None:
        """Make a folder and its parents, durably. `NotADirectory`: a file is in the way."""

    async def read_small(self, session_id: str, path: str, limit: int) -> bytes | None:
        """The whole of a small file, None when there is none. `FileTooLarge`: over `limit` bytes."""

    async def write_atomic(self, session_id: str, path: str, content: bytes) -> None:
        """Put a file in place of whatever has that name, durably, never seen half."""


class Transfers(Protocol):
    """Bytes in and out."""

    async def open_read(self, place: Place) -> OpenFile:
        """Open a file; `FileNotFound` when nothing or no regular file is there."""

    async def digest(self, place: Place) -> tuple[Digest, Stat]:
        """Hash a file. `FileNotFound`; `Busy` when it changes meanwhile."""

    async def sync(self, place: Place) -> None:
        """Bring a file that somebody else wrote to the disk, and its name. `FileNotFound`."""

    async def stage(self) -> Staging:
        """A new, empty staging file."""

    async def stage_copy(self, root: Path, path: str, admit: Callable[[int], Awaitable[None]]) -> Staging:
        """A finished snapshot of `path` beneath the folder `root`. `Busy` when it changes meanwhile.

        `admit` is given the bytes that it will take of the disk, before it takes one, and may raise; a
        snapshot that shares the blocks of its source takes none.
        """

    async def stage_bytes(self, content: bytes) -> Staging:
        """A finished staging file with that content."""

    async def resume(self, name: str, size: int) -> Staging:
        """The staging file of that name, cut to its first `size` bytes, to be written on.

        `FileNotFound` when it is gone or shorter than that.
        """


class Spool(Protocol):
    """Staging files that outlive the server: a note beside each says what is known of it."""

    async def put_note(self, name: str, content: bytes) -> None:
        """Put a note beside the staging file of that name, durably, never seen half."""

    async def append_note(self, name: str, content: bytes) -> None:
        """Add to a note, durably; a crash may tear what is added."""

    async def drop_note(self, name: str) -> bool:
        """Delete a note; False when there was none."""

    async def notes(self) -> dict[str, bytes]:
        """All notes, by the names of their staging files."""

    async def join(self, parts: Sequence[tuple[str, int]]) -> Staging:
        """A new staging file of the first so many bytes of others, in order; it is hashed meanwhile.

        No byte is copied where the file system can share them. `FileNotFound`: a part is gone.
        """


class Publishing(Protocol):
    """Names given to bytes, and taken from them."""

    async def apply(self, moves: Sequence[Move]) -> None:
        """Do the moves in their order, durably; all or none. Parents of targets are made.

        `NameTaken`: a target exists. `FileNotFound`: a source (or one side of an exchange) does not.
        `Busy`: something else lies at a source. Runs to its end even when the caller is cancelled.
        """

    async def is_done(self, move: Move) -> bool:
        """Whether what was at the source is now at the target."""

    async def undo(self, moves: Sequence[Move]) -> None:
        """Take back, from the last to the first, those moves that are done, as far as that can be."""

    async def remove(self, place: Place) -> bool:
        """Delete a file or a folder of the areas 'staging' and 'trash'; False when nothing was there."""

    async def sweep_staging(self, keep: Container[str]) -> int:
        """Delete staging files that are neither in `keep` nor being written, with their notes; how many."""

    async def staged_names(self) -> list[str]:
        """What lies in the staging area."""

    async def trash_names(self) -> list[str]:
        """What lies in the trash."""

    async def measure(self, place: Place) -> tuple[int, int]:
        """How many files a file or folder is, at any depth and links too, and their bytes."""

    async def ensure_ballast(self) -> None:
        """Set some room aside (8 MiB) so that deleting works on a full disk. `DiskFull`."""

    async def drop_ballast(self) -> bool:
        """Give that room back; False when there was none."""


class Store(Folders, Transfers, Spool, Publishing, Protocol):
    """All of a store."""


class Journals(Protocol):
    """One append-only file a session; lines are whole and end in a newline."""

    async def append(self, session_id: str, lines: bytes) -> None:
        """Add lines, durably. On an error nothing was added."""

    async def read(self, session_id: str) -> bytes:
        """The whole journal, b'' when there is none; a crash may have torn its last line."""

    async def names(self) -> list[str]:
        """The sessions that have a journal."""

    async def replace(self, session_id: str, lines: bytes) -> None:
        """Put these lines in place of the journal, atomically."""

    async def set_aside(self, session_id: str) -> str | None:
        """Rename the journal so that it is none any more, but kept; its new name, None without one."""

    async def close(self) -> None:
        """Close what is open; appends that were begun end first."""
