"""What the server has acknowledged, as its clients know it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from threading import Lock


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@dataclass
class Known:
    """A file that was acknowledged: what it must be, and how many events of each kind must tell of it."""

    attachment_id: str
    artifact_id: str
    path: str
    size: int
    sha256: str
    kind: str
    kept: str = "live"
    told: dict = field(default_factory=lambda: {"created": 1, "updated": 0, "deleted": 0})

    def take(self, record):
        self.artifact_id, self.path = record["artifact_id"], record["path"]
        self.size, self.sha256 = record["size"], record["sha256"]


@dataclass
class Truth:
    """All that was acknowledged in one session. Each file belongs to one thread; only the tables are shared."""

    session: str = "chaos"
    files: dict = field(default_factory=dict)
    #: what was uploaded with which key: [(function that sends it again, ids it gave)]
    keys: list = field(default_factory=list)
    purged: dict = field(default_factory=dict)
    #: whatever any answer said of a version: art_ -> (size, sha256); it can never change
    versions: dict = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def new(self, record, content):
        """Takes the record of a new file, whose bytes we know."""
        assert (record["size"], record["sha256"]) == (len(content), sha256(content)), record
        known = Known(
            record["attachment_id"],
            record["artifact_id"],
            record["path"],
            record["size"],
            record["sha256"],
            record["kind"],
        )
        with self._lock:
            assert known.attachment_id not in self.files, f"two answers gave {record}"
            self.files[known.attachment_id] = known
        self.seen(record)
        return known

    def purge(self, known):
        with self._lock:
            self.purged[known.attachment_id] = self.files.pop(known.attachment_id)

    def keep_key(self, again, ids):
        with self._lock:
            self.keys.append((again, ids))

    def seen(self, record):
        """Notes what an answer says of a version, and that it says the same as all others."""
        said = (record["size"], record["sha256"])
        with self._lock:
            before = self.versions.setdefault(record["artifact_id"], said)
        assert before == said, f"{record['artifact_id']} was {before} and is {said}"

    def live(self):
        with self._lock:
            return {known.attachment_id: known for known in self.files.values() if known.kept == "live"}

    def in_trash(self):
        with self._lock:
            return {known.attachment_id: known for known in self.files.values() if known.kept == "trash"}
