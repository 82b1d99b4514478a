import { useEffect, useRef, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { pauseBefore } from '../client/backoff';
import { isPassing } from '../client/errors';
import type { Pick, Picked } from '../client/picked';
import type { Conflict } from '../client/wire';
import { INSTALLATION } from '../model/code';
import type { Browse } from '../model/browse';
import { shownName } from '../model/format';
import type { SessionModel } from '../model/session';
import { IconButton, useKit, useSignal, useTrans } from './kit';
import { Reload, RemedyButton, TextButton } from './remedies';
import { sentenceOf } from './sentences';

/** How long a deletion can be undone from its notice, in milliseconds. */
const UNDO_MS = 10_000;
/** The first of the growing pauses after a failure: a sentence that is gone at once cannot be read. */
const FIRST_RETRY = 3;
/** Names that are listed; the rest are counted. */
const LISTED = 200;

interface NoticeProps {
  readonly tone: 'plain' | 'warning' | 'error';
  readonly children: ReactNode;
  readonly onClose?: (() => void) | undefined;
  readonly actions?: ReactNode;
}

/** A line about the whole, with what can be done about it. */
export function Notice({ tone, children, onClose, actions }: NoticeProps): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-FA-notice" data-tone={tone} role={tone === 'error' ? 'alert' : 'status'}>
      <div>{children}</div>
      <div className="jp-FA-noticeActions">
        {actions}
        {onClose !== undefined && (
          <IconButton icon="close" label={trans.__('Dismiss')} onClick={onClose} />
        )}
      </div>
    </div>
  );
}

/** The notices of a session: what was refused, what can be undone, how the line is. */
export function Notices({ browse }: { readonly browse: Browse }): ReactElement {
  const { model } = browse;
  const trans = useTrans();
  const line = useSignal(model.line);
  const complaint = useSignal(model.complaint);
  // After that nobody tries again.
  const hasFailed = useSignal(model.loading).state === 'failed';
  return (
    <>
      <Closed model={model} />
      {line === 'broken' && !hasFailed && (
        <Notice tone="warning">{trans.__('Connection lost. Reconnecting…')}</Notice>
      )}
      {complaint !== null && <Complaint error={complaint} browse={browse} />}
      <Undo model={model} />
    </>
  );
}

/** Who closed it is not known; that nothing is lost, and what can be done, is. */
function Closed({ model }: { readonly model: SessionModel }): ReactElement | null {
  const trans = useTrans();
  const { status } = useSignal(model.session);
  if (status === 'active') {
    return null;
  }
  return (
    <Notice
      tone="plain"
      actions={<TextButton label={trans.__('Open again')} onClick={() => void model.reopen()} />}
    >
      {status === 'completed'
        ? trans.__('Closed: somebody, or a program, marked these files as completed.')
        : trans.__('Closed: somebody, or a program, marked these files as abandoned.')}{' '}
      {trans.__('They can be read and downloaded. Open them again to add or change files.')}
    </Notice>
  );
}

function Complaint({ error, browse }: { readonly error: Error; readonly browse: Browse }): ReactElement {
  const { what, todo, remedy } = sentenceOf(error, useTrans());
  return (
    <Notice
      tone="error"
      actions={<RemedyButton remedy={remedy} browse={browse} />}
      onClose={() => browse.model.complaint.set(null)}
    >
      {what} {todo}
    </Notice>
  );
}

interface FailureProps {
  /** What could not be had. */
  readonly children: ReactNode;
  readonly error: Error;
  readonly onRetry: () => void;
  /** Whether somebody else tries again after what may pass. */
  readonly isRetried?: boolean;
}

/** There is nothing to show, and why. What may pass is tried again by itself, ever more seldom. */
export function Failure({ children, error, onRetry, isRetried = false }: FailureProps): ReactElement {
  const trans = useTrans();
  const { what, todo, remedy } = sentenceOf(error, trans);
  const mayPass = isPassing(error);
  const retry = useRef(onRetry);
  retry.current = onRetry;
  const failures = useRef(FIRST_RETRY);
  useEffect(() => {
    if (isRetried || !mayPass) {
      return undefined;
    }
    const timer = setTimeout(() => retry.current(), pauseBefore(failures.current++));
    return () => clearTimeout(timer);
  }, [error, mayPass, isRetried]);
  return (
    <Notice
      tone="error"
      actions={
        remedy === 'reload' ? (
          <Reload />
        ) : (
          <TextButton label={mayPass ? trans.__('Try now') : trans.__('Try again')} onClick={onRetry} />
        )
      }
    >
      {children} {what} {mayPass ? trans.__('Trying again by itself…') : todo}
    </Notice>
  );
}

