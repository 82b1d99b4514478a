import { describe, expect, it } from 'vitest';

import { WorkspaceError } from '../src/client/errors';
import { acceptedTypes, sentenceOf } from '../src/views/sentences';
import { english } from '../src/views/text';

const MIB = 1024 * 1024;

function said(status: number, facts: Record<string, unknown>, name = 'long.csv', size = 4096): string {
  const { what, todo } = sentenceOf(new WorkspaceError(status, { message: 'No.', ...facts }), english, { name, size });
  return `${what} ${todo}`.trim();
}

describe('a refusal', () => {
  it('for lack of room names the size, what is free, and whose limit it is', () => {
    const facts = { code: 'quota_exceeded', used: 9 * MIB, limit: 10 * MIB, requested: 2 * MIB };

    expect(said(507, { ...facts, scope: 'session' }, 'a.bin', 2 * MIB)).toBe(
      'Needs 2.0 MiB, but 1.0 MiB of the 10 MiB for this notebook are free. Delete files that are no longer needed, then try again.'
    );
    // What lies in the trash gives way, so it is free.
    expect(said(507, { ...facts, scope: 'user', free: 1.5 * MIB })).toContain(
      '1.5 MiB of the 10 MiB for all your notebooks are free.'
    );
  });

  it('of a type names the ending, and gives no advice that does not help', () => {
    expect(said(415, { code: 'type_refused' }, 'setup.exe')).toBe(
      '.exe files are not allowed here. The administrator of the server decides which types are.'
    );
  });

  it('of a panel names what is accepted, and the size of what is too large', () => {
    expect(said(415, { code: 'not_accepted', accept: '.csv' })).toBe('Only .csv files are accepted here.');
    expect(said(413, { code: 'too_large_here', limit: 1024 })).toBe(
      'At most 1.0 KiB a file are accepted here (long.csv has 4.0 KiB).'
    );
  });

  it.each([
    [415, 'Something between this page and the server refused it (error 415).'],
    [404, 'The server does not know this address (error 404).'],
    [500, 'The server could not do it (error 500).']
  ])('with the bare status %i of something else says what to do', (status, what) => {
    const { what: told, todo } = sentenceOf(
      new WorkspaceError(status, { message: `The server answered ${status}.`, isForeign: true }),
      english
    );

    expect(told).toBe(what);
    expect(todo).not.toBe('');
  });

  it('of a login that has ended offers to load the page again', () => {
    expect(sentenceOf(new WorkspaceError(403, { message: 'Forbidden' }), english).remedy).toBe('reload');
  });
});

describe('what is accepted', () => {
  it.each([
    ['.csv', '.csv files'],
    ['.csv, .tsv,image/*', '.csv, .tsv files, images'],
    ['application/pdf', 'application/pdf']
  ])('%s reads %s', (accept, words) => expect(acceptedTypes(accept, english)).toBe(words));
});
