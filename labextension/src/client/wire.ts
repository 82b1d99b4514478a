/** The values of the HTTP contract, by the names they have on the wire. Their form is generated. */
import type { components } from './schema';

type Schemas = components['schemas'];

/** One file of a session. Times are RFC 3339 in UTC, sizes are bytes. */
export type FileRecord = Readonly<Schemas['File']>;

/** The session of a notebook. */
export type SessionRecord = Readonly<Schemas['Session']>;

/** One page of a session's files. `total` counts all of them; `next` goes on, null at the end. */
export type FilePage = Schemas['FileList'];

/** A page of the trash. */
export type TrashPage = Schemas['TrashList'];

/** One change of one file. `timestamp` is Unix seconds. */
export type FileEvent = Schemas['Event'];

/** The answer of a long poll. */
export type EventPage = Schemas['EventPage'];

/** What the server is, can and allows. */
export type Service = Schemas['Service'];

/** What the body of a refusal says. `code` is stable, `message` is for a person. */
export interface Problem {
  readonly message: string;
  readonly code?: string;
  readonly hint?: string;
  readonly [fact: string]: unknown;
}

/** The head of a notebook. */
export interface Cells {
  readonly cells: readonly { readonly type: string; readonly source: string }[];
  readonly truncated: boolean;
}

/** What became of an upload in parts. */
export interface UploadStatus {
  readonly upload_id: string;
  readonly state: 'open' | 'finishing' | 'done' | 'failed';
  readonly offset: number;
  readonly length: number | null;
  readonly attachment_id?: string | null;
  readonly code?: string | null;
  readonly message?: string | null;
}

/** What to do with a name that is taken. */
export type Conflict = 'rename' | 'replace' | 'error';
