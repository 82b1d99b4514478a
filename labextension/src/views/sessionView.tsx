import { useEffect, useMemo, useRef, useState } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { named, pickOf, pickOfTransfer, type Pick } from '../client/picked';
import { WorkspaceError } from '../client/errors';
import { Actions } from '../model/actions';
import { Browse } from '../model/browse';
import { formatSize } from '../model/format';
import type { SessionModel } from '../model/session';
import type { Query } from '../model/table';
import { Bar } from './bar';
import { DropHint, useDrop } from './drop';
import { Empty } from './empty';
import { useKeptFocus } from './focus';
import { Grid } from './grid';
import { useKit, useSignal, useTrans } from './kit';
import { Conflicts, Failure, News, Notices, Skipped, Unreadable } from './notices';
import { PreviewPane } from './previewPane';
import { acceptedTypes } from './sentences';
import { Filters, Toolbar } from './toolbar';
import { TrashView } from './trash';
import { Announcer, Tray } from './tray';

/** What a view takes in. */
export interface Intake {
  /** As in `<input accept>`: `.csv,image/*`. */
  readonly accept?: string | undefined;
  readonly isMultiple?: boolean | undefined;
  /** In bytes; 0 for any size. */
  readonly maxSize?: number | undefined;
}

interface SessionViewProps {
  readonly model: SessionModel;
  /** What the files belong to. */
  readonly title: string;
  /** What stands above them, if that is not the title. */
  readonly heading?: string;
  readonly scope?: Query['kind'];
  readonly intake?: Intake;
  /** Notices from outside. */
  readonly children?: ReactNode;
  /** Told who acts here, so that commands can do the same. */
  readonly onActions?: (actions: Actions | null) => void;
}

/** All about one session: bring in, list, look at, take out. */
export function SessionView(props: SessionViewProps): ReactElement {
  const { model, scope, onActions, intake = {} } = props;
  const { host } = useKit();
  const actions = useMemo(() => new Actions(new Browse(model, scope), host), [model, scope, host]);
  const [pending, setPending] = useState<Pick | null>(null);
  const [skipped, setSkipped] = useState<readonly string[]>([]);
  const [unreadable, setUnreadable] = useState<readonly string[]>([]);
  const root = useRef<HTMLDivElement>(null);
  useEffect(() => {
    onActions?.(actions);
    return () => onActions?.(null);
  }, [actions, onActions]);
  const take = (pick: Pick): void => {
    const fitting = admit(pick, intake, model);
    setSkipped(pick.skipped);
    setUnreadable(pick.unreadable);
    if (model.taken(fitting.files).length > 0) {
      // A question that is still open stays open.
      setPending(now => (now === null ? fitting : { ...now, files: [...now.files, ...fitting.files] }));
    } else {
      model.upload(fitting.files, 'rename');
    }
  };
  // What is brought in would not be in a list of what was made.
  const isTaking = scope !== 'artifact';
  const isDropping = useDrop(root, transfer => void pickOfTransfer(transfer).then(take), isTaking);
  useKeptFocus(root);
  const page = useSignal(actions.browse.page);
  return (
    <div
      ref={root}
      className="jp-FA-session"
      onPaste={event => isTaking && takePasted(event.clipboardData, take)}
    >
      <Toolbar actions={actions} onPick={take} accept={intake.accept} isMultiple={intake.isMultiple} />
      {isTaking && <Terms intake={intake} />}
      <Title title={props.title} heading={props.heading ?? props.title} browse={actions.browse} />
      {props.children}
      <Notices browse={actions.browse} />
      {skipped.length > 0 && <Skipped names={skipped} onClose={() => setSkipped([])} />}
      {unreadable.length > 0 && <Unreadable names={unreadable} onClose={() => setUnreadable([])} />}
      {pending !== null && (
        <Conflicts
          pick={pending}
          taken={model.taken(pending.files)}
          onChoice={(files, onConflict) => {
            setPending(null);
            model.upload(files, onConflict);
          }}
        />
      )}
      {page === 'trash' ? <TrashView actions={actions} /> : <Files actions={actions} />}
      <Tray queue={model.transfers} browse={actions.browse} />
      <Announcer queue={model.transfers} />
      <News browse={actions.browse} />
      {isDropping && <DropHint title={props.title} model={model} />}
    </div>
  );
}

