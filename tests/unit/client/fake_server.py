"""A small server of the contract behind httpx2.MockTransport: sessions, files, events, in memory."""

import hashlib
import json
import re
from urllib.parse import unquote

import httpx2

from tests.unit.client.flows import SERVICE, page, record, session

API = "/base/api/workspace"


def json_answer(body, status=200):
    return httpx2.Response(status, json=body)


def told(request):
    return json.loads(request.content)


class FakeServer:
    """Keeps what it was asked, and the files that it was given."""

    def __init__(self):
        self.requests = []
        self.sessions = {"churn": session()}
        self.kernels = {"k1": "churn"}
        self.files = []
        self.contents = {}
        self.events = []
        self.refusals = []
        self.is_down = False

    def add(self, path, content=b"abc", **members):
        number = len(self.files) + 1
        digest = hashlib.sha256(content).hexdigest()
        given = {
            "attachment_id": f"att_{number:026}",
            "artifact_id": f"art_{number:026}",
            "size": len(content),
            "sha256": digest,
            "created_at": f"2026-11-21T{number // 60:02}:{number % 60:02}:00Z",
        }
        made = record(path, **{**given, **members})
        self.files.append(made)
        self.contents[made["artifact_id"]] = content
        return made

    def answer(self, request):
        self.requests.append(request)
        if self.is_down:
            raise httpx2.ConnectError("refused", request=request)
        path = request.url.raw_path.decode().partition("?")[0].removeprefix(API)
        for method, pattern, make in self._routes():
            match = re.fullmatch(pattern, path)
            if method == request.method and match:
                return make(request, *map(unquote, match.groups()))
        raise AssertionError(f"no such route: {request.method} {path}")

    def _routes(self):
        files = "/sessions/[^/]+/artifacts"
        scanned = {"created": 0, "updated": 0, "deleted": 0, "truncated": False}
        return [
            ("GET", "", lambda _: json_answer(SERVICE)),
            (
                "POST",
                "/sessions/resolve",
                lambda request: self._session(self.kernels.get(told(request)["kernel_id"])),
            ),
            ("GET", "/sessions", lambda request: self._sessions(request.url.params)),
            ("GET", "/sessions/([^/]+)", lambda _, session_id: self._session(session_id)),
            ("PATCH", "/sessions/([^/]+)", self._change),
            ("POST", "/sessions/[^/]+/scan", lambda _: json_answer(scanned)),
            ("GET", "/sessions/[^/]+/artifact-events", lambda _: json_answer(page(*self.events))),
            ("GET", "/sessions/[^/]+/download", lambda _: httpx2.Response(200, content=b"PK")),
            ("GET", files, lambda request: self._list(request.url.params)),
            ("POST", files, lambda request: self._register(told(request))),
            ("GET", f"{files}/([^/]+)", lambda request, file_id: self._file(file_id, request.url.params)),
            ("DELETE", f"{files}/[^/]+", lambda _: httpx2.Response(204)),
            ("PUT", "/uploads/[^/]+", self._upload),
        ]

    def _session(self, session_id):
        if session_id not in self.sessions:
            return httpx2.Response(404, json={"message": "No such session.", "code": "session_not_found"})
        return httpx2.Response(200, json=self.sessions[session_id])

    def _sessions(self, params):
        found = [one for one in self.sessions.values() if one["notebook_path"] == params["notebook_path"]]
        return json_answer({"sessions": found, "total": len(found), "has_more": False})

    def _change(self, request, session_id):
        self.sessions[session_id] |= told(request)
        return self._session(session_id)

    def _list(self, params):
        found = [
            file
            for file in self.files
            if params.get("kind", file["kind"]) == file["kind"]
            and params.get("q", "").lower() in file["name"].lower()
            and file["path"].startswith(params.get("path", ""))
        ]
        if params.get("ordering", "-created_at") == "-created_at" and "next" not in params:
            found.reverse()
        offset, limit = int(params.get("offset", 0)), int(params.get("limit", 100))
        part = found[offset : offset + limit]
        body = {"artifacts": part, "total": len(found), "has_more": offset + len(part) < len(found)}
        return httpx2.Response(200, json=body)

    def _register(self, body):
        if self.refusals:
            return json_answer(self.refusals.pop(), 403)
        if isinstance(body, list):
            return httpx2.Response(
                201, json={"count": len(body), "saved": [self._registered(one) for one in body]}
            )
        return httpx2.Response(201, json=self._registered(body))

    def _registered(self, body):
        place = body.get("path") or body.get("root_path", body.get("name", "data.bin")).rpartition("/")[2]
        members = {name: body[name] for name in ("metadata", "provenance") if name in body}
        return self.add(place, **members)

    def _file(self, file_id, params):
        for file in reversed(self.files):
            if file_id in {file["attachment_id"], file["artifact_id"]}:
                if params.get("mode") == "stream":
                    return httpx2.Response(200, content=self.contents[file["artifact_id"]])
                return httpx2.Response(200, json=file)
        return httpx2.Response(404, json={"message": "No such file.", "code": "file_not_found"})

    def _upload(self, request):
        params = request.url.params
        folder = params.get("dir", "attachments")
        path = params["name"] if folder == "." else f"{folder}/{params['name']}"
        return httpx2.Response(201, json=self.add(path, request.content))
