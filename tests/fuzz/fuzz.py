"""Parsers under atheris: bytes that a machine makes up, guided by the lines they reach.

    python tests/fuzz/fuzz.py multipart -max_total_time=60 build/fuzz/multipart tests/fuzz/corpus/multipart

`make fuzz` runs each target for a minute; what it learns goes to `build/fuzz`, the corpus here is what it begins
with. An input is a finding if it brings another error than one of
ours, breaks a promise of the parser, or takes more than a tenth of a second.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["jupyter_workspace", "python_multipart"]):
    from jupyter_workspace.errors import RangeInvalid, WorkspaceError
    from jupyter_workspace.policy import naming
    from jupyter_workspace.protocol.digest import parse_repr_digest
    from jupyter_workspace.protocol.disposition import content_disposition, parse_form_disposition
    from jupyter_workspace.protocol.form import FormCollector
    from jupyter_workspace.protocol.journal import BadLine, encode_line, read_lines
    from jupyter_workspace.protocol.multipart import FormReader, PartBegin, PartData
    from jupyter_workspace.protocol.notes import decode_note
    from jupyter_workspace.protocol.query import parse_filters, parse_ordering
    from jupyter_workspace.protocol.ranges import parse_range
    from jupyter_workspace.protocol.subscription import parse_message
    from jupyter_workspace.protocol.tus import format_metadata, parse_checksum, parse_metadata
    from jupyter_workspace.services.replay import compacted, replay

SLOW_SECONDS = 0.1
TYPE = "multipart/form-data; boundary=X"


def multipart(data: bytes) -> None:
    """A form says the same however it is cut into pieces."""
    size = data[0] % 64 + 1 if data else 1
    assert form(data[1:], len(data) or 1) == form(data[1:], size)


def form(body: bytes, size: int) -> object:
    reader, fields = FormReader(TYPE), FormCollector()
    parts: list[list[object]] = []
    try:
        for start in range(0, len(body), size):
            for event in reader.feed(body[start : start + size]):
                fields.take(event)
                if isinstance(event, PartBegin):
                    parts.append([event, b""])
                elif isinstance(event, PartData):
                    parts[-1][1] += bytes(event.data)
        reader.close()
        return parts, fields.finish()
    except WorkspaceError as error:
        return error.code


def disposition(data: bytes) -> None:
    """What a name is written as reads back as that name."""
    text = data.decode("utf-8", "ignore")
    with suppress(WorkspaceError):
        parse_form_disposition(text)
    header = content_disposition("attachment", text)
    assert header.isascii()
    assert header.isprintable()


def ranges(data: bytes) -> None:
    """Ranges lie in the file, in order, apart from each other."""
    provider = atheris.FuzzedDataProvider(data)
    size = provider.ConsumeIntInRange(0, 2**40)
    header = "bytes=" * provider.ConsumeBool() + provider.ConsumeUnicode(300)
    with suppress(RangeInvalid):
        found = parse_range(header, size) or []
        ends = [0, *(end for pair in found for end in pair)]
        assert ends == sorted(ends)
        assert ends[-1] <= size


def names(data: bytes) -> None:
    """A name that is taken is legal, in one form, and stays so when it is numbered."""
    provider = atheris.FuzzedDataProvider(data)
    hidden = provider.ConsumeBool()
    number = provider.ConsumeIntInRange(1, 10**6)
    text = provider.ConsumeUnicode(600)
    for parse in (naming.split_path, naming.read_path):
        with suppress(WorkspaceError):
            components = parse(text, allow_hidden=hidden)
            assert not {"", ".", ".."}.intersection(components)
    assert naming.check_session_id(naming.slug(text))
    with suppress(WorkspaceError):
        name = naming.check_name(text)
        assert naming.check_name(name) == name
        assert len(naming.numbered(name, number).encode()) <= naming.MAX_NAME_BYTES
        naming.check_name(naming.numbered(name, number))


def journal(data: bytes) -> None:
    """Good lines come out as they went in, and a journal written anew says the same."""
    for line in read_lines([data[:7], data[7:]]):
        if not isinstance(line, BadLine):
            assert list(read_lines([encode_line(line)])) == [line]
    state = replay("s", data)
    again = replay("s", compacted(state))
    assert (again.files, again.versions) == (state.files, state.versions)
    assert again.last_sequence == state.last_sequence
    assert (again.session is None) == (state.session is None)


def query(data: bytes) -> None:
    """Filters and orders are read, or refused by name."""
    text = data.decode("utf-8", "ignore")
    parse_filters(text, text, None).matches(mime=text, name=text, size=len(text))
    with suppress(WorkspaceError):
        parse_ordering(text, ("name", "size"), (("name", False),))


def headers(data: bytes) -> None:
    """Digests, checksums and metadata are read, or refused; metadata written anew says the same."""
    text = data.decode("latin-1")
    for parse in (parse_repr_digest, parse_checksum):
        with suppress(WorkspaceError):
            parse(text)
    with suppress(WorkspaceError):
        metadata = parse_metadata(text)
        assert parse_metadata(format_metadata(metadata)) == metadata


def messages(data: bytes) -> None:
    """What a socket or a note of an upload brings is read, or is none of ours."""
    decode_note(data)
    with suppress(WorkspaceError):
        parse_message(data.decode("utf-8", "replace"))


TARGETS = {
    target.__name__: target
    for target in (multipart, disposition, ranges, names, journal, query, headers, messages)
}


def timed(target):
    def run(data: bytes) -> None:
        # The process's own time: another program on the machine is no finding.
        begun = time.process_time()
        target(data)
        assert time.process_time() - begun < SLOW_SECONDS, "too slow"

    return run


def main() -> None:
    name, *rest = sys.argv[1:]
    atheris.Setup([sys.argv[0], *rest], timed(TARGETS[name]))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
