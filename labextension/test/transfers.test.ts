import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { Unreachable } from '../src/client/errors';
import type { Service } from '../src/client/wire';
import { progressOf, type Transfer } from '../src/model/transfer';
import { TransferQueue } from '../src/model/transfers';
import { english } from '../src/views/text';
import { stillOf } from '../src/views/tray';
import { FakeTransport, answer } from './fakes';

const SERVICE = {
  features: { tus: true },
  limits: { max_file_size: 0, max_part_size: 0 }
} as unknown as Service;

function queueOf(transport: FakeTransport): TransferQueue {
  return new TransferQueue(new WorkspaceClient(transport), 'churn', () => Promise.resolve(SERVICE));
}

function picked(count: number): { file: File; folder: string }[] {
  return Array.from({ length: count }, (_, number) => ({
    file: new File(['x'], `file${number}.txt`),
    folder: ''
  }));
}

function shown(changes: Partial<Transfer>): Transfer {
  const whole = { id: '', name: 'a', dir: '', size: 100, sent: 0, rate: 0, error: null, canRetry: false };
  return { ...whole, state: 'waiting', ...changes };
}

/** A file of the same name and size as another, with something else in it. */
function twin(file: File, content: string): File {
  return new File([content], file.name, { lastModified: file.lastModified });
}

/** A browser's storage: its keys are its properties. */
class Memory {
  [key: string]: unknown;

  getItem(key: string): string | null {
    return (this[key] as string | undefined) ?? null;
  }

  setItem(key: string, value: string): void {
    this[key] = value;
  }

  removeItem(key: string): void {
    Reflect.deleteProperty(this, key);
  }
}

