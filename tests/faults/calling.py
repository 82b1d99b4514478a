"""A small HTTP client for threads, on the standard library: what it does with a broken connection is plain."""

from __future__ import annotations

import http.client
import json
import uuid
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlencode


class Gone(Exception):
    """The connection broke before a whole answer came: nobody knows what the server did."""


@dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        return self.json.get("code")


class Api:
    """One kept connection; not for several threads at once."""

    def __init__(self, port, base_url, token, timeout):
        self.port = port
        self.base_url = base_url
        self._headers = {"Authorization": f"token {token}"}
        self._timeout = timeout
        self._connection = None

    def connect(self):
        """The connection, begun if there is none."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self._timeout)
        return self._connection

    def call(self, method, path, *, body=None, headers=None, base="api/workspace", take=None):
        """The whole answer; raises Gone.

        take: called with the response instead of reading its body into memory.
        """
        connection = self.connect()
        try:
            refused = None
            try:
                connection.request(
                    method,
                    f"{self.base_url}{base}{path}",
                    body=body,
                    headers={**self._headers, **(headers or {})},
                )
            except (BrokenPipeError, ConnectionResetError) as error:
                if connection.sock is None:
                    raise
                # A refusal in the middle of the body; its answer may be there to be read.
                refused = error
            response = connection.getresponse()
            content = response.read() if take is None else take(response)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Gone(f"{method} {path}: {type(error).__name__} {error}") from error
        if refused is not None or response.will_close:
            self.close()
        return Answer(response.status, dict(response.headers.items()), content)

    def close(self):
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
        self._connection = None

    def get(self, path, *, base="api/workspace", **query):
        return self.call("GET", path + _query(query), base=base)

    def delete(self, path, **query):
        return self.call("DELETE", path + _query(query))

    def send(self, method, path, value, *, base="api/workspace"):
        headers = {"Content-Type": "application/json"}
        return self.call(method, path, body=json.dumps(value).encode(), headers=headers, base=base)

    def upload(self, session, name, content, *, key=None, headers=None, **query):
        headers = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
        path = f"/uploads/{session}" + _query({"name": name, **query})
        return self.call("PUT", path, body=content, headers=headers)

    def upload_form(self, session, files, *, key=None, part="files", **fields):
        """files: [(name, bytes)]."""
        content_type, body = form(files, part, fields)
        headers = {"Content-Type": content_type, **({"Idempotency-Key": key} if key else {})}
        return self.call("POST", f"/uploads/{session}", body=body, headers=headers)

    def records(self, session, what="artifacts"):
        """All records of a session's list, page by page."""
        found = []
        while True:
            answer = self.get(f"/sessions/{session}/{what}", limit=1000, offset=len(found))
            assert answer.status == 200, answer
            found += answer.json[what]
            if not answer.json["has_more"]:
                return found

    def events(self, session, after=0):
        """All events after a cursor."""
        found = []
        while True:
            answer = self.get(f"/sessions/{session}/artifact-events", after=after, wait_seconds=0, limit=100)
            assert answer.status == 200, answer
            page = answer.json
            assert not page["reset"], page
            found += page["events"]
            after = page["next_cursor"]
            if not page["has_more"]:
                return found


def form(files, part, fields):
    boundary = uuid.uuid4().hex
    pieces = []
    for name, value in fields.items():
        pieces.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        )
    for name, content in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{name}"\r\n\r\n'
        pieces += [head.encode(), content, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", b"".join(pieces)


def _query(values):
    return "?" + urlencode(values, doseq=True, quote_via=quote) if values else ""
