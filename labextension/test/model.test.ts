import { describe, expect, it, vi } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { Browse } from '../src/model/browse';
import { codeLine, PREPARATION, READING, withPreparation, WRITING } from '../src/model/code';
import { Desk } from '../src/model/desk';
import {
  baseName,
  folderName,
  formatAge,
  formatMoment,
  formatSize,
  formatSpan,
  languageTag,
  shownName
} from '../src/model/format';
import { Rate } from '../src/model/rate';
import { choose, chooseAll, move, NOTHING, settle } from '../src/model/selection';
import { parseTable } from '../src/model/separated';
import { SessionModel } from '../src/model/session';
import { NEWEST, rowsOf, sortedBy, typeOf } from '../src/model/table';
import { Turns } from '../src/client/turns';
import { FakeTransport, answer } from './fakes';
import { record, session } from './records';

describe('the desk', () => {
  it('shows nothing while no notebook is open', async () => {
    const desk = new Desk(new WorkspaceClient(new FakeTransport(() => answer(500))));

    await desk.retry();

    expect(desk.shown.get()).toEqual({ state: 'no-notebook' });
    expect(desk.model).toBeNull();
  });

  it('says why a notebook has no files, and comes back when the server does', async () => {
    const transport = new FakeTransport(() => answer(502, 'bad gateway'));
    const desk = new Desk(new WorkspaceClient(transport));
    await desk.show('churn.ipynb');
    expect(desk.shown.get()).toMatchObject({ state: 'failed' });

    transport.reply = ({ path }) => (path === 'sessions/resolve' ? answer(200, session()) : answer(502));
    await desk.retry();

    expect(desk.shown.get().state).toBe('ready');
  });

  it('is about the notebook chosen last, whichever answer comes first', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>(resolve => (release = resolve));
    const transport = new FakeTransport(async request => {
      if (request.path !== 'sessions/resolve') {
        return answer(502);
      }
      const path = ('body' in request ? request.body : {}) as { notebook_path?: string };
      if (path.notebook_path === 'slow.ipynb') {
        await held;
      }
      return answer(200, session({ session_id: path.notebook_path ?? 'x' }));
    });
    const desk = new Desk(new WorkspaceClient(transport));
    const slow = desk.show('slow.ipynb');

    await desk.show('quick.ipynb');
    release();
    await slow;

    expect(desk.model?.id).toBe('quick.ipynb');
  });

  it('has one model a session, however often it is asked', async () => {
    const desk = new Desk(new WorkspaceClient(new FakeTransport(() => answer(200, session()))));

    expect(await desk.modelById('churn')).toBe(desk.modelOf(session()));
  });

  it('asks once for a session that several outputs want in one moment', async () => {
    const transport = new FakeTransport(() => answer(200, session()));
    const desk = new Desk(new WorkspaceClient(transport));

    const models = await Promise.all([1, 2, 3].map(() => desk.modelById('churn')));

    expect(new Set(models).size).toBe(1);
    expect(transport.asked).toHaveLength(1);
    expect(desk.known('churn')).toBe(models[0]);
    expect(desk.known('other')).toBeNull();
  });
});