beforeEach(() => {
  vi.stubGlobal('localStorage', new Memory());
  vi.stubGlobal('sessionStorage', new Memory());
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('many transfers', () => {
  it('are counted by files, and refusals are no part of their bytes', () => {
    const progress = progressOf([
      shown({ state: 'done', sent: 100 }),
      shown({ state: 'sending', sent: 50 }),
      shown({ state: 'finishing', sent: 100 }),
      shown({}),
      shown({ state: 'paused' }),
      shown({ state: 'failed', sent: 7 })
    ]);

    expect(progress).toEqual({
      files: 5,
      done: 1,
      underWay: 3,
      checking: 1,
      stopped: 1,
      failed: 1,
      size: 500,
      sent: 250
    });
  });

  it('stay until the last is through, so that the count does not run backwards', async () => {
    vi.useFakeTimers();
    let open: ((value: ReturnType<typeof answer>) => void)[] = [];
    const queue = queueOf(new FakeTransport(() => new Promise(resolve => open.push(resolve))));
    queue.add(picked(3), 'attachments', 'rename');
    await vi.waitFor(() => expect(open.length).toBe(2));

    const first = open;
    open = [];
    first.forEach((reply, number) => reply(answer(201, { attachment_id: `att_${number}` })));
    await vi.advanceTimersByTimeAsync(13_000);
    expect(progressOf(queue.transfers.get())).toMatchObject({ files: 3, done: 2, underWay: 1 });

    open[0]?.(answer(201, { attachment_id: 'att_3' }));
    await vi.advanceTimersByTimeAsync(3000);
    expect(progressOf(queue.transfers.get())).toMatchObject({ files: 3, done: 3 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(queue.transfers.get()).toEqual([]);
  });

  it('are seen for a while after the last, however soon after others it came', async () => {
    vi.useFakeTimers();
    const open: ((value: ReturnType<typeof answer>) => void)[] = [];
    const queue = queueOf(new FakeTransport(() => new Promise(resolve => open.push(resolve))));
    queue.add(picked(2), 'attachments', 'rename');
    await vi.waitFor(() => expect(open.length).toBe(2));
    open[0]?.(answer(201, { attachment_id: 'att_1' }));
    await vi.advanceTimersByTimeAsync(3000);

    open[1]?.(answer(201, { attachment_id: 'att_2' }));
    await vi.advanceTimersByTimeAsync(3000);

    expect(progressOf(queue.transfers.get())).toMatchObject({ files: 2, done: 2 });
  });

  it('are drawn five times a second at most, however many come through', async () => {
    vi.useFakeTimers();
    let number = 0;
    const transport = new FakeTransport(() => answer(201, { attachment_id: `att_${++number}` }));
    const queue = queueOf(transport);
    let draws = 0;
    queue.transfers.subscribe(() => (draws += 1));

    queue.add(picked(500), 'attachments', 'rename');
    const begun = Date.now();
    while (number < 500) {
      await vi.advanceTimersByTimeAsync(10);
    }

    expect(draws).toBeLessThanOrEqual((Date.now() - begun) / 200 + 1);
  });

  it('are all paused without any of them beginning, and all go on', async () => {
    const transport = new FakeTransport(() => new Promise(() => undefined));
    const queue = queueOf(transport);
    queue.add(picked(10), 'attachments', 'rename');
    await expect.poll(() => transport.asked.length).toBe(2);

    queue.pauseAll();
    await new Promise(done => setTimeout(done));
    expect(queue.isBusy).toBe(false);
    expect(transport.asked.length).toBe(2);

    queue.resumeAll();
    await expect.poll(() => transport.asked.length).toBe(4);
  });

  it('are all called off without any of them beginning', async () => {
    const transport = new FakeTransport(() => new Promise(() => undefined));
    const queue = queueOf(transport);
    queue.add(picked(10), 'attachments', 'rename');
    await expect.poll(() => transport.asked.length).toBe(2);

    queue.cancelAll();
    await new Promise(done => setTimeout(done));

    expect(transport.asked.length).toBe(2);
    expect(queue.transfers.get()).toEqual([]);
  });
});

describe('transfers that do not move', () => {
  it.each([
    [[shown({}), shown({}), shown({ state: 'paused' })], '2 waiting · 1 paused'],
    [[shown({}), shown({})], '2 waiting'],
    [[shown({ state: 'paused' })], '1 paused']
  ])('are counted by what they wait for', (transfers, label) => {
    expect(stillOf(transfers, english)).toBe(label);
  });
});

describe('a small file', () => {
  it('that was sent once is sent again by the next page, and repeats only itself', async () => {
    // The server gives the same answer to the same key for a day, also when the file was deleted meanwhile.
    const file = new File(['x'], '\u6570\u636e|\u0416.txt', { lastModified: 1 });
    const transport = new FakeTransport(() => answer(201, { attachment_id: 'att_1' }));

    for (const queue of [queueOf(transport), queueOf(transport)]) {
      queue.add([{ file, folder: '' }], 'attachments', 'rename');
      await expect.poll(() => queue.transfers.get()[0]?.state).toBe('done');
    }

    const keys = transport.asked.map(({ headers }) => headers?.['Idempotency-Key'] ?? '');
    expect(keys[0]).not.toBe(keys[1]);
    // A browser sends no other characters in a header.
    expect(keys.every(key => /^[!-~]{8,200}$/.test(key))).toBe(true);
  });
});

describe('a refused transfer', () => {
  it.each([
    ['type_refused', 415, false],
    ['file_too_large', 413, false],
    ['infected', 422, false],
    ['quota_exceeded', 507, true],
    ['session_closed', 409, true]
  ])('for %s (%i) can be tried again: %s', async (code, status, canRetry) => {
    const queue = queueOf(new FakeTransport(() => answer(status, { message: 'No.', code })));

    queue.add(picked(1), 'attachments', 'rename');

    await expect.poll(() => queue.transfers.get()[0]?.state).toBe('failed');
    expect(queue.transfers.get()[0]?.canRetry).toBe(canRetry);
  });
});

describe('thousands of transfers that failed', () => {
  it('are tried again, and cleared, without holding the page up', async () => {
    let status = 507;
    const transport = new FakeTransport(() => answer(status, { message: 'No.', code: 'quota_exceeded' }));
    const queue = queueOf(transport);
    queue.add(picked(5000), 'attachments', 'rename');
    await expect.poll(() => progressOf(queue.transfers.get()).failed, { timeout: 20_000 }).toBe(5000);
    const ids = queue.transfers.get().map(({ id }) => id);
    let draws = 0;
    queue.transfers.subscribe(() => (draws += 1));

    status = 500;
    queue.resumeEach(ids);
    expect(queue.isBusy).toBe(true);
    queue.cancelEach(ids);

    expect(draws).toBe(1);
    expect(queue.transfers.get()).toEqual([]);
  });
});

describe('a transfer that failed for want of a server', () => {
  it('does not come back on the next page after it was cleared', async () => {
    vi.useFakeTimers();
    const transport = new FakeTransport(({ method }) => {
      if (method === 'PATCH' || method === 'HEAD') {
        throw new Unreachable('away');
      }
      return method === 'POST' ? answer(201, '', { location: '/uploads/churn/upl_1' }) : answer(204);
    });
    const queue = queueOf(transport);
    queue.add([{ file: new File(['a'.repeat(600_000)], 'large.bin'), folder: '' }], 'attachments', 'rename');
    await vi.waitFor(
      async () => {
        await vi.advanceTimersByTimeAsync(30_000);
        expect(queue.transfers.get()[0]?.state).toBe('failed');
      },
      { timeout: 5000 }
    );

    queue.clear();

    const next = queueOf(transport);
    void next.recover();
    await vi.advanceTimersByTimeAsync(1000);
    expect(next.transfers.get()).toEqual([]);
    expect(transport.asked.map(({ method }) => method)).toContain('DELETE');
  });
});

describe('a file that is chosen again', () => {
  const CONTENT = 'a'.repeat(600_000);

  /** A queue with an upload in parts of which the page was left. */
  async function leftBehind(transport: FakeTransport): Promise<{ queue: TransferQueue; file: File }> {
    const file = new File([CONTENT], 'large.bin', { lastModified: 1 });
    const before = queueOf(transport);
    before.add([{ file, folder: '' }], 'attachments', 'rename');
    await expect.poll(() => before.transfers.get()[0]?.sent).toBe(100_000);
    before.pause(before.transfers.get()[0]?.id ?? '');
    const queue = queueOf(transport);
    await queue.recover();
    await expect.poll(() => queue.transfers.get()[0]?.state).toBe('lost');
    return { queue, file };
  }

  /** Takes 100,000 bytes, and then no more. */
  function server(): FakeTransport {
    return new FakeTransport(request => {
      switch (request.method) {
        case 'POST':
          return answer(201, '', { location: '/uploads/churn/upl_1' });
        case 'HEAD':
          return answer(200, '', { 'upload-offset': '100000' });
        case 'PATCH':
          if (request.headers?.['Upload-Offset'] === '0') {
            return answer(204, '', { 'upload-offset': '100000' });
          }
          return new Promise((_, reject) => {
            request.signal?.addEventListener('abort', () => reject(new Unreachable('called off')));
          });
        default:
          return answer(204);
      }
    });
  }

  it('goes on where it was when it is the same', async () => {
    const transport = server();
    const { queue, file } = await leftBehind(transport);
    transport.asked.length = 0;

    await queue.choose(queue.transfers.get()[0]?.id ?? '', file);

    await expect.poll(() => transport.asked.map(({ method }) => method)).toEqual(['HEAD', 'PATCH']);
  });

  it('begins anew when only its name and size are the same', async () => {
    const transport = server();
    const { queue, file } = await leftBehind(transport);
    transport.asked.length = 0;

    queue.add([{ file: twin(file, 'b'.repeat(600_000)), folder: '' }], 'attachments', 'rename');

    await expect.poll(() => transport.asked.map(({ method }) => method)).toContain('POST');
    // What the server has of the other one is dropped.
    expect(transport.asked.map(({ method }) => method)).toContain('DELETE');
    expect(transport.asked.map(({ method }) => method)).not.toContain('HEAD');
    expect(queue.transfers.get().length).toBe(1);
  });
});
