"""The session of a notebook, as its code sees it: files by name, a place to write, news."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self, overload

from msgspec import UNSET

from jupyter_workspace import errors
from jupyter_workspace.client import display, lookup, sources
from jupyter_workspace.client.capture import Capture, capture_setting
from jupyter_workspace.client.handle import FileHandle
from jupyter_workspace.client.listing import Files
from jupyter_workspace.client.place import Place, session_path
from jupyter_workspace.client.publish import write_object
from jupyter_workspace.client.reader import EventReader
from jupyter_workspace.client.registration import merged, registration, session_key
from jupyter_workspace.models.artifact import Register
from jupyter_workspace.models.file import File, Provenance
from jupyter_workspace.models.session import Session

__all__ = ["Workspace"]

PathLike = str | os.PathLike[str]


class Workspace:
    """The session of a notebook; `jupyter_workspace.current()` gives it.

    ws["sales.csv"]                  a path to read from
    ws / "plots/loss.png"            a path to write to
    ws.register("model.pkl")         a file becomes an artifact, with its provenance
    ws.publish(figure, "loss.png")   an object becomes one
    ws.attachments, ws.artifacts     what there is
    """

    def __init__(self, place: Place, provenance: Callable[[], Provenance]) -> None:
        self._place = place
        self._provenance = provenance

    # --- the session ----------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The session's record, as it was at the last look."""
        return self._place.session

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._place.session_id

    @property
    def path(self) -> Path:
        """The session's folder; FolderUnreachable when it is not on this machine."""
        return self._place.existing_folder()

    def refresh(self) -> Self:
        """This session after a look at its folder: files written a moment ago are known."""
        client = self._place.client
        if self.session.status == "active":
            client.scan(self.session_id)
        self._place.learn(client.get_session(self.session_id))
        return self

    def close(self) -> None:
        """Closes the connections to the server."""
        self._place.client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- reading --------------------------------------------------------------------------------

    @property
    def attachments(self) -> Files:
        """What was brought in, as it came."""
        return Files(self._place, "attachment")

    @property
    def artifacts(self) -> Files:
        """What was made here, as it came."""
        return Files(self._place, "artifact")

    def __getitem__(self, key: PathLike) -> Path:
        """A path with the content: by id, exact path, name in `attachments/`, or a unique name.

        FileNotFound, AmbiguousName. With remote storage, or for an older version, a copy in the cache.
        """
        if not isinstance(key, str | os.PathLike):
            raise TypeError(f"Files are found by id, path or name, not by {type(key).__name__}.")
        return lookup.find_path(self._place, session_key(self._place, key))

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str | os.PathLike):
            return False
        try:
            lookup.find(self._place, session_key(self._place, key))
        except errors.FileNotFound:
            return False
        except errors.AmbiguousName:
            return True
        return True

    # Without it Python would count through `ws[0]`, `ws[1]`, …
    __iter__ = None

    def events(
        self,
        after: int = 0,
        *,
        follow: bool = False,
        include_mime: Iterable[str] | None = None,
        include_ext: Iterable[str] | None = None,
        max_size: int | None = None,
    ) -> EventReader:
        """What happened after a sequence, in order; with `follow` also what is to come, without an end.

        For `for` and `async for`. To go on later, give the last event's `sequence` as `after`.
        `max_size` is in bytes.
        """
        return EventReader(
            self._place.client,
            self.session_id,
            after=after,
            follow=follow,
            include_mime=include_mime,
            include_ext=include_ext,
            max_size=max_size,
        )

    def download(self, file: FileHandle | PathLike, to: PathLike = ".") -> Path:
        """The path of a checked copy; `to` is a file, or a folder that exists."""
        return self._handle(file).download(to)

    def zip(self, to: PathLike = ".", **selection: Any) -> Path:
        """The path of a zip with all files, or those that match.

        selection: `path`, `kind`, `include_mime`, `include_ext`, `artifact_id`.
        """
        return self._place.client.zip_session(self.session_id, to, **selection)

    # --- writing --------------------------------------------------------------------------------

    def __truediv__(self, path: PathLike) -> Path:
        """A path in the session's folder to write to; its parent folders are made.

        PathEscapes; FolderUnreachable when the folder is not on this machine.
        """
        target = self.path / session_path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    # A string is iterable too; the first signature takes it.
    @overload
    def register(  # type: ignore[overload-overlap]
        self,
        path: PathLike,
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | Provenance | None = None,
        deduplicate: bool = False,
        copy: bool = True,
        attachment_id: str | None = None,
    ) -> FileHandle: ...
    @overload
    def register(
        self,
        path: Iterable[PathLike],
        *,
        metadata: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | Provenance | None = None,
        deduplicate: bool = False,
        copy: bool = True,
    ) -> list[FileHandle]: ...
    def register(
        self,
        path: PathLike | Iterable[PathLike],
        *,
        name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        provenance: Mapping[str, Any] | Provenance | None = None,
        deduplicate: bool = False,
        copy: bool = True,
        attachment_id: str | None = None,
    ) -> FileHandle | list[FileHandle]:
        """The file as an artifact; for a list of paths a list, all or none.

        A relative path is the kernel's folder's, else the session's. A file outside the session is
        copied into it; with `copy` False it stays where it is (below the server's root only).
        Kernel, cell and execution count are noted by themselves; `provenance` adds to them.
        `deduplicate`: identical bytes give the record that exists. `attachment_id`: the file whose
        content this replaces. SourceNotFound.
        """
        place = self._place
        members = {
            "name": UNSET if name is None else name,
            "metadata": UNSET if metadata is None else dict(metadata),
            "provenance": merged(self._provenance(), provenance),
            "deduplicate": deduplicate,
            "attachment_id": UNSET if attachment_id is None else attachment_id,
        }
        if isinstance(path, str | os.PathLike):
            body = registration(place, path, copy=copy, **members)
            return self._made(place.client.register(self.session_id, body))
        bodies = [registration(place, one, copy=copy, **members) for one in path]
        batch = place.client.register_batch(self.session_id, bodies)
        return [self._made(record) for record in batch.saved]

    def _made(self, record: File) -> FileHandle:
        """The handle of a file that the code itself made known."""
        if (path := self._place.local(record)) is not None:
            self._place.note_made(path)
        return FileHandle(record, self._place)

    def publish(self, value: object, name: PathLike, metadata: Mapping[str, Any] | None = None) -> FileHandle:
        """The object as an artifact `name`, a path in the session whose ending says the form.

        Figures, images, data frames, arrays, bytes, text, and whatever can display or save itself;
        TypeError for anything else. A file of that name is replaced and keeps its `attachment_id`.
        """
        relative = session_path(name)
        path = str(relative)
        if self._place.folder is None:
            path = self._sent(value, relative)
        else:
            with _staged(self / path) as part:
                write_object(value, part)
        body = Register(
            path=path,
            metadata=UNSET if metadata is None else dict(metadata),
            provenance=merged(self._provenance(), None),
        )
        return self._made(self._place.client.register(self.session_id, body))

    def _sent(self, value: object, relative: PurePosixPath) -> str:
        """The path in the session of an object that was written here and uploaded."""
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder, relative.name)
            write_object(value, part)
            record = self._place.client.upload(
                self.session_id, part, relative.name, folder=str(relative.parent), on_conflict="replace"
            )
        return record.path

    def delete(self, file: FileHandle | PathLike, *, permanent: bool = False) -> None:
        """Moves a file to the trash, or removes it for good."""
        self._handle(file).delete(permanent=permanent)

    def _handle(self, file: FileHandle | PathLike) -> FileHandle:
        if isinstance(file, FileHandle):
            return file
        return FileHandle(lookup.find(self._place, session_key(self._place, file)), self._place)

    def ingest(self, source: PathLike, name: str | None = None) -> FileHandle:
        """An attachment of what stands elsewhere: a path, a data URI, `workspace://session/path`, an address.

        `name` defaults to the source's. SourceNotFound; Forbidden when the server does not fetch addresses.
        """
        return FileHandle(sources.ingest(self._place, source, name), self._place)

    @overload
    def resolve(self, ref: sources.Reference) -> Path: ...
    @overload
    def resolve(self, ref: sources.Reference, as_: Literal["path"]) -> Path: ...
    @overload
    def resolve(self, ref: sources.Reference, as_: Literal["data_uri", "reference"]) -> str: ...
    def resolve(self, ref: sources.Reference, as_: sources.Form = "path") -> Path | str:
        """The file that `ref` means as a path, as a data URI (RFC 2397), or as `workspace://session/path`.

        `ref`: what `ws[…]` takes, a file of `ws.artifacts`, a reference to any session, or a data URI.
        """
        return sources.resolve(self._place, ref, as_)

    # --- capturing ------------------------------------------------------------------------------

    def capture(self, folder: PathLike | None = None) -> Capture:
        """A context: what code writes in it becomes artifacts, in the session's folder and in `folder`.

        `folder` defaults to the one where the code runs; files there are listed where they stand. At the
        end the result's `files` are what was written.
        """
        return Capture(self._place, self.register, folder)

    def capture_folder(self, on: bool) -> Self:  # noqa: FBT001 - it reads as the switch that it is
        """Lists what the notebook's cells write in its folder, in place, from the next cell on; or stops.

        A setting of the session: it is kept, and holds for every kernel of the notebook.
        """
        client = self._place.client
        known = client.get_session(self.session_id).metadata
        metadata = capture_setting(known, is_on=on)
        self._place.learn(client.update_session(self.session_id, metadata=metadata))
        return self

    # --- showing --------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return display.session_text(self.session)

    def _repr_html_(self) -> str:
        return display.session_card(self.session, self._place.zip_url)


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    """A hidden path beside the target, moved over it at the end: nobody sees half a file."""
    part = target.with_name(f".publish-{secrets.token_hex(6)}{target.suffix}")
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
