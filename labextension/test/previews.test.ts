import { describe, expect, it } from 'vitest';

import { WorkspaceClient } from '../src/client/client';
import { previewOf, refusalOf, type Preview } from '../src/model/preview';
import { SessionModel } from '../src/model/session';
import type { FileRecord } from '../src/client/wire';
import { reasonOf } from '../src/views/broken';
import { english } from '../src/views/text';
import { FakeTransport, answer } from './fakes';
import { record, session } from './records';

const NOTEBOOK = { mime: 'application/x-ipynb+json', media: 'file', name: 'run.ipynb' } as const;

function look(transport: FakeTransport, changes: Partial<FileRecord>): Promise<Preview> {
  return previewOf(new SessionModel(new WorkspaceClient(transport), session()), record(changes));
}

describe('the preview of a notebook', () => {
  const cells = [{ type: 'code', source: 'x = 1' }, { type: 'markdown', source: '# Loss' }];

  it('shows its cells however large its outputs are', async () => {
    // S15: 32 MB of them, of which the page gets none
    const transport = new FakeTransport(() => answer(200, { cells, truncated: true }));

    const preview = await look(transport, { ...NOTEBOOK, size: 32_000_000 });

    expect(transport.asked.map(({ path }) => path)).toEqual(['sessions/churn/artifacts/art_1/preview']);
    expect(preview).toEqual({
      form: 'notebook',
      cells: [
        { isCode: true, source: 'x = 1' },
        { isCode: false, source: '# Loss' }
      ],
      isCut: true
    });
  });

  it('is its beginning as text where the server finds no cells in it', async () => {
    const transport = new FakeTransport(({ path }) =>
      path.endsWith('/preview') ? answer(415, { message: 'No.', code: 'type_refused' }) : answer(206, '{"cells": [')
    );

    expect(await look(transport, { ...NOTEBOOK, size: 32_000_000 })).toEqual({
      form: 'text',
      text: '{"cells": [',
      isCut: true
    });
  });

  it('is a failure while the server is away', async () => {
    const transport = new FakeTransport(() => answer(503, { message: 'Busy.', code: 'busy' }));

    await expect(look(transport, { ...NOTEBOOK, size: 32_000_000 })).rejects.toMatchObject({ status: 503 });
  });
});

describe('the preview of a picture', () => {
  it.each([
    ['image/png', 5_000_000, '/preview?size=1024'],
    ['image/png', 5000, '?mode=stream'],
    ['image/tiff', 5000, '/preview?size=1024'],
    // The server has no decoder for it.
    ['image/avif', 5000, '?mode=stream']
  ])('%s of %d bytes is made by who can', async (mime, size, end) => {
    const model = new SessionModel(new WorkspaceClient(new FakeTransport(() => answer(500))), session());
    model.hasPreviews.set(true);

    const preview = await previewOf(model, record({ mime, size }));

    const isOriginal = end === '?mode=stream';
    expect(preview).toEqual({ form: 'image', url: `/base/sessions/churn/artifacts/art_1${end}`, isOriginal });
  });
});

describe('a picture that is not there', () => {
  // S15, issue 6 point 4: 415 and 413 with reasons
  it.each([
    [answer(413, { message: 'No.', code: 'file_too_large', limit: 64 * 2 ** 20 }), 'Previews are made of files up to 64 MiB.'],
    [
      answer(415, { message: 'No.', code: 'type_refused', cause: 'costly' }),
      'To show it would take the server too much time or memory.'
    ],
    [
      answer(415, { message: 'No.', code: 'type_refused', cause: 'damaged' }),
      'It is damaged or locked, or is not what its name says.'
    ],
    [answer(503, { message: 'The server is busy.', code: 'busy' }), 'The server is busy.']
  ])('has the reason of the server', async (refused, reason) => {
    const transport = new FakeTransport(() => refused);
    const model = new SessionModel(new WorkspaceClient(transport), session());

    const refusal = await refusalOf(model, record());

    expect(transport.asked.map(({ path }) => path)).toEqual(['sessions/churn/artifacts/art_1/preview?size=1024']);
    expect(refusal === null ? '' : reasonOf(refusal, english)).toBe(reason);
  });

  it.each([
    ['application/pdf', 'unsupported'],
    ['application/zip', 'type']
  ])('is not looked for where the server makes none: %s', async (mime, cause) => {
    const transport = new FakeTransport(() => answer(500));

    expect(await look(transport, { mime, media: 'file', name: 'a', size: 5000 })).toEqual({ form: 'none', cause });
    expect(transport.asked).toEqual([]);
  });
});

describe('the preview of JSON', () => {
  const json = (text: string): Promise<Preview> =>
    look(new FakeTransport(() => answer(206, text)), {
      name: 'a.json',
      mime: 'application/json',
      media: 'file',
      size: text.length
    });

  it('has a line a value', async () => {
    expect(await json('{"a":[1,"[{,"]}')).toMatchObject({
      text: '{\n  "a": [\n    1,\n    "[{,"\n  ]\n}'
    });
  });

  it('stays as it is when lines would make it grow without end', async () => {
    // S15: 100 kB become 240 MB of spaces
    const text = `${'['.repeat(2000)}0${',1'.repeat(50_000)}${']'.repeat(2000)}`;

    const preview = await json(text);

    // Compared by length: a comparison of megabytes would take minutes to tell.
    expect(preview.form === 'text' && preview.text.length).toBe(text.length);
  });
});
