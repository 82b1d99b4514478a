import { ServerConnection } from '@jupyterlab/services';

import { Unreachable, isAbort } from '../client/errors';
import { PageTransport } from '../client/page';
import type { Answer, ByteRequest, Request, Transport } from '../client/transport';

/** Requests by JupyterLab's own connection, which brings the token and the XSRF cookie along. */
export class LabTransport implements Transport {
  constructor(private readonly settings: ServerConnection.ISettings) {
    const { baseUrl, wsUrl, token } = settings;
    // JupyterLab's connection reports no progress, so bytes and sockets go the page's way.
    this.page = new PageTransport({ baseUrl, wsUrl, token });
  }

  async send(request: Request): Promise<Answer> {
    const init: RequestInit = {
      method: request.method,
      headers: { ...request.headers },
      signal: request.signal ?? null
    };
    if (request.body !== undefined) {
      init.body = JSON.stringify(request.body);
      init.headers = { ...request.headers, 'Content-Type': 'application/json' };
    }
    return this.reach(this.url(request.path), init);
  }

  sendBytes(request: ByteRequest): Promise<Answer> {
    return this.page.sendBytes(request);
  }

  url(path: string): string {
    return this.page.url(path);
  }

  socket(path: string): WebSocket {
    return this.page.socket(path);
  }

  private async reach(url: string, init: RequestInit): Promise<Answer> {
    try {
      const response = await ServerConnection.makeRequest(url, init, this.settings);
      // The line may break in the middle of an answer, too.
      const text = await response.text();
      return { status: response.status, text, header: name => response.headers.get(name) };
    } catch (error) {
      throw isAbort(error) || init.signal?.aborted === true
        ? new DOMException('Called off.', 'AbortError')
        : new Unreachable(error);
    }
  }

  private readonly page: PageTransport;
}
