"""How to bring about each error that the route table names: THE other half of that table.

`HOW` has a way for each operation and code: a function that does it, on a `Place`, and gives the answer; or
the name of a test that shows it, where one request alone cannot. `test_routes` walks both tables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.resuming import PIECE, begun, checksum, create, creation, metadata
from api.running import Server, Session
from api.wire import Answer, file_part, form, form_type, query, text_part

#: What a server takes from the scanner alone, which says so as a feature of its own.
OF_THE_SCANNER = frozenset({"infected", "scan_unavailable"})

UNKNOWN = "att_" + "a" * 26
FAR = {"Range": "bytes=999999-"}
OTHER = {"If-Match": '"other"'}
NOTHING = "0" * 64
#: More than any disk has, and more than `limited` takes in a file, in a session, and of a user.
DISK, FILE = 2**50, 100_000

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}

Way = Callable[["Place"], Answer] | str


class Place:
    """What there must be so that something can go wrong; the full session has almost no room left."""

    def __init__(self, server: Server, limited: Server, guarded: Server):
        self.server, self.limited, self.guarded = server, limited, guarded
        self.session = server.session()
        self.small = limited.session()
        self.file = self.session.saved("a.csv", b"abc")
        self.folder = self.session.saved("x.csv", b"abc", dir="folder")
        self.gone = self._overwritten("gone.csv")
        self.closed = server.session()
        self.kept = self.closed.saved("a.csv", b"abc")
        self.dead = self.closed.saved("dead.csv", b"abc")
        self.closed.call("DELETE", f"/artifacts/{self.dead['attachment_id']}")
        self.waiting = begun(self.closed, 3, Upload_Metadata=metadata(filename="w"))
        self.closed.call("PATCH", json_body={"status": "completed"})
        self.full = limited.session()
        for name in "ab":
            self.full.saved(name, bytes(FILE))
        self._count = 0

    def empty(self) -> None:
        """Leaves the quota of `limited` to others."""
        for session in (self.small, self.full):
            session.call("DELETE", "?files=1")

    def fresh(self) -> str:
        """A word that nothing is called yet."""
        self._count += 1
        return f"{self.session.id}-{self._count}"

    def _overwritten(self, name: str) -> dict[str, Any]:
        """The record of a version whose bytes nobody has any more."""
        old = self.session.made(name, b"old")
        self.overwrite(name)
        return old

    def overwrite(self, name: str) -> None:
        (self.session.folder / name).write_bytes(b"new bytes")
        assert self.session.call("POST", "/scan").status == 200

    def archive(self, file_id: str) -> str:
        """The path of a zip of one file."""
        answer = self.session.call("POST", "/archives", json_body={"artifact_ids": [file_id]})
        assert answer.status == 201, answer.text()
        return f"/archives/{answer.json()['archive_id']}"

    def deleted(self, name: str, content: bytes = b"abc") -> str:
        """The id of a file in the trash."""
        made = self.session.saved(name, content)
        self.session.call("DELETE", f"/artifacts/{made['attachment_id']}")
        return made["attachment_id"]

    def declared(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """The answer to the head of a request, whose body never comes."""
        with self.server.wire() as wire:
            wire.send(self.server.head(method, path, headers))
            return self.server.checked(wire.answer(method))


def call(method: str, tail: str, body: Any = None, **headers: str) -> Way:
    """A request to a route of the place's session."""
    return lambda place: place.session.call(method, tail, json_body=body, headers=headers)


def ask(method: str, path: str, body: Any = None, **headers: str) -> Way:
    """A request to a route; `{session}` and `{closed}` stand for the ids of those."""
    return lambda place: place.server.call(
        method, _told(place, path), json_body=_told(place, body), headers=headers
    )


