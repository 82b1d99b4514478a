"""What the front end must hold: the theme's colours, names of its own, rooms that are really checked."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

FRONT = Path(__file__).resolve().parents[2] / "labextension"
# What stands after the comma is for pages without a theme.
THEMED = re.compile(r"var\(--jp-[\w-]+(?:,\s*[\w-]+(?:\([^()]*\))?)?\)")
NAMED = "white|black|gr[ae]y|red|green|blue|orange|yellow|purple|pink|brown|royalblue|firebrick|darkorange"
COLOUR = re.compile(
    rf"#[0-9a-f]{{3,8}}\b|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch)a?\(|\b(?:{NAMED})\b", re.IGNORECASE
)
NAMESPACE = re.compile(r"""['"]workspace(?:-ui)?:""")


def sources() -> list[Path]:
    return [*FRONT.glob("src/**/*.ts*"), *FRONT.glob("schema/*.json")]


def test_every_colour_is_one_of_the_theme() -> None:
    """Issue 6, point 2: theme variables only."""
    style = "".join(path.read_text() for path in FRONT.glob("style/*.css"))
    declarations = re.findall(r":\s*([^;{}]+);", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL))
    without = [THEMED.sub("", value) for value in declarations]

    assert len(declarations) > 300
    assert [value for value in without if COLOUR.search(value)] == []
    # An icon of JupyterLab's kind has a colour that its class replaces.
    code = [path for path in sources() if path.name not in {"icons.tsx", "schema.d.ts"}]
    assert [path for path in code if re.search(r"#[0-9a-fA-F]{6}\b|rgb\(", path.read_text())] == []


def test_every_class_has_a_style_and_a_view() -> None:
    """What a view no longer draws leaves its style behind, and nobody sees that."""
    style = "".join(path.read_text() for path in FRONT.glob("style/*.css"))
    styled = set(re.findall(r"\.(jp-FA-[\w-]+)", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL)))
    views = [path for path in sources() if path.suffix == ".tsx" or path.suffixes == [".ts"]]
    drawn = {name for path in views for name in re.findall(r"\bjp-FA-[\w-]+", path.read_text())}

    assert len(styled) > 50
    assert drawn == styled


def test_no_name_is_taken_from_the_commands_of_saved_layouts() -> None:
    """Issue 6, point 2: JupyterLab's `workspace:` commands are about something else."""
    assert len(sources()) > 40
    assert [path for path in sources() if NAMESPACE.search(path.read_text())] == []


@pytest.mark.slow
def test_the_check_of_rooms_fails_when_it_reads_nothing(tmp_path: Path) -> None:
    """With an unfit TypeScript the tool reads no module, and finds no violation in them."""
    tools = FRONT / "node_modules/.bin"
    if not (tools / "depcruise").exists() or shutil.which("node") is None:
        pytest.skip("the tools of the front end are not installed")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/index.ts").write_text("export const one = 1;\n")
    for name in (".dependency-cruiser.cjs", "tsconfig.json"):
        shutil.copyfile(FRONT / name, tmp_path / name)
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}

    run = subprocess.run(
        ["node", FRONT / "check-rooms.mjs"], cwd=tmp_path, env=environment, capture_output=True, check=False
    )

    assert run.returncode == 1
    assert b"1 modules, 0 against the contracts" in run.stdout
