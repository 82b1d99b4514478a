"""Legal names, relative paths and ids, and the names the product makes up itself.

Rules of API.md, section 1 (*Ids*, *Names*, *Paths*, *Hidden*) and 11.15, 11.19, 11.46, 11.48, 11.56.
Whether a name is free on the disk is not decided here.
"""

from __future__ import annotations

import base64
import re
import unicodedata
from typing import Final

from jupyter_workspace.errors import FileNotFound, IdInvalid, NameInvalid, PathEscapes, UploadNotFound

STATE_FOLDER: Final = ".jupyter_workspace"
"""The hidden folder of spool, trash and journals; no route ever reaches it."""
MANIFEST_NAME: Final = "attachments_manifest.json"
"""The generated list of a session's attachments, a reserved name in `ATTACHMENTS_FOLDER`."""
ATTACHMENTS_FOLDER: Final = "attachments"
DEFAULT_NAME: Final = "upload.bin"
"""The name of an upload that came without one."""

MAX_NAME_BYTES: Final = 255
MAX_PATH_BYTES: Final = 3072
"""Longest relative path, in UTF-8 bytes: leaves a kilobyte of Linux's 4096 for the root's own path."""
MAX_SLUG_LENGTH: Final = 64
MIN_ENTROPY_BYTES: Final = 12

SESSION_ID_PATTERN: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}"
_RANDOM: Final = "[0-9a-z]{20,40}"
ATTACHMENT_ID_PATTERN: Final = f"att_{_RANDOM}"
ARTIFACT_ID_PATTERN: Final = f"art_{_RANDOM}"
ANY_FILE_ID_PATTERN: Final = f"(?:att|art)_{_RANDOM}"
UPLOAD_ID_PATTERN: Final = f"upl_{_RANDOM}"
RUN_ID_PATTERN: Final = f"run_{_RANDOM}"
LINK_ID_PATTERN: Final = f"lnk_{_RANDOM}"
ARCHIVE_ID_PATTERN: Final = f"arc_{_RANDOM}"

_ROUTE_WORDS: Final = frozenset({"resolve"})
"""Words that stand where a session id could (API.md, 11.46)."""
_IGNORED: Final = frozenset({"__pycache__", ".ipynb_checkpoints"})
_DRIVE: Final = re.compile(r"[A-Za-z]:(?:/|\Z)")
_SUFFIX: Final = re.compile(
    r"(\.[a-z][a-z0-9]{0,4}(?=\.(?:gz|bz2|xz|zst|lz4|br|z)\Z))?\.[^.\s]{1,24}\Z", re.IGNORECASE
)
"""The last suffix, together with the one before it when the last is a compressor's."""


def check_name(name: str) -> str:
    """The name in NFC, if it may be one component of a path.

    Raises NameInvalid for what API.md, section 1, *Names* refuses, and for lone surrogates, which have no
    UTF-8 form. A leading dot is legal here: whether hidden names are served is up to `split_path`.
    """
    normal = unicodedata.normalize("NFC", name)
    if fault := _fault(normal):
        raise NameInvalid(f"The name {_shown(name)} {fault}.")
    return normal


def check_upload_name(name: str, *, folder: tuple[str, ...], allow_hidden: bool) -> str:
    """The NFC name that an upload into `folder` (components from the session's folder) gets.

    Raises NameInvalid: also for hidden names unless allowed, and for the manifest's own name.
    """
    normal = check_name(name)
    _check_visible(normal, allow_hidden=allow_hidden)
    if is_reserved((*folder, normal)):
        raise NameInvalid(f"The name {_shown(name)} is reserved.", hint="Choose another name.")
    return normal


def split_path(path: str, *, allow_hidden: bool) -> tuple[str, ...]:
    """The components, in NFC, of a relative path that is to be written; () is the root.

    Raises PathEscapes when it is absolute or has '..' or a backslash, NameInvalid when a component is no
    legal name or is hidden.
    """
    components = _components(path)
    if len(path.encode("utf-8", "replace")) > MAX_PATH_BYTES:
        raise NameInvalid(f"The path is longer than {MAX_PATH_BYTES} bytes.", hint="Use fewer folders.")
    normal = tuple(check_name(component) for component in components)
    for component in normal:
        _check_visible(component, allow_hidden=allow_hidden)
    return normal


def read_path(path: str, *, allow_hidden: bool) -> tuple[str, ...]:
    """The components, exactly as given, of a relative path that is to be read; () is the root.

    They are not normalised, since a kernel may have made a name in NFD: look for the exact name first,
    then for `to_nfc` of it (API.md, 11.19). Raises PathEscapes and NameInvalid as `split_path` does for
    the path's form, FileNotFound for hidden names and for names that no listing shows.
    """
    components = _components(path)
    if len(path.encode("utf-8", "replace")) > MAX_PATH_BYTES:
        raise FileNotFound
    for component in components:
        hidden = is_hidden(component) and not allow_hidden
        if hidden or is_state_folder(component) or _fault(component):
            raise FileNotFound
    return components


def to_nfc(components: tuple[str, ...]) -> tuple[str, ...]:
    """The same components in NFC."""
    return tuple(unicodedata.normalize("NFC", component) for component in components)


def is_legal(name: str) -> bool:
    """Whether an upload could have this name in this very form but for normalisation (API.md, 11.35)."""
    return not _fault(name)


def is_hidden(name: str) -> bool:
    """Whether the name begins with a dot."""
    return name.startswith(".")


def is_ignored(name: str) -> bool:
    """Whether files under this name never become artifacts by themselves (API.md, 11.35)."""
    return is_hidden(name) or name in _IGNORED


