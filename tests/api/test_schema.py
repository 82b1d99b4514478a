"""What the server does is what its document says, whatever is asked of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

#: No answer is a failure of ours, and each has a status, a type, headers and a form that the document names.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
)
#: Sockets are no HTTP; what tus does has tests of its own.
OTHERWISE = ("subscribe",)
SECONDS = os.environ.get("SCHEMATHESIS_SECONDS", "30")
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "5")
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def schemathesis(server, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        *("-m", "schemathesis.cli", "--config-file", SETTINGS),
        *("run", f"{server.url}api/workspace/openapi.json"),
        *("--header", f"Authorization: token {server.token}"),
        *("--phases", "examples,coverage,fuzzing", "--checks", ",".join(CHECKS)),
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