describe('a session', () => {
  it('lists pages by keyset until the end', async () => {
    const pages: Record<string, unknown> = {
      'limit=1000': { artifacts: [record({ attachment_id: 'c' })], has_more: true, next: 'x' },
      'limit=1000&next=': { artifacts: [record({ attachment_id: 'a' })], next: 'n' },
      'limit=1000&next=n': { artifacts: [record({ attachment_id: 'c' })], next: null }
    };
    const transport = new FakeTransport(({ path }) => answer(200, pages[path.split('?')[1] ?? '']));
    const model = new SessionModel(new WorkspaceClient(transport), session());

    await model.refresh();

    expect([...model.files.get().keys()]).toEqual(['a', 'c']);
    expect(model.loading.get()).toEqual({ state: 'ready' });
  });

  it('reads nothing twice of a long list', async () => {
    const page = { artifacts: [record()], total: 2000, has_more: true, next: null };
    const transport = new FakeTransport(() => answer(200, page));
    const model = new SessionModel(new WorkspaceClient(transport), session({ artifacts: 2000 }));

    await model.refresh();

    expect(transport.asked.map(({ path }) => path)).toEqual(['sessions/churn/artifacts?limit=1000&next=']);
  });

  it('can undo a deletion', async () => {
    const transport = new FakeTransport(({ method }) =>
      method === 'DELETE' ? answer(204) : answer(200, record())
    );
    const model = new SessionModel(new WorkspaceClient(transport), session());
    model.files.set(new Map([['att_1', record()]]));

    await model.remove([record()]);
    expect(model.files.get().size).toBe(0);
    expect(model.deletion.get()?.files).toHaveLength(1);
    await model.undo();

    expect(model.files.get().size).toBe(1);
    expect(model.deletion.get()).toBeNull();
  });

  it('shows the refusal of a rename, and keeps the name', async () => {
    const refusal = answer(409, { message: 'Taken.', code: 'name_taken' });
    const model = new SessionModel(new WorkspaceClient(new FakeTransport(() => refusal)), session());
    model.files.set(new Map([['att_1', record()]]));

    await model.rename(record(), 'other.png');

    expect(model.complaint.get()).toMatchObject({ code: 'name_taken' });
    expect(model.files.get().get('att_1')?.name).toBe('loss.png');
  });

  it('knows which names are taken, however their letters are composed', () => {
    const model = new SessionModel(new WorkspaceClient(new FakeTransport(() => answer(500))), session());
    model.files.set(new Map([['a', record({ path: 'attachments/\u00fc.txt' })]]));
    const picked = [{ file: new File(['x'], 'u\u0308.txt'), folder: '' }];

    expect(model.taken(picked)).toEqual(picked);
    expect(model.taken([{ file: new File(['x'], 'new.txt'), folder: '' }])).toEqual([]);
  });
});

describe('the rows', () => {
  const files = [
    record({ attachment_id: '1', name: 'loss10.png', path: 'plots/loss10.png', size: 5 }),
    record({ attachment_id: '2', name: 'Loss2.png', path: 'plots/Loss2.png', size: 9 }),
    record({ attachment_id: '3', name: 'data.csv', path: 'attachments/data.csv', kind: 'attachment', media: 'file', mime: 'text/csv', size: 7 })
  ];
  const names = (query: Partial<typeof NEWEST>): string[] =>
    rowsOf(files, { ...NEWEST, ...query }).map(({ name }) => name);

  it('count numbers as numbers and ignore case', () => {
    expect(names({ sort: 'name', isDescending: false })).toEqual(['data.csv', 'Loss2.png', 'loss10.png']);
  });

  it('are narrowed by words, kind and type', () => {
    expect(names({ text: 'PLOTS 2' })).toEqual(['Loss2.png']);
    expect(names({ kind: 'attachment' })).toEqual(['data.csv']);
    expect(names({ type: 'image', sort: 'size' })).toEqual(['Loss2.png', 'loss10.png']);
  });

  it('turn round when sorted by the same again', () => {
    const once = sortedBy(NEWEST, 'size');

    expect(once).toMatchObject({ sort: 'size', isDescending: true });
    expect(sortedBy(once, 'size').isDescending).toBe(false);
    expect(sortedBy(once, 'name').isDescending).toBe(false);
  });

  it('know what a file is to a person', () => {
    expect(typeOf(record({ media: 'file', mime: 'application/pdf' }))).toBe('pdf');
    expect(typeOf(record({ media: 'file', mime: 'x/y', name: 'a.ipynb' }))).toBe('notebook');
    expect(typeOf(record({ media: 'file', mime: 'x/y', name: 'a.bin' }))).toBe('other');
  });
});

