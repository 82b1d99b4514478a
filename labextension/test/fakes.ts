import type { Answer, ByteRequest, Request, Transport } from '../src/client/transport';

/** An answer of the server, with headers by their lower-case names. */
export function answer(status: number, body: unknown = '', headers: Record<string, string> = {}): Answer {
  return {
    status,
    text: typeof body === 'string' ? body : JSON.stringify(body),
    header: name => headers[name.toLowerCase()] ?? null
  };
}

/** A server that can do everything and forbids nothing. */
const SERVICE = { features: { tus: true, previews: true }, limits: { max_file_size: 0, max_part_size: 0 } };

/** A socket that never opens. */
class ClosedSocket {
  onclose: ((event: { reason: string }) => void) | null = null;
  onmessage: unknown = null;

  constructor(readonly path: string) {
    setTimeout(() => this.onclose?.({ reason: '' }), 0);
  }

  close(): void {
    this.onclose?.({ reason: '' });
  }
}

/** A socket that is open and says what a test lets it say; when it is alive, it answers pings. */
export class FakeSocket {
  onclose: ((event: { reason: string }) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  isAlive = false;
  isClosed = false;

  constructor(readonly path: string) {}

  say(frame: unknown): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  send(): void {
    if (this.isAlive) {
      this.say({ type: 'pong' });
    }
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Answers each request by a function, and keeps what was asked; what the service is, it knows itself. */
export class FakeTransport implements Transport {
  readonly asked: (Request | ByteRequest)[] = [];
  /** What the server says is the time; null when it does not. */
  date: Date | null = null;

  constructor(public reply: (request: Request | ByteRequest) => Answer | Promise<Answer>) {}

  async send(request: Request): Promise<Answer> {
    if (request.path === '') {
      return answer(200, SERVICE, this.date === null ? {} : { date: this.date.toUTCString() });
    }
    this.asked.push(request);
    return this.reply(request);
  }

  async sendBytes(request: ByteRequest): Promise<Answer> {
    this.asked.push(request);
    return this.reply(request);
  }

  url(path: string): string {
    return `/base/${path}`;
  }

  socket(path: string): WebSocket {
    return new ClosedSocket(path) as unknown as WebSocket;
  }
}
