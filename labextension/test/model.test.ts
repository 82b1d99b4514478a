import { describe, expect, it } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import type { Answer, Request, Transport } from '../src/client/transport';
import { baseName, formatSize } from '../src/model/format';
import { NotebookFiles } from '../src/model/notebookFiles';
import { record } from './records';

/** A server with a session a notebook; its answers can be held back. */
class SmallServer implements Transport {
  reachable = true;
  readonly held = new Map<string, Promise<void>>();

  async send(request: Request): Promise<Answer> {
    if (!this.reachable) {
      throw new Error('gone');
    }
    if (request.method === 'POST') {
      const path = (request.body as { notebook_path: string }).notebook_path;
      await this.held.get(path);
      return answer({ session_id: path.replace('.ipynb', ''), notebook_path: path });
    }
    const session_id = request.path.split('/')[1] ?? '';
    return answer({ artifacts: [record({ session_id })], total: 1, has_more: false });
  }

  url(path: string): string {
    return `/${path}`;
  }
}

function answer(value: unknown): Answer {
  return { status: 200, text: JSON.stringify(value) };
}

describe('the files of a notebook', () => {
  it('are none while no notebook is open', async () => {
    const model = new NotebookFiles(new WorkspaceClient(new SmallServer()));

    await model.refresh();

    expect(model.snapshot()).toEqual({ state: 'no-notebook' });
    expect(model.archiveUrl()).toBeNull();
  });

  it('are listed when a notebook is shown, and each change is told', async () => {
    const model = new NotebookFiles(new WorkspaceClient(new SmallServer()));
    const states: string[] = [];
    model.subscribe(() => states.push(model.snapshot().state));

    await model.show('churn.ipynb');

    expect(states).toEqual(['loading', 'ready']);
    expect(model.snapshot()).toMatchObject({ total: 1, session: { session_id: 'churn' } });
    expect(model.archiveUrl()).toBe('/sessions/churn/download');
    expect(model.downloadUrl(record())).toContain('att_1');
  });

  it('say why they cannot be listed, and come back when the server does', async () => {
    const server = new SmallServer();
    const model = new NotebookFiles(new WorkspaceClient(server));
    server.reachable = false;
    await model.show('churn.ipynb');
    expect(model.snapshot()).toMatchObject({ state: 'failed', error: { message: 'gone' } });

    server.reachable = true;
    await model.refresh();

    expect(model.snapshot().state).toBe('ready');
  });

  it('are those of the notebook chosen last, whichever answer comes first', async () => {
    const server = new SmallServer();
    let release = (): void => undefined;
    server.held.set('slow.ipynb', new Promise(resolve => (release = resolve)));
    const model = new NotebookFiles(new WorkspaceClient(server));
    const slow = model.show('slow.ipynb');

    await model.show('quick.ipynb');
    release();
    await slow;

    expect(model.snapshot()).toMatchObject({ notebookPath: 'quick.ipynb' });
  });

  it('are not told to those who left', async () => {
    const model = new NotebookFiles(new WorkspaceClient(new SmallServer()));
    let told = 0;
    const leave = model.subscribe(() => (told += 1));

    leave();
    await model.show('churn.ipynb');

    expect(told).toBe(0);
  });
});

describe('a size', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [12345, '12 KiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
    [5000 * 1024 ** 4, '5000 TiB']
  ])('of %d bytes reads %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });
});

it('the last component names a path', () => {
  expect(baseName('a/b/c.ipynb')).toBe('c.ipynb');
  expect(baseName('c.ipynb')).toBe('c.ipynb');
});