describe('a selection', () => {
  const rows = ['a', 'b', 'c', 'd'];

  it('is one row, several, or a range from the anchor', () => {
    const one = choose(NOTHING, rows, 'b', 'only');
    const range = choose(one, rows, 'd', 'range');
    const less = choose(range, rows, 'c', 'toggle');

    expect([...one.ids]).toEqual(['b']);
    expect([...range.ids]).toEqual(['b', 'c', 'd']);
    expect([...less.ids]).toEqual(['b', 'd']);
    expect([...chooseAll(one, rows).ids]).toEqual(rows);
  });

  it('moves with the focus and stops at the ends', () => {
    const start = move(NOTHING, rows, 1, 'only');

    expect(start.focus).toBe('a');
    expect(move(start, rows, Infinity, 'only').focus).toBe('d');
    expect([...move(start, rows, 2, 'range').ids]).toEqual(['a', 'b', 'c']);
    expect(move(start, rows, 1, 'focus')).toMatchObject({ focus: 'b', anchor: 'a' });
    expect(move(NOTHING, [], 1, 'only')).toBe(NOTHING);
  });

  it('goes to the next row when its own is gone', () => {
    const chosen = choose(NOTHING, rows, 'b', 'only');

    expect(settle(chosen, rows, ['a', 'c', 'd']).focus).toBe('c');
    expect(settle(chosen, rows, []).focus).toBeNull();
    expect(settle(chosen, rows, rows)).toBe(chosen);
  });

  it('is kept by a view through changes of the list', () => {
    const model = new SessionModel(new WorkspaceClient(new FakeTransport(() => answer(500))), session());
    const put = (...ids: string[]): void =>
      model.files.set(new Map(ids.map(id => [id, record({ attachment_id: id })])));
    const browse = new Browse(model);
    put('a', 'b', 'c');
    browse.choose('b', 'only');

    put('a', 'c');

    expect(browse.focused()?.attachment_id).toBe('c');
    expect(browse.chosenFiles().map(file => file.attachment_id)).toEqual(['c']);
  });
});

describe('a table', () => {
  it('is read with quotes, doubled quotes and line ends inside', () => {
    const { rows } = parseTable('a;b\r\n"x;1";"say ""hi""\nthere"\r\n', false);

    expect(rows).toEqual([
      ['a', 'b'],
      ['x;1', 'say "hi"\nthere']
    ]);
  });

  it('leaves out the row in which its head ends', () => {
    expect(parseTable('a,b\n1,2\n3,', true).rows).toEqual([
      ['a', 'b'],
      ['1', '2']
    ]);
  });

  it('is cut after a hundred rows', () => {
    const table = parseTable('1,2\n'.repeat(500), false);

    expect(table.rows).toHaveLength(100);
    expect(table.isCut).toBe(true);
  });

  it('says how large it is if all of it was read', () => {
    expect(parseTable(`a,b,c\n${'1,2,3\n'.repeat(300)}\n\n`, false)).toMatchObject({
      rowCount: 300,
      columnCount: 3
    });
    expect(parseTable('a,b\n', false)).toMatchObject({ rowCount: 0, columnCount: 2 });
    expect(parseTable('a,b\n1,2\n3,', true)).toMatchObject({ rowCount: null, columnCount: 2 });
    expect(parseTable('a,b,c', true)).toMatchObject({ rowCount: null, columnCount: null });
  });
});

describe('the code line', () => {
  it('names an attachment by its name and anything else by its path', () => {
    expect(codeLine(record({ name: 'a "b".csv', path: 'attachments/a "b".csv' }))).toBe(
      'ws["a \\"b\\".csv"]'
    );
    expect(codeLine(record())).toBe('ws["plots/loss.png"]');
  });

  it('needs its preparation once', () => {
    expect(withPreparation('ws["a.csv"]', ['news = 1'])).toBe(`${PREPARATION}\nws["a.csv"]`);
    expect(withPreparation('ws["a.csv"]', ['import x', 'ws = jw.current()'])).toBe('ws["a.csv"]');
    expect(withPreparation('%pip install news', [])).toBe('%pip install news');
  });

  it('of a first step is whole, alone and after the step before it', () => {
    expect(withPreparation(READING, [])).toBe(READING);
    expect(withPreparation(WRITING, [READING])).toBe(WRITING);
    expect(withPreparation(WRITING, [])).toContain('ws = jw.current()');
    // What a snippet uses it has made: nobody's notebook has `plt` by itself.
    expect(WRITING).toMatch(/^import .* as plt$/m);
  });
});

