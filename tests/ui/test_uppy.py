"""Uppy in a browser, as a page of the server would use it: `docs/upload-clients.md`."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest
from api.javascript import installed

HERE = Path(__file__).parent
SIZE = 12 * 2**20 + 345

#: Uploads a file that is paused once, then another; Uppy reads the token when it sends.
UPLOAD = """
async ({endpoint, size}) => {
  const {Uppy, Tus} = globalThis.bundle;
  const xsrf = () => document.cookie.match(/(?:^|; )_xsrf=([^;]*)/)?.[1] ?? '';
  const page = new Uppy({autoProceed: false}).use(Tus, {
    endpoint,
    headers: () => ({'X-XSRFToken': xsrf()}),
    allowedMetaFields: ['name', 'type'],
    removeFingerprintOnSuccess: true,
    chunkSize: 1000000
  });
  const content = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) {
    crypto.getRandomValues(content.subarray(at, Math.min(at + 65536, size)));
  }
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
  let paused = false;
  page.on('upload-progress', (file, progress) => {
    if (!paused && progress.bytesUploaded > size / 3) {
      paused = true;
      page.pauseResume(file.id);
      setTimeout(() => page.pauseResume(file.id), 300);
    }
  });
  page.addFile({name: 'paused.bin', type: 'application/x-own', data: new Blob([content])});
  const first = await page.upload();
  page.addFile({name: 'small.txt', type: 'text/plain', data: new Blob(['hello'])});
  const second = await page.upload();
  return {
    paused,
    failed: [...first.failed, ...second.failed].map(file => String(file.error)),
    sha256: Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')
  };
}
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = installed("@uppy/core@6", "@uppy/tus@6", "esbuild@0.28")
    made = tmp_path_factory.mktemp("uppy") / "uppy.js"
    command = [
        str(folder / "node_modules/.bin/esbuild"),
        str(HERE / "uppy.mjs"),
        "--bundle",
        f"--outfile={made}",
    ]
    environment = {**os.environ, "NODE_PATH": str(folder / "node_modules")}
    subprocess.run(
        [*command, "--global-name=bundle", "--format=iife"], env=environment, check=True, timeout=60
    )
    return made


def test_uppy_uploads_from_a_page_with_a_pause(page, server, bundle):
    # issue 5; RELIABILITY 2.4
    session = server.session("uppy.ipynb")
    page.goto(server.page("lab"), wait_until="commit")
    page.wait_for_function("document.cookie.includes('_xsrf=')")
    page.add_script_tag(path=bundle)

    told = page.evaluate(UPLOAD, {"endpoint": f"{server.url}api/workspace/uploads/{session}", "size": SIZE})

    files = server.files(session)
    assert told["failed"] == []
    assert told["paused"]
    assert set(files) == {"attachments/paused.bin", "attachments/small.txt"}
    assert files["attachments/paused.bin"]["sha256"] == told["sha256"]
    assert files["attachments/paused.bin"]["size"] == SIZE
    assert files["attachments/small.txt"]["sha256"] == hashlib.sha256(b"hello").hexdigest()
