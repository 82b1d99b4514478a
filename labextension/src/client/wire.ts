/** The values of the HTTP contract that this front end reads, by the names they have on the wire. */

/** One file of a session, as the server answers it. Times are RFC 3339 in UTC, sizes are bytes. */
export interface FileRecord {
  readonly attachment_id: string;
  readonly artifact_id: string;
  readonly session_id: string;
  readonly kind: 'attachment' | 'artifact';
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly mime: string;
  readonly media: 'image' | 'audio' | 'video' | 'file';
  readonly created_at: string;
  readonly modified_at: string;
}

/** The session of a notebook. */
export interface SessionRecord {
  readonly session_id: string;
  readonly name: string;
  readonly notebook_path: string | null;
  readonly status: 'active' | 'completed' | 'abandoned';
}

/** One page of a session's files. `total` counts all of them, not only this page's. */
export interface FilePage {
  readonly artifacts: readonly FileRecord[];
  readonly total: number;
  readonly has_more: boolean;
}

/** What the body of a refusal says. `code` is stable, `message` is for a person. */
export interface Problem {
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
}
