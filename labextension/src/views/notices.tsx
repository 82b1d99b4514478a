import { useEffect } from 'react';
import type { ReactElement, ReactNode } from 'react';

import type { Pick, Picked } from '../client/picked';
import type { Conflict } from '../client/wire';
import { INSTALLATION } from '../model/code';
import type { Browse } from '../model/browse';
import type { SessionModel } from '../model/session';
import { IconButton, useKit, useSignal, useTrans } from './kit';
import { sentenceOf } from './sentences';

/** How long a deletion can be undone from its notice, in milliseconds. */
const UNDO_MS = 10_000;

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
export function Notices({ model }: { readonly model: SessionModel }): ReactElement {
  const trans = useTrans();
  const session = useSignal(model.session);
  const line = useSignal(model.line);
  const complaint = useSignal(model.complaint);
  // After that nobody tries again.
  const hasFailed = useSignal(model.loading).state === 'failed';
  return (
    <>
      {session.status !== 'active' && (
        <Notice
          tone="plain"
          actions={
            <button type="button" className="jp-FA-text" onClick={() => void model.reopen()}>
              {trans.__('Open again')}
            </button>
          }
        >
          {trans.__('Closed: these files can be read, but not changed.')}
        </Notice>
      )}
      {line === 'broken' && !hasFailed && (
        <Notice tone="warning">{trans.__('Offline. This list is from the last contact; trying again…')}</Notice>
      )}
      {complaint !== null && (
        <Notice tone="error" onClose={() => model.complaint.set(null)}>
          <Complaint error={complaint} />
        </Notice>
      )}
      <Undo model={model} />
    </>
  );
}

function Complaint({ error }: { readonly error: Error }): ReactElement {
  const { what, todo } = sentenceOf(error, useTrans());
  return (
    <>
      {what} {todo}
    </>
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
        <button type="button" className="jp-FA-text" onClick={() => void model.undo()}>
          {trans.__('Undo')}
        </button>
      }
    >
      {count === 1
        ? trans.__('%1 is in the trash.', first?.name ?? '')
        : trans._n('%1 file is in the trash.', '%1 files are in the trash.', count)}
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
  const rest = pick.files.filter(one => !taken.includes(one));
  const [first] = taken;
  const button = (label: string, act: () => void): ReactElement => (
    <button type="button" className="jp-FA-text" onClick={act}>
      {label}
    </button>
  );
  return (
    <Notice
      tone="warning"
      actions={
        <>
          {button(trans.__('Keep both'), () => onChoice(pick.files, 'rename'))}
          {button(trans.__('Replace'), () => onChoice(pick.files, 'replace'))}
          {button(trans.__('Skip'), () => onChoice(rest, 'rename'))}
        </>
      }
    >
      {taken.length === 1
        ? trans.__('There is a file %1 already.', first?.file.name ?? '')
        : trans._n('%1 name is taken already.', '%1 names are taken already.', taken.length)}
    </Notice>
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

/** The kernel cannot load our package: here is the line that installs it. */
export function Missing({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { host, trans } = useKit();
  const act = host.insert ?? ((code: string): void => void host.copy(code));
  return (
    <Notice
      tone="plain"
      onClose={onClose}
      actions={
        <button type="button" className="jp-FA-text" onClick={() => act(INSTALLATION)}>
          {host.insert === undefined ? trans.__('Copy') : trans.__('Insert')}
        </button>
      }
    >
      {trans.__('The kernel of this notebook lacks the package. This line installs it:')}{' '}
      <code>{INSTALLATION}</code>
    </Notice>
  );
}
