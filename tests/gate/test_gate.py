"""The gate's own scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

import coverage_floor
import import_contracts
import requirements

CITING = '''\
# S0-01
@decorated
def test_first():
    assert True  # S0-02


# S0-03 belongs to nothing

def test_second():
    """S0-04, and not S0-5."""


class TestThird:
    # C16a
    async def test_method(self): ...
'''


def test_a_test_cites_what_stands_in_its_own_lines(tmp_path: Path) -> None:
    path = tmp_path / "test_x.py"
    path.write_text(CITING)

    cited = requirements.citations(path)

    assert cited == {
        "test_first": {"S0-01", "S0-02"},
        "test_second": {"S0-04"},
        "TestThird.test_method": {"C16a"},
    }


def test_runs_add_to_one_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "SHOWN", tmp_path / "build" / "requirements.json")

    requirements.add_shown({"S0-01"})
    requirements.add_shown({"S0-02", "C1"})

    assert requirements.shown() == {"S0-01", "S0-02", "C1"}
    assert "2 of 300 [core] statements shown by passing tests" in requirements.summary(requirements.shown())


def test_every_statement_has_a_class() -> None:
    kinds = set(requirements.statements().values())

    assert kinds == {"core", "run", "agent", "rule"}


def report(missing_lines: list[int], percent: float) -> dict:
    files = {"jupyter_workspace/policy/naming.py": {"missing_lines": missing_lines, "missing_branches": []}}
    return {"files": files, "totals": {"percent_covered": percent}}


def test_a_line_not_reached_in_a_full_room_fails() -> None:
    floor = {"overall": 95, "full": ["policy"]}

    assert coverage_floor.misses(report([], 95.0), floor) == []
    assert "naming.py: not reached: lines [7]" in coverage_floor.misses(report([7], 99.0), floor)[0]
    assert "94.90 %" in coverage_floor.misses(report([], 94.9), floor)[0]


def test_a_room_may_have_a_floor_of_its_own():
    summary = {"num_statements": 8, "num_branches": 2, "covered_lines": 7, "covered_branches": 2}
    facts = {"missing_lines": [7], "summary": summary}
    report = {"files": {"jupyter_workspace/db/files.py": facts}, "totals": {"percent_covered": 99.0}}

    found = coverage_floor.misses(report, {"overall": 80, "full": [], "rooms": {"db": 95}})

    assert found == ["db: 90.00 % is reached, 95 % are asked for"]


def test_a_file_belongs_to_the_room_below_the_package() -> None:
    assert coverage_floor.room_of("jupyter_workspace/errors.py") == "errors"
    assert coverage_floor.room_of("/x/jupyter_workspace/jupyter_workspace/db/tables.py") == "db"


def test_a_contract_is_checked_over_the_modules_that_exist() -> None:
    contract = {
        "name": "n",
        "type": "layers",
        "layers": ["jupyter_workspace.nowhere | (jupyter_workspace.models)", "jupyter_workspace.gone"],
    }

    assert import_contracts.narrowed(contract)["layers"] == ["(jupyter_workspace.models)"]
    assert import_contracts.narrowed({"source_modules": ["jupyter_workspace.gone"]}) is None
    assert "jupyter_workspace.models" in import_contracts.names_in(contract)
