import pytest

from jupyter_workspace.errors import FileMissing, FormInvalid, ParameterInvalid
from jupyter_workspace.protocol.form import FormCollector, FormFields
from jupyter_workspace.protocol.multipart import PartBegin, PartData, PartEnd


def collect(*parts):
    collector = FormCollector()
    for name, body in parts:
        collector.take(PartBegin(name, None, None, is_file=name in {"file", "files"}))
        for start in range(0, len(body), 3):
            collector.take(PartData(memoryview(body)[start : start + 3]))
        collector.take(PartEnd())
    return collector.finish()


def test_a_single_file_may_come_with_every_field_in_any_order():
    fields = collect(
        ("metadata", b'{"a": 1}'),
        ("file", b"content"),
        ("dir", "größe".encode()),
        ("path", b"p"),
        ("on_conflict", b"error"),
        ("filename", b"b.csv"),
        ("unknown", b"\xff"),
    )

    assert fields == FormFields(
        is_batch=False,
        file_count=1,
        dir="größe",
        path="p",
        filename="b.csv",
        on_conflict="error",
        metadata={"a": 1},
    )


def test_several_files_are_a_batch_and_what_was_not_sent_is_none():
    assert collect(("files", b""), ("files", b"x"), ("filename", b"")) == FormFields(
        is_batch=True, file_count=2
    )


def test_an_empty_dir_is_not_the_same_as_none_and_empty_metadata_is_none():
    fields = collect(("file", b""), ("dir", b""), ("metadata", b""))

    assert (fields.dir, fields.metadata) == ("", None)


def test_a_form_without_a_file_is_refused():
    with pytest.raises(FileMissing):
        collect(("dir", b"a"))


@pytest.mark.parametrize(
    "parts",
    [
        [("file", b""), ("files", b"")],
        [("files", b""), ("file", b"")],
        [("file", b""), ("file", b"")],
        [("file", b""), ("dir", b"a"), ("dir", b"a")],
        [("files", b""), ("filename", b"a")],
        [("file", b""), ("dir", b"\xff")],
    ],
)
def test_a_form_that_contradicts_itself_is_refused(parts):
    with pytest.raises(FormInvalid):
        collect(*parts)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("on_conflict", b"overwrite"),
        ("on_conflict", b""),
        ("metadata", b"[]"),
        ("metadata", b"{"),
        ("metadata", b"null"),
        ("metadata", b'{"a":' * 20_000),
        ("metadata", b'{"a":' * 101 + b"1" + b"}" * 101),
    ],
)
def test_a_bad_value_is_refused_by_the_fields_name(name, value):
    with pytest.raises(ParameterInvalid) as caught:
        collect(("file", b""), (name, value))

    assert caught.value.facts == {"parameter": name}


@pytest.mark.parametrize(
    ("texts", "filename", "path"),
    [
        ({}, "a.csv", None),
        ({"on_conflict": b"rename"}, "a.csv", None),
        ({"on_conflict": b"replace"}, "a.csv", "attachments/a.csv"),
        ({"on_conflict": b"replace", "dir": b"docs/"}, "a.csv", "docs/a.csv"),
        ({"on_conflict": b"replace", "dir": b"."}, "a.csv", "a.csv"),
        ({"on_conflict": b"replace", "filename": b"b.csv"}, "a.csv", "attachments/b.csv"),
        ({"on_conflict": b"replace", "filename": b""}, None, "attachments/"),
    ],
)
def test_a_form_says_early_what_it_replaces(texts, filename, path):
    collector = FormCollector()
    for name, content in texts.items():
        for event in (PartBegin(name, None, None, is_file=False), PartData(content), PartEnd()):
            collector.take(event)

    assert collector.replaced_path(filename, "attachments") == path
