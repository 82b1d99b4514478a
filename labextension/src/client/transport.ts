/** What an answer is made of, whoever fetched it. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A request, relative to the extension's own URL. */
export interface Request {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
}

/**
 * The way to the server. JupyterLab, a plain page and a widget each have their own; the client needs
 * no more than this.
 */
export interface Transport {
  /** The answer to a request, whatever its status. Rejects with `Unreachable` if there is none. */
  send(request: Request): Promise<Answer>;

  /** A URL that the browser itself can follow, for downloads. */
  url(path: string): string;
}
