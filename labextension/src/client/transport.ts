/** What an answer is made of, whoever fetched it. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** A header of the answer; null if it has none of that name. */
  header(name: string): string | null;
}

/** A request, relative to the extension's own URL. */
export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A request whose body is bytes; `onProgress` is told how many of them are on their way. */
export interface ByteRequest {
  readonly method: 'POST' | 'PUT' | 'PATCH';
  readonly path: string;
  readonly bytes: Blob;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (sentBytes: number) => void;
}

/**
 * The way to the server. JupyterLab and a plain page have each their own; the client needs no more
 * than this.
 */
export interface Transport {
  /** The answer to a request, whatever its status. Rejects with `Unreachable` if there is none. */
  send(request: Request): Promise<Answer>;

  /** The same for bytes, with progress. Rejects with an `AbortError` when its signal fires. */
  sendBytes(request: ByteRequest): Promise<Answer>;

  /** A URL that the browser itself can follow, for downloads and pictures. */
  url(path: string): string;

  /** A socket; it carries the page's own credentials. */
  socket(path: string): WebSocket;
}
