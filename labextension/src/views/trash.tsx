import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import type { FileRecord } from '../client/wire';
import type { Actions } from '../model/actions';
import { formatAge, formatSize, shownName } from '../model/format';
import type { SessionModel } from '../model/session';
import type { Erasing } from '../model/trash';
import { Icon, IconButton, useKit, useNow, useSignal, useTrans } from './kit';
import { TextButton } from './remedies';

/** Rows shown at once; the rest are counted. */
const SHOWN = 200;

/** What was deleted or replaced, to be taken back or to go for good. */
export function TrashView({ actions }: { readonly actions: Actions }): ReactElement {
  const { trash } = actions.browse.model;
  const trans = useTrans();
  useEffect(() => trash.watch(), [trash]);
  const files = useSignal(trash.files);
  const erasing = useSignal(trash.erasing);
  const [chosen, setChosen] = useState<readonly FileRecord[]>([]);
  // While the question stands open one may be taken back, here or by another page.
  const there = new Set(files?.map(({ artifact_id: id }) => id));
  const doomed = chosen.filter(({ artifact_id: id }) => there.has(id));
  const isIdle = erasing === null && doomed.length === 0;
  return (
    <section className="jp-FA-trash" aria-label={trans.__('Trash')}>
      <header>
        <h4>
          {trans.__('Trash')}
          <Sum files={files ?? []} />
        </h4>
        {isIdle && files !== null && files.length > 0 && (
          <TextButton tone="danger" label={trans.__('Empty trash')} onClick={() => setChosen(files)} />
        )}
        <IconButton
          icon="close"
          label={trans.__('Back to the files')}
          onClick={() => actions.browse.page.set('files')}
        />
      </header>
      {erasing === null && doomed.length > 0 && (
        <Confirm
          files={doomed}
          onAnswer={isSure => {
            setChosen([]);
            if (isSure) {
              void trash.erase(doomed);
            }
          }}
        />
      )}
      {erasing !== null && <Emptying erasing={erasing} />}
      {files?.length === 0 ? <Nothing /> : <Rows model={actions.browse.model} files={files ?? []} onErase={setChosen} />}
    </section>
  );
}

function Sum({ files }: { readonly files: readonly FileRecord[] }): ReactElement | null {
  const trans = useTrans();
  if (files.length === 0) {
    return null;
  }
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <small>
      {trans._n('%1 file', '%1 files', files.length)} · {formatSize(size)}
    </small>
  );
}

function Nothing(): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-FA-blank">
      <Icon name="delete" />
      <h4>{trans.__('The trash is empty.')}</h4>
      <p>
        {trans.__(
          'Deleted files and replaced versions wait here to be taken back. They go for good after a while (30 days unless the server is set otherwise), or sooner when their room is needed.'
        )}
      </p>
    </div>
  );
}

interface RowsProps {
  readonly model: SessionModel;
  readonly files: readonly FileRecord[];
  readonly onErase: (files: readonly FileRecord[]) => void;
}

function Rows({ model, files, onErase }: RowsProps): ReactElement {
  const { trans, language } = useKit();
  const { trash } = model;
  const live = useSignal(model.files);
  const isBusy = useSignal(trash.erasing) !== null;
  const now = useNow(30_000) + useSignal(model.aheadMs);
  return (
    <ul>
      {files.slice(0, SHOWN).map(file => (
        <li key={file.artifact_id}>
          <span className="jp-FA-label" title={file.path}>
            <bdi>{shownName(file.name)}</bdi>
            <small>
              {[
                formatSize(file.size),
                live.has(file.attachment_id) ? trans.__('replaced') : trans.__('deleted'),
                formatAge(file.deleted_at ?? file.modified_at, now, language)
              ].join(' · ')}
            </small>
          </span>
          <IconButton
            icon="undo"
            label={trans.__('Restore %1', file.name)}
            isDisabled={isBusy}
            onClick={() => void trash.restore(file)}
          />
          <IconButton
            icon="erase"
            label={trans.__('Delete %1 for good', file.name)}
            isDisabled={isBusy}
            onClick={() => onErase([file])}
          />
        </li>
      ))}
      {files.length > SHOWN && (
        <li className="jp-FA-quiet">{trans._n('and %1 more', 'and %1 more', files.length - SHOWN)}</li>
      )}
    </ul>
  );
}

interface ConfirmProps {
  readonly files: readonly FileRecord[];
  readonly onAnswer: (isSure: boolean) => void;
}

/** What goes, before it does: nothing brings it back. */
function Confirm({ files, onAnswer }: ConfirmProps): ReactElement {
  const trans = useTrans();
  const [first] = files;
  const size = formatSize(files.reduce((sum, file) => sum + file.size, 0));
  const question =
    files.length === 1
      ? trans.__('Delete %1 (%2) for good?', shownName(first?.name ?? ''), size)
      : trans.__('Delete %1 files (%2) for good?', String(files.length), size);
  return (
    <div
      className="jp-FA-notice"
      data-tone="error"
      role="alertdialog"
      aria-label={question}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onAnswer(false);
        }
      }}
    >
      <div>
        {question} {trans.__('This cannot be undone.')}
      </div>
      <div className="jp-FA-noticeActions">
        <TextButton hasFocus label={trans.__('Cancel')} onClick={() => onAnswer(false)} />
        <TextButton tone="erase" label={trans.__('Delete for good')} onClick={() => onAnswer(true)} />
      </div>
    </div>
  );
}

function Emptying({ erasing }: { readonly erasing: Erasing }): ReactElement {
  const trans = useTrans();
  const { done, total } = erasing;
  return (
    <div className="jp-FA-emptying">
      <p>{trans.__('Deleting %1 of %2…', String(Math.min(done + 1, total)), String(total))}</p>
      <div
        className="jp-FA-bar"
        role="progressbar"
        aria-label={trans.__('Emptying the trash')}
        aria-valuenow={done}
        aria-valuemin={0}
        aria-valuemax={total}
      >
        <span style={{ width: `${(done / total) * 100}%` }} />
      </div>
    </div>
  );
}
