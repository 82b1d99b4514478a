"""Runs a flow against prepared outcomes, and keeps what it asked for."""

import json
from dataclasses import dataclass, field
from typing import Any

from jupyter_workspace.client.wire import Found, Landing, Lost, Pause, Renew, Request, Response, Work

TIME = "2026-11-21T04:00:00Z"


def record(path="attachments/sales.csv", **members) -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {
        "attachment_id": "att_0123456789abcdef",
        "artifact_id": "art_0123456789abcdef",
        "session_id": "churn",
        "kind": "attachment" if path.startswith("attachments/") else "artifact",
        "name": name,
        "path": path,
        "files_path": f"churn/{path}",
        "size": 3,
        "mime": "text/csv",
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "media": "file",
        "source": "upload",
        "storage": "local",
        "version": 1,
        "created_at": TIME,
        "modified_at": TIME,
        "metadata": {},
        "provenance": None,
        "declared_mime": "text/csv",
        **members,
    }


def session(session_id="churn", **members) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "name": session_id,
        "description": "",
        "notebook_path": "work/churn.ipynb",
        "notebooks": ["work/churn.ipynb"],
        "metadata": {},
        "status": "active",
        "created_at": TIME,
        "updated_at": TIME,
        "last_used_at": TIME,
        "attachments": 1,
        "artifacts": 2,
        "size": 3,
        "path": f"workspace/{session_id}",
        **members,
    }


def event(sequence=1, **members) -> dict[str, Any]:
    return {
        "sequence": sequence,
        "event_id": f"evt_{sequence}",
        "change_type": "created",
        "session_id": "churn",
        "artifact_id": "art_0123456789abcdef",
        "attachment_id": "att_0123456789abcdef",
        "node_id": None,
        "kind": "artifact",
        "source": "register",
        "name": "loss.png",
        "path": "loss.png",
        "size": 3,
        "mime": "image/png",
        "hash": None,
        "timestamp": 1795000000.5,
        "provenance": None,
        **members,
    }


def page(*events, next_cursor=0, has_more=False, reset=False) -> dict[str, Any]:
    return {
        "events": list(events),
        "next_cursor": next_cursor,
        "has_more": has_more,
        "timed_out": not events,
        "reset": reset,
    }


SERVICE = {
    "name": "jupyter_workspace",
    "version": "0.1.0",
    "api_version": 1,
    "status": "ok",
    "problems": [],
    "limits": dict.fromkeys(
        ("max_file_size", "max_session_size", "max_user_size", "min_part_size", "max_part_size"), 0
    ),
    "features": dict.fromkeys(
        ("tus", "links", "runs", "scan", "quota", "previews", "data_uri", "url_sources", "watch"), False
    ),
    "workspace_dir": "workspace",
}


def answer(body: object = None, status: int = 200, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Response(status, named, raw)


@dataclass(frozen=True)
class Landed:
    """An outcome of a download: a head, the bytes that arrive after it, and then perhaps silence."""

    head: Response
    chunks: tuple[bytes, ...] = ()
    is_lost: bool = False

    def into(self, landing: Landing | None) -> Response | Lost:
        if landing is None or not landing.accepts(self.head):
            return self.head
        for chunk in self.chunks:
            landing.write(chunk)
        return Lost("reset", begun=True) if self.is_lost else self.head


@dataclass
class Told:
    """What a flow did: its requests, how long it paused, whether it looked for a moved server."""

    result: Any = None
    found: list[Any] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    renewals: int = 0


def run(flow, *outcomes, renewed=False) -> Told:
    """Sends the outcomes one after the other; a stream without an end is left when they end.

    An error of the flow has what was told so far as its attribute `told`.
    """
    waiting, told, sent = list(reversed(outcomes)), Told(), None
    try:
        while True:
            step = flow.send(sent)
            sent = None
            match step:
                case Request():
                    told.requests.append(step)
                    if not waiting:
                        return told
                    sent = waiting.pop()
                    sent = sent.into(step.landing) if isinstance(sent, Landed) else sent
                case Work():
                    sent = step.call()
                case Pause():
                    told.pauses.append(step.seconds)
                case Renew():
                    told.renewals += 1
                    sent = renewed
                case Found():
                    told.found.append(step.item)
    except StopIteration as end:
        told.result = end.value
    except Exception as error:
        error.told = told
        raise
    assert not waiting, "an outcome was left over"
    return told
