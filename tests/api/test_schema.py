"""What the server does is what its document says, whatever is asked of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: A socket is no HTTP, and no bytes can be made up for an offset; both have tests of their own.
OTHERWISE = ("subscribe", "append_upload")
SECONDS = os.environ.get("SCHEMATHESIS_SECONDS", "30")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "5")
#: Which checks there are, and where they do not fit.
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def schemathesis(server, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        *("-m", "schemathesis.cli", "--config-file", SETTINGS),
        *("run", f"{server.url}api/workspace/openapi.json"),
        *("--header", f"Authorization: token {server.token}"),
        *("--phases", "examples,coverage,fuzzing"),
        *("--max-examples", EXAMPLES, "--max-time", SECONDS, "--request-timeout", "30"),
        *("--seed", "1", "--continue-on-failure", "--no-color"),
        *(word for name in OTHERWISE for word in ("--exclude-operation-id", name)),
    ]
    return subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_no_answer_is_undocumented(server, tmp_path):
    # C11; API 1 Errors, 11.14
    done = schemathesis(server, tmp_path)

    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
