import { afterEach, describe, expect, it, vi } from 'vitest';

import { named, pickOfTransfer } from '../src/client/picked';

/** What a browser gives for a dropped file; one without content cannot be read. */
function fileEntry(name: string, content: string | null): unknown {
  return {
    isFile: true,
    name,
    file: (resolve: (file: File) => void, reject: (error: Error) => void) =>
      content === null ? reject(new DOMException('gone', 'NotFoundError')) : resolve(new File([content], name))
  };
}

function folderEntry(name: string, entries: readonly unknown[]): unknown {
  let rest = [entries];
  const readEntries = (resolve: (entries: readonly unknown[]) => void): void => {
    resolve(rest.flat());
    rest = [];
  };
  return { isFile: false, name, createReader: () => ({ readEntries }) };
}

function dropped(...entries: readonly unknown[]): DataTransfer {
  const items = entries.map(entry => ({ kind: 'file', webkitGetAsEntry: () => entry }));
  return { items } as unknown as DataTransfer;
}

describe('a drop', () => {
  it('keeps the folders of its files, and names what only a file manager writes', async () => {
    const folder = folderEntry('run', [
      fileEntry('a.txt', 'a'),
      folderEntry('deep', [fileEntry('b.txt', 'b'), fileEntry('.DS_Store', 'x')])
    ]);

    const { files, skipped, unreadable } = await pickOfTransfer(dropped(folder, fileEntry('c.txt', 'c')));

    expect(files.map(({ file, folder: place }) => [place, file.name])).toEqual([
      ['run', 'a.txt'],
      ['run/deep', 'b.txt'],
      ['', 'c.txt']
    ]);
    expect(skipped).toEqual(['run/deep/.DS_Store']);
    expect(unreadable).toEqual([]);
  });

  it('loses no other file when one cannot be read', async () => {
    const folder = folderEntry('run', [fileEntry('gone.txt', null), fileEntry('a.txt', 'a')]);

    const { files, unreadable } = await pickOfTransfer(dropped(folder));

    expect(files.map(({ file }) => file.name)).toEqual(['a.txt']);
    expect(unreadable).toEqual(['run/gone.txt']);
  });
});

describe('a pasted picture', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('has the time of the person as its name', () => {
    vi.stubEnv('TZ', 'Asia/Tokyo');
    const picture = new File(['x'], 'image.png', { type: 'image/png' });
    const pick = { files: [{ file: picture, folder: '' }], skipped: [], unreadable: [] };

    const { files } = named(pick, new Date('2026-11-21T23:05:03Z'));

    expect(files.map(({ file }) => file.name)).toEqual(['Screenshot 2026-11-22 08.05.03.png']);
  });
});
