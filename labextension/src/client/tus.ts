import { pauseBefore, wait } from './backoff';
import { uploadPath } from './client';
import type { WorkspaceClient } from './client';
import { Unreachable, WorkspaceError, errorOf, isPassing } from './errors';
import { PartSize } from './partSize';
import type { Answer } from './transport';
import type { Conflict } from './wire';

const VERSION = { 'Tus-Resumable': '1.0.0' };
/** Attempts in a row that bring no byte further, before a person is asked. */
const ATTEMPTS = 9;
/** A file up to this size goes in one request; more than one round trip would not pay. */
const SINGLE_BYTES = 512 * 1024;
/** How often the server is asked whether it is through with a large file, in milliseconds. */
const FINISHING_MS = 1000;

/** One file on its way to the server. */
export interface Sending {
  readonly sessionId: string;
  readonly file: Blob;
  readonly name: string;
  /** The folder in the session. */
  readonly dir: string;
  readonly onConflict: Conflict;
  readonly signal: AbortSignal;
  /** The same for each attempt, so that a repeated request makes no second file. */
  readonly key: string;
  /** Whether the server takes parts; and the largest part it takes, 0 for any. */
  readonly parts: { readonly isOffered: boolean; readonly largest: number };
  /** An upload that an earlier page began. */
  readonly uploadId: string | null;
  readonly onCreated: (uploadId: string) => void;
  readonly onProgress: (sentBytes: number) => void;
  /** Called when the line broke and another attempt will be made, and when bytes flow again. */
  readonly onTrouble: (error: Error | null) => void;
}

/** The pauses between attempts; tests bring their own. */
export type Wait = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/**
 * Brings one file to the server, and gives its `att_` id (tus 1.0; in one piece where that is as good).
 *
 * A broken line is mended with growing pauses. Rejects with the server's refusal, with `Unreachable`
 * after the last attempt, or with an `AbortError`.
 */
export async function sendFile(client: WorkspaceClient, job: Sending, pause: Wait = wait): Promise<string> {
  const isSmall = job.file.size <= SINGLE_BYTES && job.uploadId === null;
  if (isSmall || !job.parts.isOffered) {
    return new Whole(client, job, pause).run();
  }
  return new InParts(client, job, pause).run();
}

/** What both ways share: trying again after what passes. */
abstract class Way {
  constructor(
    protected readonly client: WorkspaceClient,
    protected readonly job: Sending,
    private readonly pause: Wait
  ) {}

  /** Repeats `step` until it succeeds, or fails for good, or brought nothing too often. */
  protected async insist<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const value = await step();
        this.job.onTrouble(null);
        return value;
      } catch (error) {
        if (!isPassing(error) || this.failures >= ATTEMPTS) {
          throw error;
        }
        // To the browser a file that it cannot read is a broken line, too.
        await this.job.file.slice(0, 1).arrayBuffer();
        this.job.onTrouble(error as Error);
        await this.pause(pauseBefore(this.failures), this.job.signal);
        this.failures += 1;
      }
    }
  }

  protected failures = 0;
}

/** The raw bytes in one request. */
class Whole extends Way {
  async run(): Promise<string> {
    const { job } = this;
    const query = new URLSearchParams({ name: job.name, dir: job.dir, on_conflict: job.onConflict });
    const path = `uploads/${encodeURIComponent(job.sessionId)}?${query.toString()}`;
    const answer = await this.insist(async () =>
      accepted(
        await this.client.transport.sendBytes({
          method: 'PUT',
          path,
          bytes: job.file,
          headers: { 'Idempotency-Key': job.key, 'Content-Type': 'application/octet-stream' },
          signal: job.signal,
          onProgress: job.onProgress
        })
      )
    );
    return (JSON.parse(answer.text) as { attachment_id: string }).attachment_id;
  }
}

/** tus: created first, then part after part; the server knows how far it got. */
class InParts extends Way {
  async run(): Promise<string> {
    this.size = new PartSize(this.job.parts.largest);
    let offset = await this.insist(() => this.begin());
    this.job.onProgress(offset);
    while (offset < this.job.file.size) {
      const before = offset;
      offset = await this.insist(() => this.part());
      if (offset > before) {
        this.failures = 0;
      }
      this.job.onProgress(offset);
    }
    return this.attachmentId === '' ? this.insist(() => this.outcome()) : this.attachmentId;
  }

