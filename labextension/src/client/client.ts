import { errorOf, type WorkspaceError } from './errors';
import type { Answer, Request, Transport } from './transport';
import { Turns } from './turns';
import type {
  Cells,
  EventPage,
  FilePage,
  FileRecord,
  Service,
  SessionRecord,
  TrashPage,
  UploadStatus
} from './wire';

/** How many files one request asks for: the most that the server gives. */
export const PAGE_LIMIT = 1000;

/** Requests on their way at one moment; of those that the server has to work for, as many beside them. */
const AT_ONCE = 2;
/** How long a request keeps others waiting, in milliseconds; it goes on itself, on a line that may be dead. */
const TURN_MS = 10_000;

/**
 * Typed requests over a transport, few at a time: a browser has six lines to a server, and JupyterLab's own
 * requests must find one of them free.
 */
export class WorkspaceClient {
  constructor(readonly transport: Transport) {}

  /** The turns of what takes the server a while: small pictures, and the beginnings of notebooks. */
  readonly previews = new Turns(AT_ONCE);

  /**
   * What the server is, can and allows; and how far its clock is ahead of this page's, in milliseconds, as far as
   * whole seconds tell: 0 for less than two of them, and where nobody says.
   */
  async service(): Promise<{ readonly service: Service; readonly aheadMs: number }> {
    const answer = await this.answer({ method: 'GET', path: '' });
    const ahead = Date.parse(answer.header('Date') ?? '') - Date.now();
    return { service: JSON.parse(answer.text) as Service, aheadMs: Math.abs(ahead) < 2000 ? 0 : ahead || 0 };
  }

  /** The session of a notebook; the server makes one if there is none yet. */
  resolve(notebookPath: string): Promise<SessionRecord> {
    return this.ask({
      method: 'POST',
      path: 'sessions/resolve',
      body: { notebook_path: notebookPath }
    });
  }

  /** A session's record. */
  session(sessionId: string): Promise<SessionRecord> {
    return this.ask({ method: 'GET', path: sessionPath(sessionId) });
  }

  /** Opens a closed session again. */
  reopen(sessionId: string): Promise<SessionRecord> {
    return this.ask({ method: 'PATCH', path: sessionPath(sessionId), body: { status: 'active' } });
  }

  /** The newest files of a session, at most 1000, and how many there are in all. */
  newestFiles(sessionId: string, limit = PAGE_LIMIT): Promise<FilePage> {
    return this.ask({ method: 'GET', path: `${sessionPath(sessionId)}/artifacts?limit=${limit}` });
  }

  /** The files after a keyset cursor, oldest first; the empty cursor is the beginning. */
  filesAfter(sessionId: string, cursor: string): Promise<FilePage> {
    const query = `limit=${PAGE_LIMIT}&next=${encodeURIComponent(cursor)}`;
    return this.ask({ method: 'GET', path: `${sessionPath(sessionId)}/artifacts?${query}` });
  }

  /** What happened after a sequence; waits up to `waitSeconds` for something to happen. */
  async events(
    sessionId: string,
    after: number,
    waitSeconds: number,
    signal: AbortSignal
  ): Promise<EventPage> {
    const query = `after=${after}&wait_seconds=${waitSeconds}&limit=100`;
    const path = `${sessionPath(sessionId)}/artifact-events?${query}`;
    // It waits for news, not for its turn.
    return JSON.parse(checked(await this.transport.send({ method: 'GET', path, signal })).text) as EventPage;
  }

  /** Gives a file another name in its folder. */
  rename(file: FileRecord, name: string): Promise<FileRecord> {
    return this.ask({ method: 'PATCH', path: filePath(file), body: { name } });
  }

  /** Moves a file to the trash; false when it was gone already. */
  async remove(file: FileRecord): Promise<boolean> {
    const answer = await this.send({ method: 'DELETE', path: filePath(file) });
    if (answer.status >= 300 && errorOf(answer).code !== 'file_not_found') {
      throw errorOf(answer);
    }
    return answer.status < 300;
  }

  /** Removes what is in the trash for good. By its version: the file itself may live on with a newer one. */
  async purge(file: FileRecord): Promise<void> {
    await this.answer({ method: 'DELETE', path: `${versionPath(file)}?permanent=1` });
  }

  /** Takes back a file that was deleted, as it was then. */
  undelete(file: FileRecord): Promise<FileRecord> {
    return this.ask({
      method: 'POST',
      path: `${filePath(file)}/restore`,
      body: { on_conflict: 'rename' }
    });
  }

  /**
   * Takes a version back from the trash: a deleted file beside another one of that name if its path is
   * taken, a replaced version as the latest of its file.
   */
  restore(file: FileRecord): Promise<FileRecord> {
    return this.ask({
      method: 'POST',
      path: `${versionPath(file)}/restore`,
      body: { on_conflict: 'rename' }
    });
  }

