import { pauseBefore, wait } from './backoff';
import { sessionPath } from './client';
import type { WorkspaceClient } from './client';
import { WorkspaceError, isAbort } from './errors';
import type { EventPage, FileEvent } from './wire';

/** A cursor newer than any log: the answer to it is a reset that names the current one. */
const FROM_NOW = Number.MAX_SAFE_INTEGER;
/** Sockets that did not open, in a row, after which requests do. */
const SOCKET_ATTEMPTS = 2;
/** What the server says last on a socket when its session was deleted. */
const GONE = 'session_not_found';
/** How long one request waits for news, in seconds. */
const POLL_SECONDS = 25;
/** How often a socket is asked whether it still lives, and how long it has to answer, in milliseconds. */
const PING_MS = 25_000;

/** How news come: at once, by asking, or not now. */
export type Line = 'live' | 'asking' | 'broken';

/** Who wants to know. */
export interface Listener {
  /** What is known is no longer enough: list again. Called first of all, too. */
  reset(): void;
  events(events: readonly FileEvent[]): void;
  line(state: Line): void;
  /** There will be no more: the session is gone, or may not be seen. */
  ended(error: Error): void;
}

type Frame =
  | { readonly type: 'connected'; readonly cursor: number }
  | { readonly type: 'reset'; readonly cursor: number }
  | { readonly type: 'artifact_created'; readonly events: FileEvent[]; readonly next_cursor: number }
  | { readonly type: 'pong' | 'error' };

/** The news of one session, from now on: by socket, and where no socket passes by long requests. */
export class Feed {
  constructor(
    private readonly client: WorkspaceClient,
    private readonly sessionId: string,
    private readonly listener: Listener
  ) {}

  /** Follows until `stop`. */
  start(): void {
    void this.follow().catch((error: unknown) => {
      if (!isAbort(error)) {
        this.listener.line('broken');
        this.listener.ended(error as Error);
      }
    });
  }

  /** Ends for good. */
  stop(): void {
    this.stopped.abort();
    this.socket?.close();
  }

  private async follow(): Promise<void> {
    let unopened = 0;
    let failures = 0;
    for (;;) {
      this.stopped.signal.throwIfAborted();
      const isBySocket = unopened < SOCKET_ATTEMPTS && !this.mustAsk;
      const didWork = isBySocket ? await this.bySocket() : await this.byRequests();
      if (this.mustAsk && isBySocket) {
        continue;
      }
      // Who stopped it follows by another one perhaps, and a socket may close late.
      this.stopped.signal.throwIfAborted();
      // A line that worked and broke is mended at once; the pauses grow only while nothing works.
      failures = didWork ? 0 : failures + 1;
      unopened = didWork ? 0 : unopened + 1;
      this.listener.line('broken');
      await wait(pauseBefore(failures), this.stopped.signal);
    }
  }

  /** Whether a socket opened; returns when it is closed. */
  private bySocket(): Promise<boolean> {
    return new Promise(resolve => {
      const query = this.cursor === null ? '' : `?after=${this.cursor}`;
      const socket = this.client.transport.socket(`${sessionPath(this.sessionId)}/subscribe${query}`);
      let isOpen = false;
      let isHeard = true;
      const end = (): void => {
        clearInterval(ping);
        socket.onmessage = null;
        resolve(isOpen);
      };
      const ping = setInterval(() => {
        if (!isHeard) {
          // After a sleep, or behind a router that forgot it, a socket says for minutes that it is open.
          end();
          socket.close();
          return;
        }
        isHeard = false;
        if (isOpen) {
          socket.send('{"type": "ping"}');
        }
      }, PING_MS);
      this.socket = socket;
      socket.onmessage = event => {
        isOpen = isHeard = this.hasOpened = true;
        this.take(JSON.parse(String(event.data)) as Frame);
      };
      socket.onclose = ({ reason }) => {
        // Only a request tells why a socket is refused, so it is asked whether the session is gone.
        this.mustAsk = reason === GONE;
        end();
      };
    });
  }

  private take(frame: Frame): void {
    switch (frame.type) {
      case 'connected':
        this.listener.line('live');
        if (this.cursor === null) {
          this.begin(frame.cursor);
        }
        break;
      case 'reset':
        this.begin(frame.cursor);
        break;
      case 'artifact_created':
        this.cursor = frame.next_cursor;
        this.listener.events(frame.events);
        break;
      default:
        break;
    }
  }

  /** Whether a request was answered; returns when one was not. */
  private async byRequests(): Promise<boolean> {
    let didWork = false;
    this.mustAsk = false;
    for (;;) {
      const page = await this.page().catch((error: unknown) => {
        if (isAbort(error) || isGone(error)) {
          throw error;
        }
        return null;
      });
      if (page === null) {
        return didWork;
      }
      didWork = true;
      this.listener.line('asking');
      if (page.reset) {
        this.begin(page.next_cursor);
      } else {
        this.cursor = page.next_cursor;
        this.listener.events(page.events);
      }
      if (this.hasOpened) {
        // The server is back, and sockets pass.
        return true;
      }
    }
  }

  private page(): Promise<EventPage> {
    const after = this.cursor ?? FROM_NOW;
    const seconds = this.cursor === null || this.hasOpened ? 0 : POLL_SECONDS;
    return this.client.events(this.sessionId, after, seconds, this.stopped.signal);
  }

  private begin(cursor: number): void {
    this.cursor = cursor;
    this.listener.reset();
  }

  private readonly stopped = new AbortController();
  private socket: WebSocket | null = null;
  private cursor: number | null = null;
  /** Whether a socket has ever come through. */
  private hasOpened = false;
  private mustAsk = false;
}

function isGone(error: unknown): boolean {
  return error instanceof WorkspaceError && [403, 404].includes(error.status);
}

