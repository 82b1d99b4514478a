import { describe, expect, it, vi } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { Unreachable, WorkspaceError, errorOf, isPassing } from '../src/client/errors';
import { FakeTransport, answer } from './fakes';
import { record } from './records';

function clientOf(status: number, body: unknown, headers = {}): [WorkspaceClient, FakeTransport] {
  const transport = new FakeTransport(() => answer(status, body, headers));
  return [new WorkspaceClient(transport), transport];
}

/** When all that can go on now has done so. */
function settled(): Promise<void> {
  return new Promise(done => setTimeout(done, 0));
}

describe('the client', () => {
  it('asks for the session of a notebook by its path', async () => {
    const [client, transport] = clientOf(201, { session_id: 'churn' });

    const session = await client.resolve('work/churn.ipynb');

    expect(session.session_id).toBe('churn');
    expect(transport.asked).toEqual([
      { method: 'POST', path: 'sessions/resolve', body: { notebook_path: 'work/churn.ipynb' } }
    ]);
  });

  it('asks for the files of one session, newest first and by keyset', async () => {
    const [client, transport] = clientOf(200, { artifacts: [record()], total: 1, has_more: false });

    const page = await client.newestFiles('churn');
    await client.filesAfter('churn', 'a b');

    expect(page.artifacts[0]?.name).toBe('loss.png');
    expect(transport.asked.map(({ path }) => path)).toEqual([
      'sessions/churn/artifacts?limit=1000',
      'sessions/churn/artifacts?limit=1000&next=a%20b'
    ]);
  });

  it('has two requests on their way at most, and the wait for news beside them', async () => {
    const open: (() => void)[] = [];
    const transport = new FakeTransport(
      () => new Promise(done => open.push(() => done(answer(200, { artifacts: [], events: [] }))))
    );
    const client = new WorkspaceClient(transport);

    const pages = [1, 2, 3].map(() => client.newestFiles('churn'));
    await settled();
    expect(transport.asked).toHaveLength(2);
    const news = client.events('churn', 0, 25, new AbortController().signal);
    await settled();
    expect(transport.asked).toHaveLength(3);

    open[0]?.();
    await pages[0];
    await settled();
    expect(transport.asked).toHaveLength(4);
    open.forEach(end => end());
    await Promise.all([...pages, news]);
  });

  it('does not let requests without an answer keep others waiting for ever', async () => {
    vi.useFakeTimers();
    try {
      const transport = new FakeTransport(() => new Promise<never>(() => undefined));
      const client = new WorkspaceClient(transport);
      [1, 2, 3].forEach(() => void client.newestFiles('churn'));

      await vi.advanceTimersByTimeAsync(9_000);
      expect(transport.asked).toHaveLength(2);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(transport.asked).toHaveLength(3);
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets the next one begin when one has failed', async () => {
    const transport = new FakeTransport(() => Promise.reject(new Unreachable(null)));
    const client = new WorkspaceClient(transport);

    const refused = await Promise.allSettled([1, 2, 3].map(() => client.newestFiles('churn')));

    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(transport.asked).toHaveLength(3);
  });

  it('turns a refusal into an error with its code, hint and facts', async () => {
    const [client] = clientOf(413, {
      message: 'Too large.',
      code: 'file_too_large',
      hint: 'Split it.',
      limit: 10
    });

    const refused = client.newestFiles('churn');

    await expect(refused).rejects.toThrow(WorkspaceError);
    await expect(refused).rejects.toMatchObject({
      status: 413,
      code: 'file_too_large',
      hint: 'Split it.',
      facts: { limit: 10 }
    });
  });

  it('names the status when the body of a refusal is not ours', async () => {
    const [client] = clientOf(502, '<html>Bad Gateway</html>');

    await expect(client.newestFiles('churn')).rejects.toThrow('The server answered 502.');
  });

  it('gives a download address for a file and for all of them', () => {
    const [client] = clientOf(200, {});

    expect(client.downloadUrl(record())).toBe(
      '/base/sessions/churn/artifacts/att_1?mode=stream&download=true'
    );
    expect(client.archiveUrl('churn')).toBe('/base/sessions/churn/download');
  });

  it('takes only the id from the place of a kept selection', async () => {
    const [client] = clientOf(201, {}, { location: '/other/prefix/sessions/churn/archives/abc' });

    expect(await client.archive('churn', ['att_1', 'att_2'])).toBe('/base/sessions/churn/archives/abc');
  });

  it('acts in the trash on a version, because its file may live on', async () => {
    const [client, transport] = clientOf(200, record());

    await client.purge(record());
    await client.restore(record());

    expect(transport.asked.map(({ path }) => path)).toEqual([
      'sessions/churn/artifacts/art_1?permanent=1',
      'sessions/churn/artifacts/art_1/restore'
    ]);
  });

  it('reads only the head of a file, and nothing of an empty one', async () => {
    const [client, transport] = clientOf(206, 'a,b');

    expect(await client.head(record(), 100)).toBe('a,b');
    expect(await client.head(record({ size: 0 }), 100)).toBe('');
    expect(transport.asked).toHaveLength(1);
    expect(transport.asked[0]?.headers).toEqual({ Range: 'bytes=0-99' });
  });
});

describe('an error', () => {
  it('passes when nobody answered or the server is busy, and stays otherwise', () => {
    expect(isPassing(new Unreachable('gone'))).toBe(true);
    expect(isPassing(errorOf(answer(503, { message: 'busy' })))).toBe(true);
    expect(isPassing(errorOf(answer(507, { message: 'full' })))).toBe(false);
    expect(isPassing(errorOf(answer(403, { message: 'no' })))).toBe(false);
    expect(isPassing(new Error('of ours'))).toBe(false);
  });
});
