import { Unreachable } from './errors';
import type { Answer, ByteRequest, Request, Transport } from './transport';

/** Below the server's base URL; everything of the extension stands there. */
const PREFIX = 'api/workspace';

/** What a page of Jupyter says about its server. */
export interface PageSettings {
  /** Absolute, with a slash at its end. */
  readonly baseUrl: string;
  /** The same for sockets. */
  readonly wsUrl: string;
  /** Empty where the page has a cookie instead. */
  readonly token: string;
}

/** The settings that a page of Jupyter carries; null on any other page. */
export function settingsOfPage(): PageSettings | null {
  const text = document.getElementById('jupyter-config-data')?.textContent ?? '';
  if (text === '') {
    return null;
  }
  const config = JSON.parse(text) as { baseUrl?: string; wsUrl?: string; token?: string };
  const baseUrl = new URL(config.baseUrl ?? '/', location.origin).href;
  return {
    baseUrl,
    wsUrl: config.wsUrl !== undefined && config.wsUrl !== '' ? config.wsUrl : socketUrl(baseUrl),
    token: config.token ?? ''
  };
}

/** The address of sockets that belongs to an address of requests. */
export function socketUrl(url: string): string {
  return url.replace(/^http/, 'ws');
}

/**
 * The headers that say who asks. Read at each call: the cookie is renewed while a page is open, and
 * behind a hub also reading by script needs it.
 */
export function credentials(token: string): Record<string, string> {
  const xsrf = /(?:^|; ?)_xsrf=([^;]*)/.exec(document.cookie)?.[1];
  return {
    ...(xsrf === undefined ? {} : { 'X-XSRFToken': xsrf }),
    ...(token === '' ? {} : { Authorization: `token ${token}` })
  };
}

/** Requests of a page, by its cookie or its token. */
export class PageTransport implements Transport {
  constructor(private readonly settings: PageSettings) {}

  send(request: Request): Promise<Answer> {
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    const type: Record<string, string> = body === null ? {} : { 'Content-Type': 'application/json' };
    return this.exchange(request, body, { ...type, ...request.headers });
  }

  sendBytes(request: ByteRequest): Promise<Answer> {
    return this.exchange(request, request.bytes, request.headers ?? {});
  }

  url(path: string): string {
    return `${this.settings.baseUrl}${PREFIX}/${path}`;
  }

  socket(path: string): WebSocket {
    const token = this.settings.token;
    const mark = path.includes('?') ? '&' : '?';
    // A socket cannot carry headers. The cookie will do, except for pages that have a token only.
    const query = token === '' ? '' : `${mark}token=${encodeURIComponent(token)}`;
    return new WebSocket(`${this.settings.wsUrl}${PREFIX}/${path}${query}`);
  }

  /** By XMLHttpRequest, because `fetch` tells nothing of what is sent already. */
  private exchange(
    request: Request | ByteRequest,
    body: string | Blob | null,
    headers: Readonly<Record<string, string>>
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const wire = new XMLHttpRequest();
      const giveUp = (): void => wire.abort();
      wire.open(request.method, this.url(request.path));
      for (const [name, value] of Object.entries({ ...credentials(this.settings.token), ...headers })) {
        wire.setRequestHeader(name, value);
      }
      if ('onProgress' in request) {
        wire.upload.onprogress = event => request.onProgress?.(event.loaded);
      }
      wire.onload = () => resolve(answerOf(wire));
      wire.onerror = () => reject(new Unreachable('The server gave no answer.'));
      wire.onabort = () => reject(new DOMException('Called off.', 'AbortError'));
      wire.onloadend = () => request.signal?.removeEventListener('abort', giveUp);
      if (request.signal?.aborted === true) {
        reject(new DOMException('Called off.', 'AbortError'));
        return;
      }
      request.signal?.addEventListener('abort', giveUp);
      wire.send(body);
    });
  }
}

function answerOf(wire: XMLHttpRequest): Answer {
  return {
    status: wire.status,
    text: wire.responseText,
    header: name => wire.getResponseHeader(name)
  };
}
