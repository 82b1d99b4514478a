import { isUnreadable, Unreachable, WorkspaceError } from '../client/errors';
import { formatSize, shownName } from '../model/format';
import type { Trans } from './text';

/** What a person can do about an error by pressing a button. */
export type Remedy = 'choose' | 'largest' | 'reload';

/** What went wrong, and what to do about it; `remedy` is the button that does it, if there is one. */
export interface Sentence {
  readonly what: string;
  readonly todo: string;
  readonly remedy?: Remedy;
}

/** The file that an error is about. */
export interface Subject {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** An error in sentences that a person can act on. */
export function sentenceOf(error: Error, trans: Trans, subject?: Subject): Sentence {
  if (error instanceof Unreachable) {
    return {
      what: trans.__('The server cannot be reached.'),
      todo: trans.__('Check the network; what has arrived is kept.')
    };
  }
  if (isUnreadable(error)) {
    return {
      what: trans.__('The file changed on your computer, or is gone.'),
      todo: trans.__('Choose it again to upload the new version.'),
      remedy: 'choose'
    };
  }
  if (error instanceof WorkspaceError) {
    // A hub or Jupyter itself may refuse before our code is asked.
    const code = error.code === '' && [401, 403].includes(error.status) ? 'forbidden' : error.code;
    const known = SENTENCES[code]?.(trans, error, subject);
    const isForeign = error.facts['isForeign'] === true;
    return known ?? (isForeign ? foreign(error, trans) : { what: error.message, todo: error.hint });
  }
  return { what: error.message, todo: '' };
}

/** An answer of something that is not our server, of which only the status is known. */
function foreign({ status }: WorkspaceError, trans: Trans): Sentence {
  const number = String(status);
  if (status >= 500) {
    return {
      what: trans.__('The server could not do it (error %1).', number),
      todo: trans.__('Try again in a moment; if it stays so, tell the administrator the number.')
    };
  }
  if (status === 404) {
    return {
      what: trans.__('The server does not know this address (error 404).'),
      todo: trans.__('Ask the administrator whether jupyter-workspace is enabled on it.')
    };
  }
  return {
    what: trans.__('Something between this page and the server refused it (error %1).', number),
    todo: trans.__('Tell the administrator the number: a proxy or a firewall has a rule against it.')
  };
}

type Say = (trans: Trans, error: WorkspaceError, subject?: Subject) => Sentence;

/** A size that a refusal names. */
function size(error: WorkspaceError, fact: string): string {
  const value = error.facts[fact];
  return typeof value === 'number' ? formatSize(value) : '?';
}

/** What is too large, with its size when that is known. */
function tooLarge(trans: Trans, error: WorkspaceError, subject: Subject | undefined): string {
  const limit = size(error, 'limit');
  return subject === undefined
    ? trans.__('At most %1 a file are accepted here.', limit)
    : trans.__('At most %1 a file are accepted here (%2 has %3).', limit, shownName(subject.name), formatSize(subject.size));
}

/** The end of a file's name with its dot; '' for none. */
function ending(subject: Subject | undefined): string {
  return /\.[^.]+$/.exec(subject?.name ?? '')?.[0] ?? '';
}

/** What is accepted, in words: `.csv files, images`. */
export function acceptedTypes(accept: string, trans: Trans): string {
  const words: Partial<Record<string, string>> = {
    'image/*': trans.__('images'),
    'audio/*': trans.__('sound'),
    'video/*': trans.__('video'),
    'text/*': trans.__('text')
  };
  const wanted = accept.split(',').map(one => one.trim()).filter(one => one !== '');
  const isEnding = (one: string): boolean => one.startsWith('.');
  const endings = wanted.filter(isEnding).join(', ');
  return [
    ...(endings === '' ? [] : [trans.__('%1 files', endings)]),
    ...wanted.filter(one => !isEnding(one)).map(one => words[one] ?? one)
  ].join(', ');
}

/** No room under a limit. The trash gives way by itself before that, so to empty it would not help. */
const noRoom: Say = (trans, error, subject) => {
  const { used, limit, free } = error.facts;
  const known = typeof used === 'number' && typeof limit === 'number' ? Math.max(0, limit - used) : 0;
  const left = formatSize(typeof free === 'number' ? free : known);
  const asked = subject === undefined ? size(error, 'requested') : formatSize(subject.size);
  const isOfUser = error.facts['scope'] === 'user';
  const what = isOfUser
    ? trans.__('Needs %1, but %3 of the %2 for all your notebooks are free.', asked, size(error, 'limit'), left)
    : trans.__('Needs %1, but %3 of the %2 for this notebook are free.', asked, size(error, 'limit'), left);
  return {
    what,
    todo: isOfUser
      ? trans.__('Delete files here or in another notebook, then try again.')
      : trans.__('Delete files that are no longer needed, then try again.'),
    remedy: 'largest'
  };
};

const SENTENCES: Partial<Record<string, Say>> = {
  file_too_large: (trans, error, subject) => ({
    what: tooLarge(trans, error, subject),
    todo: trans.__('Split or compress it, or ask the administrator for a higher limit.')
  }),
  quota_exceeded: noRoom,
  disk_full: (trans, _error, subject) => ({
    what:
      subject === undefined
        ? trans.__('The disk of the server is full.')
        : trans.__('The disk of the server has no room for %1.', formatSize(subject.size)),
    todo: trans.__('Delete files that are no longer needed, then try again.'),
    remedy: 'largest'
  }),
  type_refused: (trans, _error, subject) => ({
    what:
      ending(subject) === ''
        ? trans.__('Files of this type are not allowed here.')
        : trans.__('%1 files are not allowed here.', ending(subject)),
    todo: trans.__('The administrator of the server decides which types are.')
  }),
  not_accepted: (trans, { facts: { accept } }) => ({
    what: trans.__('Only %1 are accepted here.', acceptedTypes(typeof accept === 'string' ? accept : '', trans)),
    todo: ''
  }),
  too_large_here: (trans, error, subject) => ({ what: tooLarge(trans, error, subject), todo: '' }),
  one_only: trans => ({
    what: trans.__('Only one file at a time is accepted here.'),
    todo: trans.__('Bring it in by itself.')
  }),
  clipboard_closed: trans => ({
    what: trans.__('This page may not write to the clipboard.'),
    todo: trans.__('Open it over HTTPS.')
  }),
  infected: trans => ({
    what: trans.__('The virus scanner found something in it. It was not stored.'),
    todo: trans.__('Check the file on your computer.')
  }),
  scan_unavailable: trans => ({
    what: trans.__('The virus scanner does not answer, so nothing is accepted now.'),
    todo: trans.__('Try again in a few minutes.')
  }),
  name_taken: trans => ({
    what: trans.__('There is another file of this name.'),
    todo: trans.__('Choose another name.')
  }),
  name_invalid: trans => ({
    what: trans.__('This name cannot be used.'),
    todo: trans.__('Leave out slashes, leading dots, and a dot or space at the end.')
  }),
  proxy_too_large: trans => ({
    what: trans.__('Something between this page and the server refuses even small parts.'),
    todo: trans.__('Ask the administrator to raise the body size of the proxy.')
  }),
  session_closed: trans => ({
    what: trans.__('These files are closed to changes.'),
    todo: trans.__('Open them again first.')
  }),
  digest_mismatch: trans => ({
    what: trans.__('What arrived is not what was sent.'),
    todo: trans.__('Try again.')
  }),
  forbidden: trans => ({
    what: trans.__('Your login is no longer valid, or you may not do this.'),
    todo: trans.__('Reload the page to log in again.'),
    remedy: 'reload'
  })
};