  /** A page of the trash of a session, latest first. */
  trash(sessionId: string, offset: number): Promise<TrashPage> {
    const query = `limit=${PAGE_LIMIT}&offset=${offset}`;
    return this.ask({ method: 'GET', path: `${sessionPath(sessionId)}/trash?${query}` });
  }

  /** Takes a copy of a file that stands elsewhere under the server's root into the session. */
  attach(sessionId: string, rootPath: string): Promise<FileRecord> {
    return this.ask({
      method: 'POST',
      path: `${sessionPath(sessionId)}/artifacts`,
      body: { root_path: rootPath }
    });
  }

  /** Keeps a selection for an hour, and gives the address of its zip. */
  async archive(sessionId: string, ids: readonly string[]): Promise<string> {
    const made = await this.answer({
      method: 'POST',
      path: `${sessionPath(sessionId)}/archives`,
      body: { artifact_ids: ids }
    });
    const place = made.header('Location') ?? '';
    // Only the id is taken from it: a proxy may have given the server another prefix.
    const id = place.slice(place.lastIndexOf('/') + 1);
    return this.transport.url(`${sessionPath(sessionId)}/archives/${id}`);
  }

  /** How an upload in parts stands. */
  uploadStatus(sessionId: string, uploadId: string): Promise<UploadStatus> {
    return this.ask({ method: 'GET', path: uploadPath(sessionId, uploadId) });
  }

  /** Where the browser downloads one file. */
  downloadUrl(file: FileRecord): string {
    return this.transport.url(`${filePath(file)}?mode=stream&download=true`);
  }

  /** Where the browser finds the bytes of this version, to show them. */
  streamUrl(file: FileRecord): string {
    return this.transport.url(`${versionPath(file)}?mode=stream`);
  }

  /** Where the browser finds a picture of this version, of at most `pixels` at its longer side. */
  previewUrl(file: FileRecord, pixels: number): string {
    return this.transport.url(`${versionPath(file)}/preview?size=${pixels}`);
  }

  /** Why there is no such picture: a picture's element is not told. null when there is one after all. */
  async previewRefusal(file: FileRecord, pixels: number): Promise<WorkspaceError | null> {
    const path = `${versionPath(file)}/preview?size=${pixels}`;
    const answer = await this.send({ method: 'GET', path }, this.previews);
    return answer.status >= 300 ? errorOf(answer) : null;
  }

  /** Where the browser downloads the whole session as a zip. */
  archiveUrl(sessionId: string): string {
    return this.transport.url(`${sessionPath(sessionId)}/download`);
  }

  /** The first bytes of a file as text, at most `limitBytes` of them. */
  async head(file: FileRecord, limitBytes: number): Promise<string> {
    if (file.size === 0) {
      return '';
    }
    const answer = await this.answer({
      method: 'GET',
      path: `${versionPath(file)}?mode=stream`,
      headers: { Range: `bytes=0-${limitBytes - 1}` }
    });
    return answer.text;
  }

  /** The kinds and sources of a notebook's first cells; `truncated`: there are more. */
  async cells(file: FileRecord): Promise<Cells> {
    const request = { method: 'GET', path: `${versionPath(file)}/preview` } as const;
    return JSON.parse(checked(await this.send(request, this.previews)).text) as Cells;
  }

  private async ask<T>(request: Request): Promise<T> {
    return JSON.parse((await this.answer(request)).text) as T;
  }

  private async answer(request: Request): Promise<Answer> {
    return checked(await this.send(request));
  }

  private async send(request: Request, turns = this.requests): Promise<Answer> {
    let end = (): void => undefined;
    await new Promise<void>(begin => {
      end = turns.take(begin);
    });
    const timer = setTimeout(end, TURN_MS);
    try {
      return await this.transport.send(request);
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  private readonly requests = new Turns(AT_ONCE);
}

function checked(answer: Answer): Answer {
  if (answer.status >= 300) {
    throw errorOf(answer);
  }
  return answer;
}

/** The path of a session below the extension's URL. */
export function sessionPath(sessionId: string): string {
  return `sessions/${encodeURIComponent(sessionId)}`;
}

/** The path of an upload in parts. */
export function uploadPath(sessionId: string, uploadId: string): string {
  return `uploads/${encodeURIComponent(sessionId)}/${encodeURIComponent(uploadId)}`;
}

function filePath(file: FileRecord): string {
  return `${sessionPath(file.session_id)}/artifacts/${encodeURIComponent(file.attachment_id)}`;
}

/** A version never changes, so the browser may keep what it shows. */
function versionPath(file: FileRecord): string {
  return `${sessionPath(file.session_id)}/artifacts/${encodeURIComponent(file.artifact_id)}`;
}
