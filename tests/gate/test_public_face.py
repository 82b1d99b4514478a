"""What `import jupyter_workspace` gives, and what it costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import jupyter_workspace

SERVER_SIDE = ("tornado", "jupyter_server", "sqlalchemy", "obstore")


@pytest.mark.parametrize("name", jupyter_workspace.__all__)
def test_each_public_name_is_there(name: str) -> None:
    assert getattr(jupyter_workspace, name) is not None
    assert name in dir(jupyter_workspace)


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = jupyter_workspace.nothing


def modules_loaded_by(statement: str) -> set[str]:
    code = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    return {name.partition(".")[0] for name in printed.split()}


def test_importing_the_package_loads_nothing_of_others() -> None:
    loaded = modules_loaded_by("import jupyter_workspace")

    assert loaded - set(sys.stdlib_module_names) == {"jupyter_workspace"}


def test_a_kernel_loads_no_part_of_the_server() -> None:
    loaded = modules_loaded_by("import jupyter_workspace as jw; [getattr(jw, name) for name in jw.__all__]")

    assert not loaded.intersection(SERVER_SIDE)
