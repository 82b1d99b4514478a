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
  onclose: (() => void) | null = null;
  onmessage: unknown = null;

  constructor() {
    setTimeout(() => this.onclose?.(), 0);
  }

  close(): void {
    this.onclose?.();
  }
}

/** Answers each request by a function, and keeps what was asked; what the service is, it knows itself. */
export class FakeTransport implements Transport {
  readonly asked: (Request | ByteRequest)[] = [];

  constructor(public reply: (request: Request | ByteRequest) => Answer | Promise<Answer>) {}

  async send(request: Request): Promise<Answer> {
    if (request.path === '') {
      return answer(200, SERVICE);
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

  socket(): WebSocket {
    return new ClosedSocket() as unknown as WebSocket;
  }
}