def is_state_folder(name: str) -> bool:
    """Whether a file system might take this name for the state folder.

    macOS compares names without case and, on HFS+, without zero-width characters, which once let '.g\u200cit'
    reach a repository's own folder (CVE-2014-9390).
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if unicodedata.category(c) != "Cf") == STATE_FOLDER


def is_reserved(components: tuple[str, ...]) -> bool:
    """Whether the path, from the session's folder, is the generated manifest's."""
    return tuple(c.casefold() for c in components) == (ATTACHMENTS_FOLDER, MANIFEST_NAME)


def _components(path: str) -> tuple[str, ...]:
    if path in {"", "."}:
        return ()
    if path.startswith("/") or "\\" in path or _DRIVE.match(path):
        raise PathEscapes(f"The path {_shown(path)} is not a relative path with forward slashes.")
    components = tuple(component for component in path.split("/") if component)
    if ".." in components:
        raise PathEscapes(f"The path {_shown(path)} contains '..'.")
    if "." in components or "\0" in path:
        raise NameInvalid(f"The path {_shown(path)} has a component that is no name.")
    return components


def _check_visible(name: str, *, allow_hidden: bool) -> None:
    if is_state_folder(name) or (is_hidden(name) and not allow_hidden):
        raise NameInvalid(f"The name {_shown(name)} is hidden.", hint="Begin it otherwise than with a dot.")


def _fault(name: str) -> str | None:
    if name in {"", ".", ".."}:
        return "is no name"
    if "/" in name or "\\" in name:
        return "contains a slash or a backslash"
    if name.endswith((".", " ")):
        return "ends in a dot or a space"
    if not name.isprintable() and any(unicodedata.category(c) in {"Cc", "Cs"} for c in name):
        return "contains a character that is not text"
    if len(name.encode("utf-8")) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    return None


def _shown(name: str) -> str:
    return ascii(name) if len(name) <= MAX_SLUG_LENGTH else f"{name[:MAX_SLUG_LENGTH]!a}…"


def numbered(name: str, number: int) -> str:
    """The name with ` (number)` before its extension, its stem cut so that it fits into 255 bytes.

    number: 1 for the first file that found its name taken. `numbered("a.tar.gz", 2)` is `a (2).tar.gz`.
    """
    found = _SUFFIX.search(name, 1)
    suffix = found.group() if found else ""
    mark = f" ({number}){suffix}"
    stem = name.removesuffix(suffix).encode()[: MAX_NAME_BYTES - len(mark.encode())]
    return stem.decode("utf-8", "ignore") + mark


def slug(stem: str) -> str:
    """The session id that a notebook's stem suggests: lower-case ASCII, at most 64 characters."""
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9_]+", "-", plain).strip("-")[:MAX_SLUG_LENGTH].rstrip("-")
    return f"{words}-notebook" if words in _ROUTE_WORDS else words or "notebook"


def numbered_slug(base: str, number: int) -> str:
    """The next session id to try when `base` is taken: `churn-2` for 2."""
    return f"{base}-{number}"


def new_token(entropy: bytes) -> str:
    """The random part of an id: base32 in lower case, 26 characters for 16 bytes.

    entropy: at least 12 random bytes (96 bits); ValueError for fewer.
    """
    if len(entropy) < MIN_ENTROPY_BYTES:
        message = f"an id needs at least {MIN_ENTROPY_BYTES} random bytes"
        raise ValueError(message)
    return base64.b32encode(entropy).decode().rstrip("=").lower()


def check_session_id(value: str, parameter: str = "session_id") -> str:
    """The session id itself; IdInvalid, naming `parameter`, when it is malformed."""
    if value in _ROUTE_WORDS:
        raise IdInvalid(f"{value!r} is not a session id.", parameter=parameter)
    return _check(SESSION_ID_PATTERN, value, parameter)


def is_session_id(name: str) -> bool:
    """Whether a folder of this name could be a session's."""
    return re.fullmatch(SESSION_ID_PATTERN, name) is not None


def check_attachment_id(value: str, parameter: str = "attachment_id") -> str:
    """The `att_` id itself; IdInvalid, naming `parameter`, when it is malformed."""
    return _check(ATTACHMENT_ID_PATTERN, value, parameter)


def check_artifact_id(value: str, parameter: str = "artifact_id") -> str:
    """The `art_` id itself; IdInvalid, naming `parameter`, when it is malformed."""
    return _check(ARTIFACT_ID_PATTERN, value, parameter)


def check_any_file_id(value: str, parameter: str = "artifact_id") -> str:
    """The `att_` or `art_` id itself; IdInvalid, naming `parameter`, when it is malformed."""
    return _check(ANY_FILE_ID_PATTERN, value, parameter)


def check_run_id(value: str, parameter: str = "run_id") -> str:
    """The `run_` id itself; IdInvalid, naming `parameter`, when it is malformed."""
    return _check(RUN_ID_PATTERN, value, parameter)


def check_link_id(value: str, parameter: str = "link_id") -> str:
    """The `lnk_` id itself; IdInvalid, naming `parameter`, when it is malformed."""
    return _check(LINK_ID_PATTERN, value, parameter)


def check_archive_id(value: str, parameter: str = "archive_id") -> str:
    """The `arc_` id itself; IdInvalid, naming `parameter`, when it is malformed."""
    return _check(ARCHIVE_ID_PATTERN, value, parameter)


def check_upload_id(value: str) -> str:
    """The `upl_` id itself; UploadNotFound when it is malformed, as tus clients expect (API.md, 11.46)."""
    if not re.fullmatch(UPLOAD_ID_PATTERN, value):
        raise UploadNotFound
    return value


def _check(pattern: str, value: str, parameter: str) -> str:
    if not re.fullmatch(pattern, value):
        hint = f"It has the form {pattern}."
        raise IdInvalid(f"{_shown(value)} is no well-formed id.", hint=hint, parameter=parameter)
    return value
