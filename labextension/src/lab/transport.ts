import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { Unreachable } from '../client/errors';
import type { Answer, Request, Transport } from '../client/transport';

/** Below the server's base URL; everything of the extension stands there. */
const PREFIX = 'api/workspace';

/** Requests by JupyterLab's own connection, which brings the token and the XSRF cookie along. */
export class LabTransport implements Transport {
  constructor(settings: ServerConnection.ISettings) {
    this.settings = settings;
  }

  async send(request: Request): Promise<Answer> {
    const init: RequestInit = { method: request.method };
    if (request.body !== undefined) {
      init.body = JSON.stringify(request.body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await this.reach(this.url(request.path), init);
    return { status: response.status, text: await response.text() };
  }

  url(path: string): string {
    // `URLExt.join` would encode the question mark, so the query goes around it.
    const [plain = '', query] = path.split('?', 2);
    const url = URLExt.join(this.settings.baseUrl, PREFIX, plain);
    return query === undefined ? url : `${url}?${query}`;
  }

  private async reach(url: string, init: RequestInit): Promise<Response> {
    try {
      return await ServerConnection.makeRequest(url, init, this.settings);
    } catch (error) {
      throw new Unreachable(error);
    }
  }

  private readonly settings: ServerConnection.ISettings;
}
