import { WorkspaceError } from './errors';
import type { Answer, Request, Transport } from './transport';
import type { FilePage, FileRecord, Problem, SessionRecord } from './wire';

/** How many files one request asks for: the most that the server gives. */
const PAGE_LIMIT = 1000;

/** Typed requests over a transport. It holds no state. */
export class WorkspaceClient {
  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** The session of a notebook; the server makes one if there is none yet. */
  async resolve(notebookPath: string): Promise<SessionRecord> {
    return this.ask<SessionRecord>({
      method: 'POST',
      path: 'sessions/resolve',
      body: { notebook_path: notebookPath }
    });
  }

  /** The newest files of a session, at most 1000, and how many there are in all. */
  async listFiles(sessionId: string): Promise<FilePage> {
    return this.ask<FilePage>({
      method: 'GET',
      path: `sessions/${encodeURIComponent(sessionId)}/artifacts?limit=${PAGE_LIMIT}`
    });
  }

  /** Where the browser downloads one file. */
  downloadUrl(file: FileRecord): string {
    const session = encodeURIComponent(file.session_id);
    const id = encodeURIComponent(file.attachment_id);
    return this.transport.url(`sessions/${session}/artifacts/${id}?mode=stream&download=true`);
  }

  /** Where the browser downloads the whole session as a zip. */
  archiveUrl(sessionId: string): string {
    return this.transport.url(`sessions/${encodeURIComponent(sessionId)}/download`);
  }

  private async ask<T>(request: Request): Promise<T> {
    const answer = await this.transport.send(request);
    if (answer.status >= 300) {
      throw new WorkspaceError(answer.status, problemOf(answer));
    }
    return JSON.parse(answer.text) as T;
  }

  private readonly transport: Transport;
}

/** What a refusal says. A proxy's answer may be no JSON at all; then its status has to do. */
function problemOf(answer: Answer): Problem {
  const fallback = { message: `The server answered ${answer.status}.` };
  try {
    const body: unknown = JSON.parse(answer.text);
    return isProblem(body) ? body : fallback;
  } catch (error) {
    if (error instanceof SyntaxError) {
      return fallback;
    }
    throw error;
  }
}

function isProblem(body: unknown): body is Problem {
  return (
    typeof body === 'object' &&
    body !== null &&
    typeof (body as { message?: unknown }).message === 'string'
  );
}