function Undo({ model }: { readonly model: SessionModel }): ReactElement | null {
  const trans = useTrans();
  const deletion = useSignal(model.deletion);
  useEffect(() => {
    const timer = setTimeout(() => model.deletion.set(null), UNDO_MS);
    return () => clearTimeout(timer);
  }, [model, deletion]);
  if (deletion === null) {
    return null;
  }
  const [first] = deletion.files;
  const count = deletion.files.length;
  return (
    <Notice
      tone="plain"
      onClose={() => model.deletion.set(null)}
      actions={
        <TextButton label={trans.__('Undo')} onClick={() => void model.undo()} />
      }
    >
      {count === 1
        ? trans.__('%1 moved to the trash.', shownName(first?.name ?? ''))
        : trans._n('%1 file moved to the trash.', '%1 files moved to the trash.', count)}
    </Notice>
  );
}

interface ConflictsProps {
  readonly pick: Pick;
  readonly taken: readonly Picked[];
  readonly onChoice: (files: readonly Picked[], onConflict: Conflict) => void;
}

/** Some names are taken: what shall become of them? */
export function Conflicts({ pick, taken, onChoice }: ConflictsProps): ReactElement {
  const trans = useTrans();
  const [isListed, setListed] = useState(false);
  const rest = pick.files.filter(one => !taken.includes(one));
  const count = taken.length;
  const name = shownName(taken[0]?.file.name ?? '');
  return (
    <Notice
      tone="warning"
      actions={
        <>
          <TextButton
            tone="main"
            label={trans.__('Keep both')}
            onClick={() => onChoice(pick.files, 'rename')}
          />
          <TextButton
            tone="danger"
            label={count === 1 ? trans.__('Replace') : trans.__('Replace all')}
            onClick={() => onChoice(pick.files, 'replace')}
          />
          <TextButton label={trans.__('Skip')} onClick={() => onChoice(rest, 'rename')} />
        </>
      }
    >
      {count === 1
        ? trans.__('%1 already exists here.', name)
        : rest.length === 0
          ? trans.__('%1 files already exist here.', String(count))
          : trans.__('%1 of %2 files already exist here.', String(count), String(pick.files.length))}{' '}
      {count > 1 && (
        <TextButton
          label={isListed ? trans.__('Hide them') : trans.__('Show them')}
          onClick={() => setListed(!isListed)}
        />
      )}
      {isListed && <Names taken={taken} />}
    </Notice>
  );
}

function Names({ taken }: { readonly taken: readonly Picked[] }): ReactElement {
  const trans = useTrans();
  const more = taken.length - LISTED;
  return (
    // A list that scrolls must be reached by key.
    <ul className="jp-FA-names" tabIndex={0} aria-label={trans.__('Files that exist already')}>
      {taken.slice(0, LISTED).map(({ file, folder }) => (
        <li key={`${folder}/${file.name}`}>
          <bdi>{shownName(folder === '' ? file.name : `${folder}/${file.name}`)}</bdi>
        </li>
      ))}
      {more > 0 && <li>{trans._n('and %1 more', 'and %1 more', more)}</li>}
    </ul>
  );
}

interface SkippedProps {
  readonly names: readonly string[];
  readonly onClose: () => void;
}

/** What was in a folder and is not sent: files that only a file manager writes. */
export function Skipped({ names, onClose }: SkippedProps): ReactElement {
  const trans = useTrans();
  const some = names.slice(0, 3).join(', ');
  return (
    <Notice tone="plain" onClose={onClose}>
      {names.length > 3
        ? trans._n('Left out %1 hidden file: %2, …', 'Left out %1 hidden files: %2, …', names.length, some)
        : trans.__('Left out, because it is hidden: %1', some)}
    </Notice>
  );
}

/** What was dropped and could not be read. */
export function Unreadable({ names, onClose }: SkippedProps): ReactElement {
  const trans = useTrans();
  return (
    <Notice tone="error" onClose={onClose}>
      {trans._n(
        '%1 file could not be read: %2',
        '%1 files could not be read: %2',
        names.length,
        names.slice(0, 3).join(', ')
      )}
    </Notice>
  );
}

/** Says to a screen reader which files came; of those that this page sent, their transfers say it. */
export function News({ browse }: { readonly browse: Browse }): ReactElement {
  const trans = useTrans();
  const fresh = useSignal(browse.model.fresh);
  const files = browse.model.files.get();
  const names = [...fresh]
    .map(id => files.get(id))
    .filter(file => file !== undefined && file.source !== 'upload')
    .map(file => file?.name ?? '');
  return (
    <div className="jp-FA-unseen" role="status">
      {names.length > 3
        ? trans._n('%1 new file', '%1 new files', names.length)
        : names.map(name => trans.__('%1 is new.', name)).join(' ')}
    </div>
  );
}

/** The kernel cannot load our package: what it is for, and the line that installs it. */
export function Missing({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { host, trans } = useKit();
  const act = host.insert ?? ((code: string): void => void host.copy(code));
  return (
    <Notice
      tone="plain"
      onClose={onClose}
      actions={
        <TextButton
          label={host.insert === undefined ? trans.__('Copy') : trans.__('Insert')}
          onClick={() => act(INSTALLATION)}
        />
      }
    >
      {trans.__(
        'This notebook’s kernel lacks jupyter-workspace, with which code finds these files by name. This line installs it:'
      )}{' '}
      <code>{INSTALLATION}</code>
    </Notice>
  );
}
