import io
import json
import sys
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from rich.console import Console

from jupyter_workspace import errors
from jupyter_workspace.cli.output import Output, size_of
from jupyter_workspace.cli.progress import Bars


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536 * 1024, "1.5 MiB"), (2**60, "1048576.0 TiB")],
)
def test_sizes_are_in_words(count, words):
    assert size_of(count) == words


def test_rows_are_a_table_for_people(capsys):
    row = SimpleNamespace(name="a.csv", size=2048, modified_at=datetime(2026, 11, 21, tzinfo=UTC), note=None)

    Output(as_json=False).rows([row], ("name", "size", "modified_at", "note"))

    head, line = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "size", "modified", "at", "note"]
    assert line.startswith("a.csv  2.0 KiB  2026-11-2")


def test_rows_are_lines_for_programs(capsys):
    Output(as_json=True).rows([{"a": 1}, {"a": 2}], ("a",))

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("name", ["[red]a.csv", "x[/bold].csv", ":smile:.txt", "a[1].csv"])
def test_names_are_shown_as_they_are(capsys, name):
    Output(as_json=False).rows([SimpleNamespace(path=name)], ("path",))

    assert capsys.readouterr().out.splitlines()[1] == name


def test_lines_for_programs_are_utf_8_whatever_the_terminal_speaks(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="ascii"))

    Output(as_json=True).value({"name": "caf\u00e9.csv"})

    assert json.loads(written.getvalue()) == {"name": "caf\u00e9.csv"}


def test_errors_are_sentences_or_json_beside_the_answer(capsys):
    error = errors.NameTaken("It is there.", hint="Rename it.")

    Output(as_json=False).error(error, of="a.csv")
    Output(as_json=True).error(error)

    said = capsys.readouterr()
    assert said.out == ""
    sentence, line = said.err.splitlines()
    assert sentence == "a.csv: name_taken: It is there. Rename it."
    assert json.loads(line) == {"code": "name_taken", "message": "It is there.", "hint": "Rename it."}


def test_a_terminal_sees_how_far_how_fast_and_how_long():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)

    with Bars(console=console) as bars, bars.bar("big.bin", 4 * 2**20) as done:
        done(2 * 2**20)
        done(4 * 2**20)

    assert "big.bin" in screen.getvalue()
    assert "4.2/4.2 MB" in screen.getvalue() or "4.0/4.0 MiB" in screen.getvalue()


def test_a_bar_is_named_as_its_file():
    screen = io.StringIO()

    console = Console(file=screen, force_terminal=True, width=120)

    with Bars(console=console) as bars, bars.bar("[red]big.bin", 1) as done:
        done(1)

    assert "[red]big.bin" in screen.getvalue()


def test_nobody_sees_bars_where_there_is_no_terminal():
    screen = io.StringIO()

    console = Console(file=screen, force_terminal=False)

    with Bars(console=console) as bars, bars.bar("big.bin", None) as done:
        done(1)

    assert screen.getvalue() == ""


def test_of_many_files_a_terminal_sees_those_on_their_way_and_all_together():
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)

    with Bars([2**20] * 500, console) as bars:
        for number in range(500):
            with bars.bar(f"{number}.bin", 2**20) as done:
                done(2**19)
                # A part that has to be sent again.
                done(2**18)
                done(2**20)

    last = screen.getvalue().rpartition("500 of 500 files")[2]
    assert "500.0/500.0 MiB" in last
    assert ".bin" not in last
