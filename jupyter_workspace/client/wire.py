"""What a flow and its driver say to each other.

A flow is a generator: it yields steps and is sent their outcomes. It does no input or output, so the
same text serves `Client` and `AsyncClient`; only the drivers in `client.py` know a network.

    step yielded     outcome sent back
    Request          Response, or Lost when no whole answer came
    Work             what the call returned (it may read or write files, so it runs off the loop)
    Pause            None, after that time
    Renew            True when another server or token was found and taken
    Found            None; streams only: one item for the caller
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from jupyter_workspace import errors

__all__ = [
    "Content",
    "Flow",
    "Found",
    "Landing",
    "Lost",
    "Pause",
    "Renew",
    "Request",
    "Response",
    "Step",
    "Stream",
    "Work",
    "ask",
    "comma_list",
    "decoded",
    "error_of",
    "filters_of",
    "json_request",
    "query",
    "route",
    "work",
]

T = TypeVar("T")

#: Pauses between repetitions after a lost connection; their number bounds the repetitions.
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0)

#: A `Retry-After` beyond this is not waited for: the caller gets the error and decides.
LONGEST_PAUSE_SECONDS = 10.0

#: How long the server may take to begin its answer.
PATIENCE_SECONDS = 60.0

FORBIDDEN = 403
NOT_FOUND = 404
UNAVAILABLE = 503
#: No route redirects a client: a redirection leads to a login page.
FIRST_REFUSAL = 300

#: What helps when an answer is none of ours.
STRANGER_HINT = (
    "Is the address that of a Jupyter server with its base path, and is jupyter_workspace enabled there, "
    "in the same version?"
)


class Content(Protocol):
    """Bytes to send. `length` is in bytes, None when it is not known beforehand."""

    length: int | None

    def chunks(self) -> Iterator[bytes]:
        """The bytes from the beginning, in blocks."""
        ...


class Landing(Protocol):
    """Where the body of an answer goes when it may be too large for memory."""

    def accepts(self, head: Response) -> bool:
        """Whether the body that follows this head is to be written; otherwise it is read as an error."""
        ...

    def write(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` is percent-encoded and stands below `{base_url}api/workspace`.

    `repeatable`: sending it twice does what sending it once does. `patience_seconds`: how long the
    server may take to begin its answer.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Content | None = None
    landing: Landing | None = None
    patience_seconds: float = PATIENCE_SECONDS
    repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer. Names of headers are in lower case; `body` is empty when it went to a landing."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Lost:
    """No whole answer: `begun` is False when the request cannot have reached the server."""

    reason: str
    begun: bool
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """A call that may block on a disk."""

    call: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Pause:
    """Time to let pass before the next request."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Renew:
    """Asks the driver to look whether the server has moved."""


@dataclass(frozen=True, slots=True)
class Found(Generic[T]):
    """An item of a stream."""

    item: T


Step: TypeAlias = Request | Work | Pause | Renew
Flow: TypeAlias = Generator[Step, Any, T]
Stream: TypeAlias = Generator[Step | Found[T], Any, None]


def route(*segments: str) -> str:
    """A path below the API's root, each segment percent-encoded: names and ids cannot add a level.

    IdInvalid for an empty one: it would name what is a level above, and so more than was meant.
    """
    if not all(segments):
        raise errors.IdInvalid("An id is empty.")
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def query(**parameters: str | float | Iterable[str] | None) -> tuple[tuple[str, str], ...]:
    """Query parameters as the wire has them.

    None is left out, booleans are 1 and 0, other iterables of strings become a comma list.
    """
    return tuple((name, _worded(value)) for name, value in parameters.items() if value is not None)


def _worded(value: str | float | Iterable[str]) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int | float):
        return str(value)
    return comma_list(value)


def comma_list(words: str | Iterable[str]) -> str:
    """Words as one parameter takes them; a string is taken as it is."""
    return words if isinstance(words, str) else ",".join(words)


def filters_of(include_mime: Iterable[str] | None, include_ext: Iterable[str] | None) -> dict[str, Any]:
    """The two filters as comma lists, made once: an iterator would be empty from the second page on."""
    given = {"include_mime": include_mime, "include_ext": include_ext}
    return {name: comma_list(words) for name, words in given.items() if words is not None}


