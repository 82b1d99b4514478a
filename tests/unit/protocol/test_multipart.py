import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_workspace.errors import FormInvalid
from jupyter_workspace.protocol.multipart import (
    MAX_HEADER_BYTES,
    MAX_TEXT_BYTES,
    FormReader,
    PartBegin,
    PartData,
    PartEnd,
    parse_boundary,
)

TYPE = "multipart/form-data; boundary=XX"


def part(head, body=b""):
    return b"--XX\r\n" + head + b"\r\n\r\n" + body + b"\r\n"


def field(name, body=b"", filename=None):
    head = f'Content-Disposition: form-data; name="{name}"'
    return part((head if filename is None else f'{head}; filename="{filename}"').encode(), body)


def read(*pieces, size=None):
    body = b"".join(pieces) + b"--XX--\r\n"
    reader = FormReader(TYPE)
    events = []
    for start in range(0, len(body), size or len(body)):
        events += reader.feed(body[start : start + (size or len(body))])
    reader.close()
    return events


def files_of(events):
    found = []
    for event in events:
        if isinstance(event, PartBegin):
            found.append([event.name, event.filename, b""])
        elif isinstance(event, PartData):
            found[-1][2] += bytes(event.data)
    return [tuple(entry) for entry in found]


def test_a_form_is_read_as_it_comes():
    body = part(
        b'Content-Disposition: form-data; name="file"; filename="a.csv"\r\nContent-Type: text/csv',
        b"1,2\r\n3",
    )

    events = read(body)

    assert [type(event) for event in events] == [PartBegin, PartData, PartEnd]
    assert events[0] == PartBegin("file", "a.csv", "text/csv", is_file=True)
    assert bytes(events[1].data) == b"1,2\r\n3"


def test_a_piece_of_one_part_is_handed_on_without_a_copy():
    reader = FormReader(TYPE)
    reader.feed(b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\n')
    piece = b"x" * 4096

    [event] = reader.feed(piece)

    assert event.data is piece


@given(
    st.lists(
        st.binary(max_size=40) | st.sampled_from([b"\r\n--X", b"\r\n--XY", b"--XX\r", b"\r\r\n"]), max_size=4
    ),
    st.integers(1, 60),
)
def test_the_parts_are_the_same_however_the_body_is_cut(bodies, size):
    bodies = [body for body in bodies if b"\r\n--XX" not in b"\r\n" + body + b"\r\n"]

    events = read(*(field("files", body, f"{n}.bin") for n, body in enumerate(bodies)), size=size)

    assert files_of(events) == [("files", f"{n}.bin", body) for n, body in enumerate(bodies)]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_bring_anything_but_our_own_error(data, size):
    for body in (data, b"--XX\r\n" + data, field("file", data), part(b"Content-Disposition: " + data)):
        reader = FormReader(TYPE)
        try:
            for start in range(0, len(body), size):
                reader.feed(body[start : start + size])
            reader.close()
        except FormInvalid:
            continue


def test_an_empty_form_has_no_parts():
    assert read() == []


@pytest.mark.parametrize("cut", [1, 5, 30, 60, -7, -8, -20])
def test_a_cut_form_is_refused_at_its_end(cut):
    body = (field("file", b"content", "a") + b"--XX--\r\n")[:cut]
    reader = FormReader(TYPE)
    reader.feed(body)

    with pytest.raises(FormInvalid, match="last boundary"):
        reader.close()


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_what_stands_before_the_first_boundary_is_ignored(size):
    body = b"a - preamble\r\nof two lines\r\n--X\r\n" + field("file", b"content", "a") + b"--XX--\r\n"
    reader = FormReader(TYPE)

    events = [
        event for start in range(0, len(body), size) for event in reader.feed(body[start : start + size])
    ]

    reader.close()
    assert files_of(events) == [("file", "a", b"content")]


# RFC 2046, 5.1.1: transport padding
@pytest.mark.parametrize("padding", [" ", "\t", " \t" * 20])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_blanks_after_a_boundary_are_ignored(padding, size):
    body = (b"--X\r\n" + field("file", b"content", "a") + b"--XX--\r\n").replace(
        b"--XX\r\n", f"--XX{padding}\r\n".encode()
    )
    body = body.replace(b"--X\r\n", b"--XXX is no boundary, and this is still before the first\r\n", 1)
    reader = FormReader(TYPE)

    events = [
        event for start in range(0, len(body), size) for event in reader.feed(body[start : start + size])
    ]

    reader.close()
    assert files_of(events) == [("file", "a", b"content")]


def test_what_follows_the_last_boundary_is_ignored():
    reader = FormReader(TYPE)

    reader.feed(field("file", b"x") + b"--XX--\r\nepilogue")
    assert reader.feed(b"--XX\r\n") == []

    reader.close()


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: text/plain",
        b"Content-Disposition: attachment; name=file",
        b"Content-Disposition: form-data",
        b'Content-Disposition: form-data; name="file"; filename="\xff"',
        b"Content-Disposition: form-data; name=file\r\nContent-Disposition: form-data; name=file",
        b"Content-Disposition: form-data; name=file\r\nContent-Transfer-Encoding: base64",
        b"Content-Disposition: form-data; name=file\r\nContent-Type: Multipart/mixed; boundary=YY",
        b"Content-Disposition: form-data; name=file\r\nX: " + b"x" * MAX_HEADER_BYTES,
        b"Content-Disposition: form-data; name=file\r\n"
        + b"".join(b"X%d: %s\r\n" % (n, b"x" * 4000) for n in range(5)),
        b"Content-Disposition: form-data; name=file\r\n" + b"\r\n".join(b"X%d: y" % n for n in range(70)),
        b"no colon",
    ],
)
def test_a_part_with_a_bad_header_is_refused(head):
    with pytest.raises(FormInvalid):
        read(part(head))


