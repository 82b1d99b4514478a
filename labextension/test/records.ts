import type { FileEvent, FileRecord, SessionRecord } from '../src/client/wire';

const TIME = '2026-11-21T04:00:00Z';

/** A file's record as a server would answer it, with what a test wants different. */
export function record(changes: Partial<FileRecord> = {}): FileRecord {
  return {
    attachment_id: 'att_1',
    artifact_id: 'art_1',
    session_id: 'churn',
    kind: 'artifact',
    name: 'loss.png',
    path: 'plots/loss.png',
    files_path: 'churn/plots/loss.png',
    size: 12345,
    mime: 'image/png',
    sha256: null,
    media: 'image',
    source: 'register',
    storage: 'local',
    version: 1,
    created_at: TIME,
    modified_at: TIME,
    metadata: {},
    provenance: null,
    declared_mime: null,
    ...changes
  };
}

/** The news of one change. */
export function event(changes: Partial<FileEvent> = {}): FileEvent {
  return {
    sequence: 1,
    event_id: 'evt_1',
    change_type: 'created',
    session_id: 'churn',
    attachment_id: 'att_1',
    artifact_id: 'art_1',
    node_id: null,
    kind: 'artifact',
    source: 'watch',
    name: 'loss.png',
    path: 'plots/loss.png',
    size: 12345,
    mime: 'image/png',
    hash: 'sha256:00',
    timestamp: 1_795_000_000,
    provenance: null,
    ...changes
  };
}

/** A session as a server would answer it. */
export function session(changes: Partial<SessionRecord> = {}): SessionRecord {
  return {
    session_id: 'churn',
    name: 'churn',
    description: '',
    notebook_path: 'churn.ipynb',
    metadata: {},
    status: 'active',
    created_at: TIME,
    updated_at: TIME,
    last_used_at: TIME,
    attachments: 0,
    artifacts: 0,
    size: 0,
    path: 'workspace/churn',
    ...changes
  } as SessionRecord;
}