def _plain(value: object) -> object:
    """What stands in JSON for a value of metadata that JSON does not know (numbers and arrays of numpy)."""
    for method in ("item", "tolist", "__fspath__"):
        convert = getattr(value, method, None)
        if callable(convert) and (method != "item" or getattr(value, "shape", ()) == ()):
            return convert()
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON; use text, numbers, lists and dicts.")


def json_request(method: str, path: str, body: object, **options: Any) -> Request:
    """A request with a JSON body; members that are UNSET are left out."""
    text = msgspec.json.encode(body, enc_hook=_plain)
    return Request(method, path, headers=(("Content-Type", "application/json"),), body=text, **options)


def decoded(answer: Response, form: type[T]) -> T:
    """The answer's JSON body as a value of `form`; WorkspaceError when it has another form."""
    try:
        return msgspec.json.decode(answer.body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise errors.WorkspaceError(
            f"The server's answer cannot be understood ({error}).",
            hint=STRANGER_HINT,
        ) from error


def work(call: Callable[[], T]) -> Flow[T]:
    """The value of a call that may block, made where blocking does no harm."""
    outcome: T = yield Work(call)
    return outcome


def ask(request: Request, *allowed: int) -> Flow[Response]:
    """The answer to a request, below status 300 or one of `allowed`; else the error it stands for.

    Repeats what did not reach the server, what may be repeated, and 503 with `Retry-After`; looks
    once for a server that has moved. ServerUnreachable when no answer comes.
    """
    pauses = iter(PAUSES_SECONDS)
    renewed = False
    while True:
        outcome: Response | Lost = yield request
        if isinstance(outcome, Response) and (outcome.status < FIRST_REFUSAL or outcome.status in allowed):
            return outcome
        if not renewed and _may_have_moved(outcome):
            renewed = True
            found: bool = yield Renew()
            if found:
                continue
        seconds = _pause_before_again(request, outcome, pauses)
        if seconds is None:
            raise error_of(outcome)
        yield Pause(seconds)


def _may_have_moved(outcome: Response | Lost) -> bool:
    # A server that started anew listens on another port and may know another token.
    return not outcome.begun if isinstance(outcome, Lost) else outcome.status == FORBIDDEN


def _pause_before_again(request: Request, outcome: Response | Lost, pauses: Iterator[float]) -> float | None:
    usual = next(pauses, None)
    if usual is None:
        return None
    if isinstance(outcome, Lost):
        return usual if request.repeatable or not outcome.begun else None
    if outcome.status != UNAVAILABLE or not _can_send_again(request):
        return None
    wanted = _retry_after(outcome)
    return None if wanted is None or wanted > LONGEST_PAUSE_SECONDS else max(wanted, usual)


def _can_send_again(request: Request) -> bool:
    # Content without a length comes from a pipe: it has been read and cannot be read again.
    return request.body is None or isinstance(request.body, bytes) or request.body.length is not None


def _retry_after(answer: Response) -> float | None:
    """Seconds of `Retry-After` (RFC 9110, 10.2.3); the form with a date is not waited for."""
    word = answer.headers.get("retry-after", "")
    return float(word) if word.isascii() and word.isdigit() else None


def error_of(outcome: Response | Lost) -> errors.WorkspaceError:
    """The error that a refusal, or no answer, stands for; its fact `retry_after` is in seconds."""
    if isinstance(outcome, Lost):
        message = f"The Jupyter server does not answer ({outcome.reason})."
        return errors.ServerUnreachable(message, hint=outcome.hint)
    try:
        answer = msgspec.json.decode(outcome.body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = {}
    if outcome.status == NOT_FOUND and "code" not in answer:
        # All our own answers have a code: somebody else stands at this address.
        answer = {**answer, "hint": STRANGER_HINT}
    error = errors.error_from_answer(outcome.status, answer)
    if (seconds := _retry_after(outcome)) is not None:
        error.facts["retry_after"] = seconds
    return error
