import { describe, expect, it } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { WorkspaceError } from '../src/client/errors';
import type { Answer, Request, Transport } from '../src/client/transport';
import { record } from './records';

/** Answers every request alike and keeps what was asked. */
class OneAnswer implements Transport {
  readonly asked: Request[] = [];

  constructor(private readonly answer: Answer) {}

  send(request: Request): Promise<Answer> {
    this.asked.push(request);
    return Promise.resolve(this.answer);
  }

  url(path: string): string {
    return `/base/${path}`;
  }
}

function json(status: number, value: unknown): OneAnswer {
  return new OneAnswer({ status, text: JSON.stringify(value) });
}

describe('the client', () => {
  it('asks for the session of a notebook by its path', async () => {
    const transport = json(201, { session_id: 'churn' });

    const session = await new WorkspaceClient(transport).resolve('work/churn.ipynb');

    expect(session.session_id).toBe('churn');
    expect(transport.asked).toEqual([
      { method: 'POST', path: 'sessions/resolve', body: { notebook_path: 'work/churn.ipynb' } }
    ]);
  });

  it('asks for the files of one session', async () => {
    const transport = json(200, { artifacts: [record()], total: 1, has_more: false });

    const page = await new WorkspaceClient(transport).listFiles('churn');

    expect(page.artifacts[0]?.name).toBe('loss.png');
    expect(transport.asked[0]?.path).toBe('sessions/churn/artifacts?limit=1000');
  });

  it('turns a refusal into an error with its code and hint', async () => {
    const transport = json(404, {
      message: 'No such session.',
      code: 'session_not_found',
      hint: 'Create it first.'
    });

    const refused = new WorkspaceClient(transport).listFiles('nobody');

    await expect(refused).rejects.toThrow(WorkspaceError);
    await expect(refused).rejects.toMatchObject({
      status: 404,
      code: 'session_not_found',
      hint: 'Create it first.'
    });
  });

  it('names the status when the body of a refusal is not ours', async () => {
    const transport = new OneAnswer({ status: 502, text: '<html>Bad Gateway</html>' });

    const refused = new WorkspaceClient(transport).listFiles('churn');

    await expect(refused).rejects.toThrow('The server answered 502.');
  });

  it('gives a download address for a file and for all of them', () => {
    const client = new WorkspaceClient(json(200, {}));

    expect(client.downloadUrl(record())).toBe(
      '/base/sessions/churn/artifacts/att_1?mode=stream&download=true'
    );
    expect(client.archiveUrl('churn')).toBe('/base/sessions/churn/download');
  });
});
