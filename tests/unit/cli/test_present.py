from pathlib import Path

import pytest

from jupyter_workspace.cli.folders import Chosen
from jupyter_workspace.cli.present import FEW, Plan, Question

NFC, NFD = "caf\u00e9.csv", "cafe\u0301.csv"


def chosen(name, folder=""):
    return Chosen(Path(name), folder, 1)


@pytest.mark.parametrize(
    ("folder", "below", "target"),
    [
        ("attachments", "", "attachments"),
        ("attachments/", "data/sub", "attachments/data/sub"),
        ("", "data", "data"),
        (".", "data", "data"),
        (".", "", ""),
        ("/abs", "data", "/abs/data"),
        ("a/../b", "", "a/../b"),
    ],
)
def test_folders_go_below_the_one_that_is_named(folder, below, target):
    assert Plan("churn", folder, "rename").target(chosen("a.csv", below)) == (target, "a.csv")


def test_two_forms_of_a_name_are_one_name():
    # API 11 (19): names are normalised to NFC, so which of the two comes first must not be chance.
    plan = Plan("churn", "in", "rename")

    assert plan.target(chosen(NFC)) == plan.target(chosen(NFD))


def test_few_files_are_asked_for_by_name_and_many_by_folder():
    plan = Plan("churn", "in", "rename")
    many = [chosen(f"{number}.csv", f"data/{number % 2}") for number in range(FEW + 1)]

    assert list(plan.questions(many[:1])) == [Question("in/data/0/0.csv"), Question("in/data/0", " (")]
    assert list(plan.questions(many)) == [Question("in/data")]
    assert list(plan.questions([])) == []


def test_what_is_no_text_is_not_asked_for():
    assert list(Plan("churn", "in", "replace").questions([chosen("a\udcff.csv")])) == []
