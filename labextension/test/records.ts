import type { FileRecord } from '../src/client/wire';

/** A file's record as a server would answer it, with what a test wants different. */
export function record(changes: Partial<FileRecord> = {}): FileRecord {
  return {
    attachment_id: 'att_1',
    artifact_id: 'art_1',
    session_id: 'churn',
    kind: 'artifact',
    name: 'loss.png',
    path: 'plots/loss.png',
    size: 12345,
    mime: 'image/png',
    media: 'image',
    created_at: '2026-11-21T04:00:00Z',
    modified_at: '2026-11-21T04:00:00Z',
    ...changes
  };
}