  /** The offset to begin at: that of an upload known from before, or 0 of a new one. */
  private async begin(): Promise<number> {
    if (this.job.uploadId !== null && this.uploadId === '') {
      this.uploadId = this.job.uploadId;
      const known = await this.offset().catch(forgotten);
      if (known !== null) {
        return known;
      }
    }
    const answer = accepted(
      await this.client.transport.send({
        method: 'POST',
        path: `uploads/${encodeURIComponent(this.job.sessionId)}`,
        headers: {
          ...VERSION,
          'Upload-Length': String(this.job.file.size),
          'Upload-Metadata': metadata(this.job)
        },
        signal: this.job.signal
      })
    );
    const place = answer.header('Location') ?? '';
    this.uploadId = place.slice(place.lastIndexOf('/') + 1);
    this.job.onCreated(this.uploadId);
    this.mustAsk = false;
    this.known = 0;
    return 0;
  }

  /** Sends one part from where the server is; gives the new offset. */
  private async part(): Promise<number> {
    const offset = this.mustAsk ? await this.offset() : this.known;
    const part = this.job.file.slice(offset, offset + this.size.bytes);
    // Until the answer is there, only the server knows how much of the part it has.
    this.mustAsk = true;
    const begun = performance.now();
    const answer = await this.client.transport.sendBytes({
      method: 'PATCH',
      path: uploadPath(this.job.sessionId, this.uploadId),
      bytes: part,
      headers: {
        ...VERSION,
        'Content-Type': 'application/offset+octet-stream',
        'Upload-Offset': String(offset)
      },
      signal: this.job.signal,
      onProgress: sent => this.job.onProgress(Math.min(offset + sent, this.job.file.size))
    });
    if (this.shrinks(answer, part.size) || answer.status === 409) {
      return offset;
    }
    accepted(answer);
    this.size.passed(performance.now() - begun);
    this.mustAsk = false;
    this.known = Number(answer.header('Upload-Offset') ?? offset + part.size);
    this.attachmentId = answer.header('Upload-Attachment-Id') ?? '';
    return this.known;
  }

  /** Whether a proxy on the way, not the server, found the part too large, and a smaller one is next. */
  private shrinks(answer: Answer, sent: number): boolean {
    const isProxy = answer.status === 413 && errorOf(answer).code === '';
    if (isProxy && !this.size.refused(sent)) {
      throw new WorkspaceError(413, {
        message: 'A proxy between this page and the server refuses even small parts.',
        code: 'proxy_too_large'
      });
    }
    return isProxy;
  }

  /** How many bytes the server has. */
  private async offset(): Promise<number> {
    const answer = accepted(
      await this.client.transport.send({
        method: 'HEAD',
        path: uploadPath(this.job.sessionId, this.uploadId),
        headers: VERSION,
        signal: this.job.signal
      })
    );
    this.mustAsk = false;
    this.known = Number(answer.header('Upload-Offset') ?? 0);
    return this.known;
  }

  /** Waits for the server to be through with hash and scan. */
  private async outcome(): Promise<string> {
    for (;;) {
      const status = await this.client.uploadStatus(this.job.sessionId, this.uploadId);
      if (status.state === 'done') {
        return status.attachment_id ?? '';
      }
      if (status.state === 'failed') {
        const message = status.message ?? 'The server refused the file after its last byte.';
        throw new WorkspaceError(422, { message, code: status.code ?? '' });
      }
      await wait(FINISHING_MS, this.job.signal);
    }
  }

  private size = new PartSize();
  private uploadId = '';
  private attachmentId = '';
  private mustAsk = false;
  private known = 0;
}

/** Tells the server to drop an upload; it would expire anyway. */
export async function dropUpload(client: WorkspaceClient, sessionId: string, uploadId: string): Promise<void> {
  await client.transport.send({
    method: 'DELETE',
    path: uploadPath(sessionId, uploadId),
    headers: VERSION
  });
}

/** The answer, if it is no refusal. Status 0 is a broken line that some browsers call a success. */
function accepted(answer: Answer): Answer {
  if (answer.status === 0) {
    throw new Unreachable('The server gave no answer.');
  }
  if (answer.status >= 300) {
    throw errorOf(answer);
  }
  return answer;
}

/** null when the server no longer knows the upload; any other error goes on. */
function forgotten(error: unknown): null {
  if (error instanceof WorkspaceError && [403, 404, 410].includes(error.status)) {
    return null;
  }
  throw error;
}

/** tus 1.0, *Upload-Metadata*: names and their values in base64. */
function metadata(job: Sending): string {
  const values = { filename: job.name, dir: job.dir, on_conflict: job.onConflict };
  const type = job.file.type === '' ? {} : { filetype: job.file.type };
  return Object.entries({ ...values, ...type })
    .map(([name, value]) => `${name} ${base64(value)}`)
    .join(',');
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}
