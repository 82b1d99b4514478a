"""`workspace://session/path`: a file of a session, as one word."""

from __future__ import annotations

from urllib.parse import quote, unquote

from msgspec import Struct

from jupyter_workspace.errors import BodyInvalid

__all__ = ["SCHEME", "WorkspaceUri"]

SCHEME = "workspace://"


class WorkspaceUri(Struct, frozen=True):
    """A file of a session by its path; the path is relative to the session's folder."""

    session_id: str
    path: str

    @classmethod
    def parse(cls, text: str) -> WorkspaceUri:
        """The file that a URI names; a fragment (its media type) is ignored. Raises BodyInvalid."""
        rest = text.removeprefix(SCHEME).partition("#")[0]
        session_id, _, path = rest.partition("/")
        if not text.startswith(SCHEME) or not session_id or not path:
            raise BodyInvalid(f"{text!a} is no workspace URI.", hint="Write workspace://session/path.")
        return cls(session_id, unquote(path))

    def __str__(self) -> str:
        """The URI, with what is not plain percent-encoded."""
        return f"{SCHEME}{self.session_id}/{quote(self.path)}"