def _told(place: Place, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _told(place, item) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    return value.replace("{session}", place.session.id).replace("{closed}", place.closed.id)


def at_file(method: str, tail: str = "", body: Any = None, *, gone: bool = False, **headers: str) -> Way:
    """A request to the place's file, or to the version of which nothing is left."""
    return lambda place: place.session.call(
        method,
        f"/artifacts/{place.gone['artifact_id'] if gone else place.file['attachment_id']}{tail}",
        json_body=body,
        headers=headers,
    )


def at_zip(method: str, **headers: str) -> Way:
    return lambda place: place.session.call(
        method, place.archive(place.file["attachment_id"]), headers=headers
    )


def without_file(method: str) -> Way:
    """The zip of a file that was deleted since."""

    def do(place: Place) -> Answer:
        made = place.session.saved(f"{place.fresh()}.csv")["attachment_id"]
        path = place.archive(made)
        place.session.call("DELETE", f"/artifacts/{made}")
        return place.session.call(method, path)

    return do


def without_version(method: str) -> Way:
    """The zip of a version that was overwritten since."""

    def do(place: Place) -> Answer:
        name = f"{place.fresh()}.csv"
        path = place.archive(place.session.made(name, b"old")["artifact_id"])
        place.overwrite(name)
        return place.session.call(method, path)

    return do


# uploads


def put(name: str = "a.csv", *, content: bytes = b"abc", **parameters: str) -> Way:
    return lambda place: place.session.put(name, content, **parameters)


def put_with(**headers: str) -> Way:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda place: place.session.put("b.csv", headers=named)


def fields(*parts: Any, name: str = "a.csv", content: bytes = b"abc") -> Callable[[Place, str], Answer]:
    """A form; the second argument is the address, and `path` its field there."""

    def do(place: Place, path: str) -> Answer:
        own = [] if path != "/files/upload" else [text_part("path", place.session.id)]
        body = form(*own, *parts, file_part(content, name))
        return place.server.call("POST", path.format(place.session.id), body, form_type())

    return do


def by_form(path: str) -> dict[str, Way]:
    """What a form can be refused for, at either address."""
    files = path == "/files/upload"

    def target(session: Session) -> str:
        return path.format(session.id)

    def sent(way: Callable[[Place, str], Answer]) -> Way:
        return lambda place: way(place, path)

    def to(session: Session, *parts: Any, **headers: str) -> Answer:
        own = [text_part("path", f"{session.id}/attachments")] if files else []
        return session.server.call("POST", target(session), form(*own, *parts), {**form_type(), **headers})

    def reused(place: Place) -> Answer:
        key = {"Idempotency-Key": place.fresh()}
        to(place.session, file_part(b"abc", place.fresh()), **key)
        return to(place.session, file_part(b"abc", place.fresh()), **key)

    error = text_part("on_conflict", "error")
    return {
        "session_closed": lambda place: to(place.closed, file_part(b"abc")),
        "name_invalid": sent(fields(name="a.")),
        "path_escapes": sent(fields(text_part("dir", "../x"))),
        "name_taken": lambda place: to(place.session, error, file_part(b"abc", "a.csv")),
        "not_a_directory": sent(fields(text_part("dir", "attachments/a.csv"))),
        "file_too_large": lambda place: to(place.small, file_part(bytes(FILE + 1))),
        "form_invalid": lambda place: place.server.call("POST", target(place.session), b"x", form_type()),
        "file_missing": lambda place: to(place.session, text_part("metadata", "{}")),
        "key_reused": reused,
        "quota_exceeded": lambda place: to(place.full, file_part(bytes(FILE))),
        "disk_full": lambda place: place.declared(
            "POST", target(place.session), {**form_type(), "Content-Length": str(DISK)}
        ),
        "type_refused": lambda place: to(place.small, file_part(b"abc", "a.exe")),
        "parameter_invalid": sent(fields(text_part("on_conflict", "x"))),
    }


def reused_key(place: Place) -> Answer:
    key = {"Idempotency-Key": place.fresh()}
    place.session.put(place.fresh(), headers=key)
    return place.session.put(place.fresh(), headers=key)


def taken_meanwhile(place: Place) -> Answer:
    name = place.fresh()
    upload = begun(place.session, 3, Upload_Metadata=metadata(filename=name, on_conflict="error"))
    place.session.saved(name)
    return upload.patch(0, b"abc")


def folder_gone_meanwhile(place: Place) -> Answer:
    folder = place.fresh()
    upload = begun(place.session, 3, Upload_Metadata=metadata(filename="a", dir=folder))
    (place.session.folder / folder).write_bytes(b"a file")
    return upload.patch(0, b"abc")


def grown(length: int) -> Way:
    """An upload that turns out to be so long when its first bytes come."""
    return lambda place: begun(place.small).patch(0, b"", Upload_Length=str(length))


def full_meanwhile(place: Place) -> Answer:
    return begun(place.full).patch(0, b"", Upload_Length=str(FILE))


def ended(method: str) -> Way:
    """An upload that was taken back by its client, asked for once more."""

    def do(place: Place) -> Answer:
        upload = begun(place.session, 3, Upload_Metadata=metadata(filename=place.fresh(), sha256=NOTHING))
        upload.patch(0, b"abc")
        return upload.call(method, **PIECE, Upload_Offset="3")

    return do


def without_version_of_tus(method: str) -> Way:
    return lambda place: place.server.call(method, begun(place.session, 3).path, headers=PIECE)


def begin(**headers: str) -> Way:
    return lambda place: create(
        place.session,
        {**creation(3), **PIECE, **{key.replace("_", "-"): headers[key] for key in headers}},
        b"abc",
    )


# the notebook of a session, and its folder


def on_notebook(method: str, path: str, field: str = "notebook_path") -> dict[str, Way]:
    def named(notebook: str) -> Way:
        return ask(method, path, {field: [notebook] if field == "notebooks" else notebook})

    return {
        "body_invalid": ask(method, path, {"bogus": 1}),
        "path_escapes": named("../a.ipynb"),
        "name_invalid": named("a\0.ipynb"),
        "file_not_found": named("a\n.ipynb"),
    }


def with_notebook_of_another(method: str, path: str) -> Way:
    def do(place: Place) -> Answer:
        mine = place.fresh()
        notebook = f"{mine}.ipynb"
        place.server.call("PUT", f"/sessions/{mine}", json_body={"notebook_path": notebook})
        body = {"notebooks": [notebook]} if method == "PATCH" else {"notebook_path": notebook}
        target = path.format(fresh=place.fresh(), session=place.session.id)
        return place.server.call(method, target, json_body=body)

    return do


def with_file_for_folder(method: str, path: str) -> Way:
    def do(place: Place) -> Answer:
        name = place.fresh()
        (place.server.workspace / name).write_bytes(b"a file")
        body = {"session_id": name} if path == "/sessions" else {}
        try:
            return place.server.call(method, path.format(fresh=name), json_body=body)
        finally:
            (place.server.workspace / name).unlink()

    return do


def of_somebody_else(place: Place) -> Answer:
    theirs = place.guarded.session()
    return place.guarded.call("PUT", f"/sessions/{theirs.id}", headers={"X-Person": "bob"})


def restored_on_taken(place: Place) -> Answer:
    name = place.fresh()
    file_id = place.deleted(name)
    place.session.saved(name)
    return place.session.call("POST", f"/artifacts/{file_id}/restore", json_body={})


def registered_on_reference(place: Place) -> Answer:
    name = f"{place.fresh()}.csv"
    (place.server.root / name).write_bytes(b"abc")
    place.session.call("POST", "/artifacts", json_body={"root_path": name, "copy": False})
    (place.session.folder / "references").mkdir(exist_ok=True)
    (place.session.folder / f"references/{name}").write_bytes(b"abc")
    return place.session.register(f"references/{name}")


def shown_though_large(place: Place) -> Answer:
    name = f"{place.fresh()}.png"
    with (place.session.folder / name).open("wb") as sparse:
        sparse.write(b"\x89PNG\r\n\x1a\n")
        sparse.truncate(64 * 2**20 + 1)
    return place.session.call(
        "GET", f"/artifacts/{place.session.register(name).json()['artifact_id']}/preview"
    )


def registered(name: str, size: int, *, full: bool = False) -> Way:
    """A file elsewhere under the root of `limited`, to be copied into a session."""

    def do(place: Place) -> Answer:
        (place.limited.root / name).write_bytes(bytes(size))
        session = place.full if full else place.small
        return session.call("POST", "/artifacts", json_body={"root_path": name})

    return do


def by_list(path: str) -> dict[str, Way]:
    return {
        "parameter_invalid": ask("GET", f"{path}?limit=0"),
        "path_escapes": ask("GET", f"{path}?path=.."),
        "name_invalid": ask("GET", f"{path}?path=a%00b"),
        "file_not_found": ask("GET", f"{path}?path=.hidden"),
    }


def by_zip(method: str) -> dict[str, Way]:
    return {
        "file_not_found": call(method, f"/download?artifact_id={UNKNOWN}"),
        "range_invalid": call(method, "/download", **FAR),
        "precondition_failed": call(method, "/download", **OTHER),
        "parameter_invalid": call(method, "/download?compress=x"),
        "path_escapes": call(method, "/download?path=.."),
        "name_invalid": call(method, "/download?path=a%00b"),
        "version_gone": lambda place: place.session.call(
            method, f"/download{query(artifact_id=place.gone['artifact_id'])}"
        ),
    }


def by_archive(method: str) -> dict[str, Way]:
    return {
        "file_not_found": without_file(method),
        "range_invalid": at_zip(method, **FAR),
        "precondition_failed": at_zip(method, **OTHER),
        "archive_not_found": call(method, "/archives/arc_" + "a" * 26),
        "version_gone": without_version(method),
    }


def by_content(method: str) -> dict[str, Way]:
    return {
        "file_not_found": call(method, f"/artifacts/{UNKNOWN}?mode=stream"),
        "range_invalid": at_file(method, "?mode=stream", **FAR),
        "precondition_failed": at_file(method, "?mode=stream", **OTHER),
        "parameter_invalid": at_file(method, "?mode=x"),
        "version_gone": at_file(method, "?mode=stream", gone=True),
    }


def by_path(method: str, path: str) -> dict[str, Way]:
    return {
        "path_escapes": ask(method, f"{path}?path={{session}}/.."),
        "name_invalid": ask(method, f"{path}?path={{session}}/a%00b"),
        "session_not_found": ask(method, f"{path}?path=unknown/a.csv"),
        "file_not_found": ask(method, f"{path}?path={{session}}/unknown"),
        "parameter_invalid": ask(method, f"{path}?path=%FF"),
    }


def deletion(path: str) -> Way:
    return ask("POST", "/files/delete", {"path": path})


MEANWHILE = "unit/services/test_archives.py::test_a_member_that_changes_meanwhile_breaks_the_download"
HOW: dict[str, dict[str, Way]] = {
    "list_sessions": {"parameter_invalid": ask("GET", "/sessions?limit=0")},
    "create_session": {
        **on_notebook("POST", "/sessions"),
        "id_invalid": ask("POST", "/sessions", {"session_id": "a.b"}),
        "session_exists": ask("POST", "/sessions", {"session_id": "{session}"}),
        "name_taken": with_notebook_of_another("POST", "/sessions"),
        "not_a_directory": with_file_for_folder("POST", "/sessions"),
    },
    "resolve_session": {
        **on_notebook("POST", "/sessions/resolve"),
        "session_not_found": ask("POST", "/sessions/resolve", {"kernel_id": "unknown"}),
    },
    "ensure_session": {
        **on_notebook("PUT", "/sessions/new"),
        "session_exists": of_somebody_else,
        "name_taken": with_notebook_of_another("PUT", "/sessions/{fresh}"),
        "not_a_directory": with_file_for_folder("PUT", "/sessions/{fresh}"),
    },
    "change_session": {
        **on_notebook("PATCH", "/sessions/{session}", "notebooks"),
        "name_taken": with_notebook_of_another("PATCH", "/sessions/{session}"),
    },
    "delete_session": {"parameter_invalid": call("DELETE", "?files=x")},
    "download_session": by_zip("GET"),
    "head_session_download": by_zip("HEAD"),
    "create_archive": {
        "body_invalid": call("POST", "/archives", {}),
        "file_not_found": call("POST", "/archives", {"artifact_ids": [UNKNOWN]}),
        "version_gone": lambda place: place.session.call(
            "POST", "/archives", json_body={"artifact_ids": [place.gone["artifact_id"]]}
        ),
    },
    "download_archive": by_archive("GET"),
    "head_archive": by_archive("HEAD"),
    "list_attachments": {"parameter_invalid": ask("GET", "/uploads/{session}?limit=0")},
    "upload_form": {
        **by_form("/uploads/{}"),
        "tus_version": lambda place: create(place.session, {"Upload-Length": "3"}),
        "checksum_mismatch": begin(**checksum(b"abd")),
        "digest_mismatch": begin(Upload_Metadata=metadata(filename="a", sha256=NOTHING)),
    },
    "upload_raw": {
        "session_closed": lambda place: place.closed.put("a.csv"),
        "name_invalid": put("a."),
        "path_escapes": put(dir="../x"),
        "name_taken": put(on_conflict="error"),
        "not_a_directory": put(dir="attachments/a.csv"),
        "file_too_large": lambda place: place.small.put("a.csv", bytes(FILE + 1)),
        "quota_exceeded": lambda place: place.full.put("a.csv", bytes(FILE)),
        "disk_full": lambda place: place.declared(
            "PUT", f"/uploads/{place.session.id}", {"Content-Length": str(DISK)}
        ),
        "type_refused": lambda place: place.small.put("a.exe"),
        "parameter_invalid": put(on_conflict="x"),
        "digest_mismatch": put_with(Repr_Digest=f"sha-256=:{'A' * 43}=:"),
        "key_reused": reused_key,
    },
    "head_upload": {
        "upload_gone": ended("HEAD"),
        "tus_version": without_version_of_tus("HEAD"),
    },
    "get_upload": {},
    "append_upload": {
        "session_closed": lambda place: place.waiting.patch(0, b"abc"),
        "name_taken": taken_meanwhile,
        "not_a_directory": folder_gone_meanwhile,
        "file_too_large": grown(FILE + 1),
        "quota_exceeded": full_meanwhile,
        "disk_full": lambda place: begun(place.session).patch(0, b"", Upload_Length=str(DISK)),
        "upload_gone": ended("PATCH"),
        "tus_version": without_version_of_tus("PATCH"),
        "offset_mismatch": lambda place: begun(place.session, 3).patch(1, b"bc"),
        "upload_locked": "api/test_tus_breaks.py::test_a_writer_at_work_does_not_give_way",
        "type_refused": "unit/services/test_uploads.py::test_a_type_that_only_its_bytes_can_prove_is_let_in_by_its_name",
        "parameter_invalid": lambda place: begun(place.session, 3).patch("x", b"abc"),
        "checksum_mismatch": lambda place: begun(place.session, 3).patch(0, b"abc", **checksum(b"abd")),
        "digest_mismatch": lambda place: begun(
            place.session, 3, Upload_Metadata=metadata(filename="a", sha256=NOTHING)
        ).patch(0, b"abc"),
    },
    "delete_upload": {
        "upload_locked": "unit/services/test_uploads.py::test_a_finish_that_takes_long_is_not_waited_for",
        "upload_gone": ended("DELETE"),
        "tus_version": without_version_of_tus("DELETE"),
    },
    "list_all_artifacts": by_list("/artifacts"),
    "list_artifacts": by_list("/sessions/{session}/artifacts"),
    "register_artifact": {
        "session_closed": ask("POST", "/sessions/{closed}/artifacts", {"path": "attachments/a.csv"}),
        "name_invalid": call("POST", "/artifacts", {"path": "a\0b"}),
        "path_escapes": call("POST", "/artifacts", {"path": "../x"}),
        "name_taken": registered_on_reference,
        "disk_full": "unit/services/test_ingest.py::test_a_copy_that_has_no_room_is_refused_before_it_is_made",
        "busy": "unit/services/test_registration.py::test_a_file_that_changes_while_it_is_read_is_busy",
        "file_too_large": registered("large.csv", FILE + 1),
        "quota_exceeded": registered("much.csv", FILE, full=True),
        "type_refused": registered("a.exe", 3),
        "body_invalid": call("POST", "/artifacts", {}),
        "source_not_found": call("POST", "/artifacts", {"path": "unknown.csv"}),
        "file_not_found": call("POST", "/artifacts", {"path": ".hidden/a.csv"}),
    },
    "get_artifact": by_content("GET"),
    "head_artifact": by_content("HEAD"),
    "change_artifact": {
        "session_closed": lambda place: place.closed.call(
            "PATCH", f"/artifacts/{place.kept['attachment_id']}", json_body={"name": "b.csv"}
        ),
        "name_invalid": at_file("PATCH", body={"name": "a."}),
        "path_escapes": at_file("PATCH", body={"path": "../a.csv"}),
        "name_taken": at_file("PATCH", body={"path": "folder/x.csv"}),
        "not_a_directory": at_file("PATCH", body={"path": "folder/x.csv/a.csv"}),
        "body_invalid": at_file("PATCH", body={}),
        "file_not_found": call("PATCH", f"/artifacts/{UNKNOWN}", {"name": "b.csv"}),
    },
    "delete_artifact": {
        "session_closed": lambda place: place.closed.call(
            "DELETE", f"/artifacts/{place.kept['attachment_id']}"
        ),
        "file_not_found": call("DELETE", f"/artifacts/{UNKNOWN}"),
        "parameter_invalid": at_file("DELETE", "?permanent=x"),
    },
    "restore_artifact": {
        "session_closed": lambda place: place.closed.call(
            "POST", f"/artifacts/{place.dead['attachment_id']}/restore"
        ),
        "body_invalid": at_file("POST", "/restore", {"on_conflict": "x"}),
        "file_not_found": call("POST", f"/artifacts/{UNKNOWN}/restore", {}),
        "name_taken": restored_on_taken,
    },
    "preview_artifact": {
        "file_not_found": call("GET", f"/artifacts/{UNKNOWN}/preview"),
        "parameter_invalid": at_file("GET", "/preview?size=x"),
        "type_refused": lambda place: place.session.call(
            "GET", f"/artifacts/{place.session.saved('a.bin')['artifact_id']}/preview"
        ),
        "version_gone": at_file("GET", "/preview", gone=True),
        "file_too_large": shown_though_large,
    },
    "list_trash": {"parameter_invalid": call("GET", "/trash?limit=0")},
    "list_folder": {
        **by_path("GET", "/files"),
        "not_a_directory": ask("GET", "/files?path={session}/attachments/a.csv"),
    },
    "download_path": {
        **by_path("GET", "/files/download"),
        "range_invalid": ask("GET", "/files/download?path={session}/attachments/a.csv", **FAR),
        "precondition_failed": ask("GET", "/files/download?path={session}/attachments/a.csv", **OTHER),
        "version_gone": MEANWHILE,
    },
    "head_path_download": {
        **by_path("HEAD", "/files/download"),
        "range_invalid": ask("HEAD", "/files/download?path={session}/attachments/a.csv", **FAR),
        "precondition_failed": ask("HEAD", "/files/download?path={session}/attachments/a.csv", **OTHER),
        "version_gone": MEANWHILE,
    },
    "upload_to_path": {
        **by_form("/files/upload"),
        "session_not_found": lambda place: place.server.call(
            "POST", "/files/upload", form(text_part("path", "unknown"), file_part(b"abc")), form_type()
        ),
    },
    "delete_path": {
        "path_escapes": deletion("{session}/../x"),
        "name_invalid": deletion("{session}/a\0b"),
        "session_not_found": deletion("unknown/a.csv"),
        "file_not_found": deletion("{session}/unknown"),
        "body_invalid": ask("POST", "/files/delete", {}),
        "parameter_invalid": deletion(""),
        "session_closed": deletion("{closed}/attachments/a.csv"),
        "is_session": deletion("{session}"),
        "not_empty": deletion("{session}/folder"),
    },
    "poll_events": {"parameter_invalid": call("GET", "/artifact-events?after=x")},
    "subscribe": {"parameter_invalid": call("GET", "/subscribe?after=x", **HANDSHAKE)},
}