describe('what people read', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [12345, '12 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [3 * 1024 ** 3, '3.0 GiB'],
    [5000 * 1024 ** 4, '5000 TiB']
  ])('a size of %d bytes is %s', (bytes, text) => {
    expect(formatSize(bytes)).toBe(text);
  });

  it.each([
    [0.2, '1 s'],
    [59, '59 s'],
    [125, '2 min 5 s'],
    [1800, '30 min'],
    [4200, '1 h 10 min']
  ])('a span of %d seconds is %s', (seconds, text) => {
    expect(formatSpan(seconds)).toBe(text);
  });

  it('an age is told in words, and a long one as a date', () => {
    const now = Date.parse('2026-11-21T04:00:00Z');

    expect(formatAge('2026-11-21T03:59:50Z', now, 'en')).toBe('now');
    expect(formatAge('2026-11-21T03:30:00Z', now, 'en')).toMatch(/30/);
    expect(formatAge('2026-01-01T12:00:00Z', now, 'en')).toMatch(/2026/);
  });

  it('ages and dates are in the language of the sentences around them', () => {
    const now = Date.parse('2026-11-21T04:00:00Z');

    expect(formatAge('2026-11-21T03:59:50Z', now, 'de')).toBe('jetzt');
    expect(formatMoment('2026-05-01T12:00:00Z', 'fr')).toContain('mai 2026');
  });

  it.each([
    ['en', ['de-DE', 'en-GB'], 'en-GB'],
    ['de_DE', ['en-US'], 'de-DE'],
    ['zh_CN', [], 'zh-CN'],
    ['', ['de'], 'en'],
    ['no language', ['de'], 'en']
  ])('the language %j of JupyterLab in a browser for %j is %s', (code, preferred, tag) => {
    expect(languageTag(code, preferred)).toBe(tag);
  });

  it('a name cannot be made to read as another one', () => {
    expect(shownName('\u202Egpj.exe')).toBe('\uFFFDgpj.exe');
  });

  it('a path has a folder and a last component', () => {
    expect(baseName('a/b/c.ipynb')).toBe('c.ipynb');
    expect(folderName('a/b/c.ipynb')).toBe('a/b');
    expect(folderName('c.ipynb')).toBe('');
  });

  it('a rate is that of the last seconds', () => {
    const rate = new Rate();

    expect(rate.at(0, 0)).toBe(0);
    expect(rate.at(1000, 1000)).toBe(1000);
    expect(rate.at(3000, 2000)).toBe(1500);
  });
});

it('a signal tells those who look, until they leave', () => {
  const listener = vi.fn();
  const desk = new Desk(new WorkspaceClient(new FakeTransport(() => answer(500))));
  const leave = desk.shown.subscribe(listener);

  desk.shown.set({ state: 'loading', notebookPath: 'a' });
  leave();
  desk.shown.set({ state: 'no-notebook' });

  expect(listener).toHaveBeenCalledTimes(1);
});

describe('turns', () => {
  it('lets a few begin, and the next when one of them ends', () => {
    const begun: string[] = [];
    const turns = new Turns(2);
    const ends = ['a', 'b', 'c', 'd'].map(name => turns.take(() => void begun.push(name)));
    expect(begun).toEqual(['a', 'b']);

    ends[2]?.();
    ends[0]?.();
    ends[0]?.();

    expect(begun).toEqual(['a', 'b', 'd']);
  });
});
