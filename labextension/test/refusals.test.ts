import { describe, expect, it } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { Actions } from '../src/model/actions';
import { Browse } from '../src/model/browse';
import { SessionModel } from '../src/model/session';
import { parseTable } from '../src/model/separated';
import { previewOf } from '../src/model/preview';
import { widgetDataOf } from '../src/views/widgetView';
import { FakeTransport, answer } from './fakes';
import type { FileRecord } from '../src/client/wire';
import { event, record, session } from './records';

function modelOf(transport: FakeTransport): SessionModel {
  return new SessionModel(new WorkspaceClient(transport), session());
}

describe('a server whose clock is another', () => {
  it.each([
    [3_600_000, 3_600_000],
    [-90_000, -90_000],
    [900, 0],
    [null, 0]
  ])('%s ms ahead is known by its answers: %d', async (ahead, known) => {
    const transport = new FakeTransport(() => answer(500));
    transport.date = ahead === null ? null : new Date(Date.now() + ahead);
    const model = modelOf(transport);

    await model.service();

    // A date has whole seconds.
    expect(Math.abs(model.aheadMs.get() - known)).toBeLessThan(2000);
    expect(known !== 0 || model.aheadMs.get() === 0).toBe(true);
  });
});

describe('a page that may not write to the clipboard', () => {
  it('says so, whichever button was pressed', async () => {
    const model = modelOf(new FakeTransport(() => answer(500)));
    const copy = (): Promise<void> => Promise.reject(new Error('The clipboard is closed.'));
    const actions = new Actions(new Browse(model), { copy });

    expect(await actions.copy('ws["a.csv"]')).toBe(false);

    expect(model.complaint.get()?.message).toBe('The clipboard is closed.');
    expect(actions.copied.get()).toBe('');
  });
});

describe('a session that somebody else changed', () => {
  it('learns from a refusal that it was closed', async () => {
    const transport = new FakeTransport(({ method }) =>
      method === 'GET'
        ? answer(200, session({ status: 'completed' }))
        : answer(409, { message: 'Closed.', code: 'session_closed' })
    );
    const model = modelOf(transport);

    await model.rename(record(), 'other.png');
    await Promise.resolve();

    expect(model.complaint.get()).toMatchObject({ code: 'session_closed' });
    await expect.poll(() => model.session.get().status).toBe('completed');
  });

  it('deletes the other files when one is gone already', async () => {
    const files = [1, 2].map(number => record({ attachment_id: `att_${number}` }));
    const transport = new FakeTransport(({ path }) =>
      path.endsWith('att_1') ? answer(404, { message: 'No.', code: 'file_not_found' }) : answer(204)
    );
    const model = modelOf(transport);

    await model.remove(files);

    expect(model.complaint.get()).toBeNull();
    expect(model.deletion.get()?.files.map(file => file.attachment_id)).toEqual(['att_2']);
  });
});

describe('a file that came while a cell ran', () => {
  it('is told with its cell when the cell has ended, and asked for once', async () => {
    const origin = { execution_count: 5 } as FileRecord['provenance'];
    const page = { artifacts: [record({ provenance: origin })], total: 1, has_more: false, next: null };
    const news = { events: [event()], next_cursor: 1, has_more: false, timed_out: false, reset: false };
    let polls = 0;
    const transport = new FakeTransport(({ path }) => {
      if (!path.includes('artifact-events')) {
        return answer(200, page);
      }
      polls += 1;
      // After the first news there are no more.
      return polls > 1 ? new Promise(() => undefined) : answer(200, news);
    });
    const model = modelOf(transport);
    model.enter();
    await expect.poll(() => model.files.get().get('att_1')?.source, { timeout: 10_000 }).toBe('watch');
    model.leave();
    const before = transport.asked.length;

    await model.learnOrigins();
    await model.learnOrigins();

    expect(transport.asked.length).toBe(before + 1);
    expect(model.files.get().get('att_1')?.provenance).toEqual(origin);
  });
});

describe('a preview', () => {
  it('of a line with tens of thousands of values is read in one pass, and shown', () => {
    // 25 s when each value looked at the rest of the line.
    const { rows, isCut } = parseTable('1,'.repeat(65_536), true);

    expect(rows.map(row => row.length)).toEqual([30]);
    expect(isCut).toBe(true);
  });

  it('of an empty file asks for nothing', async () => {
    const transport = new FakeTransport(() => answer(500));

    expect(await previewOf(modelOf(transport), record({ size: 0 }))).toEqual({ form: 'empty' });
    expect(transport.asked).toEqual([]);
  });
});

describe('what a saved notebook says of a panel', () => {
  const title = 'churn.ipynb';
  const whole = { v: 1, view: 'attachments', session_id: 'churn', title };

  it('is taken when it is whole', () => {
    expect(widgetDataOf({ ...whole, accept: '.csv', multiple: false, max_size: 10 })).not.toBeNull();
  });

  it.each([null, 'text', [], {}, { ...whole, title: {} }, { ...whole, view: 'x' }, { ...whole, accept: 1 }])(
    'is left alone when it is %j',
    value => expect(widgetDataOf(value)).toBeNull()
  );
});