@pytest.mark.parametrize("encoding", [b"7bit", b"8BIT", b"binary"])
def test_an_encoding_that_changes_nothing_is_taken(encoding):
    head = b"Content-Disposition: form-data; name=file\r\nContent-Transfer-Encoding: " + encoding

    assert files_of(read(part(head, b"x"))) == [("file", None, b"x")]


@pytest.mark.parametrize("declared", [b"text/\xc3\xa9", b"a" * 300, b""])
def test_a_declared_type_that_can_be_none_is_dropped(declared):
    [begin, *_] = read(part(b"Content-Disposition: form-data; name=file\r\nContent-Type: " + declared))

    assert begin.content_type is None


def test_a_hundred_files_and_sixteen_texts_are_taken_and_one_more_is_refused():
    files = [field("files", b"x", str(n)) for n in range(100)]
    texts = [field(f"t{n}") for n in range(16)]

    assert len(read(*files, *texts)) == 300 + 32
    with pytest.raises(FormInvalid, match="100 files"):
        read(*files, field("files"))
    with pytest.raises(FormInvalid, match="16 text parts"):
        read(*texts, field("t"))


def test_text_is_bounded_in_all_and_files_are_not():
    half = b"x" * (MAX_TEXT_BYTES // 2)

    read(field("a", half), field("b", half), field("file", half * 10))
    with pytest.raises(FormInvalid, match="text parts are longer"):
        read(field("a", half), field("b", half), field("document", b"x", "a.pdf"))


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=XX", b"XX"),
        ('Multipart/Form-Data; charset=utf-8; Boundary="a b?"', b"a b?"),
        (f"multipart/form-data; boundary={'x' * 70}", b"x" * 70),
    ],
)
def test_the_boundary_is_found(content_type, boundary):
    assert parse_boundary(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/mixed; boundary=XX",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        'multipart/form-data; boundary="a "',
        'multipart/form-data; boundary="a\r\n"',
        "multipart/form-data; boundary=é",
        f"multipart/form-data; boundary={'x' * 71}",
        "multipart/form-data; boundary=a; boundary=b",
    ],
)
def test_a_content_type_without_a_valid_boundary_is_refused(content_type):
    with pytest.raises(FormInvalid):
        FormReader(content_type)
