import { isUnreadable, Unreachable, WorkspaceError } from '../client/errors';
import { formatSize } from '../model/format';
import type { Trans } from './text';

/** What went wrong, and what to do about it. */
export interface Sentence {
  readonly what: string;
  readonly todo: string;
}

/** An error in two sentences that a person can act on. */
export function sentenceOf(error: Error, trans: Trans): Sentence {
  if (error instanceof Unreachable) {
    return {
      what: trans.__('The server cannot be reached.'),
      todo: trans.__('Check the network; what has arrived is kept.')
    };
  }
  if (isUnreadable(error)) {
    return {
      what: trans.__('The file on your computer has changed or is gone.'),
      todo: trans.__('Choose it again.')
    };
  }
  if (error instanceof WorkspaceError) {
    // A hub or Jupyter itself may refuse before our code is asked.
    const code = error.code === '' && error.status === 403 ? 'forbidden' : error.code;
    return SENTENCES[code]?.(trans, error) ?? { what: messageOf(error, trans), todo: error.hint };
  }
  return { what: error.message, todo: '' };
}

function messageOf(error: WorkspaceError, trans: Trans): string {
  const isForeign = error.facts['isForeign'] === true;
  return isForeign ? trans.__('The server answered %1.', String(error.status)) : error.message;
}

type Say = (trans: Trans, error: WorkspaceError) => Sentence;

/** A size that a refusal names. */
function size(error: WorkspaceError, fact: string): string {
  const value = error.facts[fact];
  return typeof value === 'number' ? formatSize(value) : '?';
}

const SENTENCES: Partial<Record<string, Say>> = {
  file_too_large: (trans, error) => ({
    what: trans.__('Larger than the %1 allowed for one file.', size(error, 'limit')),
    todo: trans.__('Split or compress it, or ask the administrator for a higher limit.')
  }),
  quota_exceeded: (trans, error) => ({
    what: trans.__('No room: %1 of %2 are in use.', size(error, 'used'), size(error, 'limit')),
    todo: trans.__('Delete files or empty the trash, then try again.')
  }),
  disk_full: trans => ({
    what: trans.__('The disk of the server is full.'),
    todo: trans.__('Delete what is no longer needed, then try again.')
  }),
  type_refused: trans => ({
    what: trans.__('Files of this type are not allowed here.'),
    todo: trans.__('Save it in another format.')
  }),
  not_accepted: trans => ({
    what: trans.__('This place does not take files of this type.'),
    todo: trans.__('Choose another file.')
  }),
  too_large_here: (trans, error) => ({
    what: trans.__('This place takes files of at most %1.', size(error, 'limit')),
    todo: trans.__('Choose a smaller file.')
  }),
  one_only: trans => ({
    what: trans.__('This place takes one file at a time.'),
    todo: ''
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
    what: trans.__('You may not do this, or your login is no longer valid.'),
    todo: trans.__('Reload the page; if that does not help, ask the administrator of this server.')
  })
};