/** What is accepted, where that is not everything. */
function Terms({ intake }: { readonly intake: Intake }): ReactElement | null {
  const trans = useTrans();
  const { accept = '', maxSize = 0, isMultiple = true } = intake;
  const terms = [
    ...(accept.trim() === '' ? [] : [acceptedTypes(accept, trans)]),
    ...(maxSize > 0 ? [trans.__('at most %1', formatSize(maxSize))] : []),
    ...(isMultiple ? [] : [trans.__('one at a time')])
  ];
  return terms.length === 0 ? null : <p className="jp-FA-terms">{trans.__('Accepts: %1', terms.join(', '))}</p>;
}

interface TitleProps {
  readonly title: string;
  readonly heading: string;
  readonly browse: Browse;
}

function Title({ title, heading, browse }: TitleProps): ReactElement {
  const { trans, language } = useKit();
  const files = useSignal(browse.files);
  const matching = useSignal(browse.rows).length;
  // What cannot be listed is not counted either.
  const hasFailed = useSignal(browse.model.loading).state === 'failed';
  const size = useMemo(() => files.reduce((sum, file) => sum + file.size, 0), [files]);
  const count = files.length.toLocaleString(language);
  return (
    <h3 className="jp-FA-title" title={title}>
      <bdi>{heading}</bdi>
      {files.length > 0 && !hasFailed && (
        <small>
          {matching < files.length
            ? trans.__('%1 of %2 files', matching.toLocaleString(language), count)
            : `${trans._n('%2 file', '%2 files', files.length, count)} · ${formatSize(size)}`}
        </small>
      )}
    </h3>
  );
}

/** The list with what belongs to it, or the reason why there is none. */
function Files({ actions }: { readonly actions: Actions }): ReactElement {
  const { model, rows } = actions.browse;
  const trans = useTrans();
  const grid = useRef<HTMLDivElement>(null);
  const loading = useSignal(model.loading);
  const files = useSignal(actions.browse.files);
  const isAny = useSignal(rows).length > 0;
  if (loading.state === 'failed') {
    return (
      <Failure isRetried error={loading.error} onRetry={() => void model.retry()}>
        {trans.__('The files could not be listed.')}
      </Failure>
    );
  }
  if (loading.state === 'loading') {
    return <Waiting />;
  }
  return (
    <>
      {files.length > 0 && <Filters actions={actions} />}
      {isAny ? <Grid actions={actions} gridRef={grid} /> : <Empty actions={actions} />}
      <Bar actions={actions} />
      <PreviewPane actions={actions} />
    </>
  );
}

/** The shape of what is to come. */
export function Waiting(): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-FA-waiting" role="status">
      <span className="jp-FA-unseen">{trans.__('Loading…')}</span>
      {[0, 1, 2, 3].map(row => (
        <span key={row} className="jp-FA-ghost" aria-hidden="true" />
      ))}
    </div>
  );
}

/** Takes what fits; shows the rest as refused, and says so. */
function admit(pick: Pick, intake: Intake, model: SessionModel): Pick {
  const { maxSize = 0, accept = '', isMultiple = true } = intake;
  const files = pick.files.filter(({ file }) => {
    if (!isAccepted(file, accept)) {
      const problem = { message: 'Not of a type that is accepted here.', code: 'not_accepted', accept };
      model.transfers.refuse(file, new WorkspaceError(415, problem));
      return false;
    }
    if (maxSize > 0 && file.size > maxSize) {
      const problem = { message: 'The file is too large.', code: 'too_large_here', limit: maxSize };
      model.transfers.refuse(file, new WorkspaceError(413, problem));
      return false;
    }
    return true;
  });
  const [first, ...rest] = files;
  if (isMultiple || first === undefined) {
    return { ...pick, files };
  }
  const problem = { message: 'One file is taken at a time.', code: 'one_only' };
  rest.forEach(({ file }) => model.transfers.refuse(file, new WorkspaceError(400, problem)));
  return { ...pick, files: [first] };
}

/** The rule of HTML for `accept`: endings, types, and groups of types. */
function isAccepted(file: File, accept: string): boolean {
  const wanted = accept.split(',').map(one => one.trim().toLowerCase()).filter(one => one !== '');
  const name = file.name.toLowerCase();
  return (
    wanted.length === 0 ||
    wanted.some(one =>
      one.startsWith('.')
        ? name.endsWith(one)
        : one.endsWith('/*')
          ? file.type.startsWith(one.slice(0, -1))
          : file.type === one
    )
  );
}

function takePasted(clipboard: DataTransfer, take: (pick: Pick) => void): void {
  if (clipboard.files.length > 0) {
    take(named(pickOf(clipboard.files), new Date()));
  }
}
