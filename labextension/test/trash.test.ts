import { afterEach, describe, expect, it, vi } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { SessionModel } from '../src/model/session';
import type { Trash } from '../src/model/trash';
import { FakeTransport, answer } from './fakes';
import { record, session } from './records';

const FILES = Array.from({ length: 1200 }, (_, number) => record({ artifact_id: `art_${number}` }));

/** A trash of which the server gives a thousand at a time; `refusal` answers what it does not erase. */
function trashOf(refusal: (path: string) => ReturnType<typeof answer> | null = () => null): {
  trash: Trash;
  transport: FakeTransport;
  model: SessionModel;
} {
  const kept = [...FILES];
  const transport = new FakeTransport(({ method, path }) => {
    if (method === 'DELETE') {
      const refused = refusal(path);
      kept.splice(refused === null ? 0 : kept.length, 1);
      return refused ?? answer(204);
    }
    const offset = Number(/offset=(\d+)/.exec(path)?.[1]);
    const page = kept.slice(offset, offset + 1000);
    return answer(200, { trash: page, total: kept.length, has_more: offset + 1000 < kept.length });
  });
  const model = new SessionModel(new WorkspaceClient(transport), session());
  return { trash: model.trash, transport, model };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the trash', () => {
  it('is known whole, page after page', async () => {
    const { trash } = trashOf();

    trash.watch();

    await expect.poll(() => trash.files.get()?.length).toBe(1200);
  });

  it('is emptied a few at a time, tells how far it is, and takes what is gone already for erased', async () => {
    const { trash, transport } = trashOf(path =>
      path.includes('art_7?') ? answer(404, { message: 'No.', code: 'file_not_found' }) : null
    );
    const seen: number[] = [];
    trash.erasing.subscribe(() => seen.push(trash.erasing.get()?.done ?? -1));

    await trash.erase(FILES);

    expect(transport.asked.filter(({ method }) => method === 'DELETE').length).toBe(1200);
    expect(transport.asked.every(({ path, method }) => method === 'GET' || path.endsWith('permanent=1'))).toBe(true);
    expect(seen.slice(0, 3)).toEqual([0, 1, 2]);
    expect(seen.slice(-2)).toEqual([1200, -1]);
    expect(trash.session.complaint.get()).toBeNull();
  });

  it('stops at the first refusal, and the refusal stays', async () => {
    const { trash, transport, model } = trashOf(() => answer(409, { message: 'Closed.', code: 'session_closed' }));

    await trash.erase(FILES);

    expect(transport.asked.filter(({ method }) => method === 'DELETE').length).toBeLessThan(5);
    expect(model.complaint.get()).toMatchObject({ code: 'session_closed' });
    expect(trash.files.get()?.length).toBe(1200);
  });

  it('is at rest after a refusal, though another request was on its way', async () => {
    let isFirst = true;
    const { trash } = trashOf(() => {
      const refused = isFirst ? answer(409, { message: 'Closed.', code: 'session_closed' }) : null;
      isFirst = false;
      return refused;
    });

    await trash.erase(FILES);
    await new Promise(done => setTimeout(done, 0));

    expect(trash.erasing.get()).toBeNull();
  });

  it('keeps a file that was taken back while the question stood open', async () => {
    const { trash, transport } = trashOf();

    await trash.erase([record({ artifact_id: 'art_live' }), ...FILES.slice(0, 1)]);

    const erased = transport.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
    expect(erased).toEqual(['sessions/churn/artifacts/art_0?permanent=1']);
  });

  it('takes a file back once, though it was asked twice', async () => {
    const { trash, transport } = trashOf();
    transport.reply = ({ method }) =>
      method === 'POST' ? answer(200, record()) : answer(200, { trash: [], total: 0, has_more: false });

    await Promise.all([trash.restore(record()), trash.restore(record())]);

    expect(transport.asked.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  it('is asked for once when a cell replaces many files', async () => {
    vi.useFakeTimers();
    const { trash, transport, model } = trashOf();
    const leave = trash.watch();
    await vi.advanceTimersByTimeAsync(1000);
    transport.asked.length = 0;

    for (let number = 0; number < 50; number += 1) {
      model.files.set(new Map([[`att_${number}`, record()]]));
    }
    await vi.advanceTimersByTimeAsync(1000);

    // Two pages.
    expect(transport.asked.length).toBe(2);
    leave();
  });
});

describe('a deletion', () => {
  it('that was asked for twice can be undone whole', async () => {
    const here = new Set(['att_1', 'att_2', 'att_3', 'att_4']);
    const files = [...here].map(id => record({ attachment_id: id }));
    const transport = new FakeTransport(async ({ path }) => {
      await Promise.resolve();
      return here.delete(path.slice(path.lastIndexOf('/') + 1))
        ? answer(204)
        : answer(404, { message: 'Gone.', code: 'file_not_found' });
    });
    const model = new SessionModel(new WorkspaceClient(transport), session());

    await Promise.all([model.remove(files), model.remove(files)]);

    expect(model.deletion.get()?.files).toHaveLength(4);
    expect(transport.asked).toHaveLength(4);
  });
});
