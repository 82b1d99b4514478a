import { useState } from 'react';
import type { ReactElement, ReactNode } from 'react';

import type { Browse } from '../model/browse';
import { formatSize, formatSpan, shownName } from '../model/format';
import { isUnderWay, needsFile, percentOf, progressOf, type Progress, type Transfer } from '../model/transfer';
import type { TransferQueue } from '../model/transfers';
import { Icon, IconButton, useSignal, useTrans } from './kit';
import { RefusalRow, refusalsOf } from './refusals';
import { Choose, RemedyButton, TextButton } from './remedies';
import { sentenceOf } from './sentences';
import type { Trans } from './text';

/** Rows shown at once; of a folder with thousands of files the rest are counted. */
const SHOWN = 50;
/** Up to so many files that do not move have rows of their own; more are one line. */
const FEW = 3;
/** States in the order in which they are shown: what moves, what needs a person, what waits. */
const ORDER = ['sending', 'retrying', 'finishing', 'failed', 'lost', 'paused', 'waiting'];

interface TrayProps {
  readonly queue: TransferQueue;
  readonly browse: Browse;
}

/** What is on its way, and what was refused. */
export function Tray({ queue, browse }: TrayProps): ReactElement | null {
  const trans = useTrans();
  const transfers = useSignal(queue.transfers);
  const rate = useSignal(queue.rate);
  const [isFolded, setFolded] = useState(false);
  if (transfers.length === 0) {
    return null;
  }
  const progress = progressOf(transfers);
  const open = transfers.filter(({ state }) => state !== 'done');
  return (
    <section className="jp-FA-tray" aria-label={trans.__('Transfers')}>
      <header>
        {open.length > 0 && (
          <IconButton
            icon={isFolded ? 'up' : 'down'}
            label={isFolded ? trans.__('Show the transfers') : trans.__('Fold the transfers')}
            onClick={() => setFolded(!isFolded)}
          />
        )}
        <h4>{summary(progress, trans)}</h4>
        {transfers.length > 1 && <All queue={queue} progress={progress} transfers={open} />}
      </header>
      {progress.files > 1 && progress.underWay > 0 && <Overall progress={progress} rate={rate} />}
      {!isFolded && open.length > 0 && <Rows queue={queue} browse={browse} transfers={open} />}
    </section>
  );
}

interface AllProps {
  readonly queue: TransferQueue;
  readonly progress: Progress;
  readonly transfers: readonly Transfer[];
}

/** What can be done with all of them. */
function All({ queue, progress, transfers }: AllProps): ReactElement {
  const trans = useTrans();
  const retries = transfers.filter(({ state, canRetry }) => state === 'failed' && canRetry).length;
  const paused = transfers.some(({ state }) => state === 'paused');
  const isOver = progress.underWay === 0 && progress.stopped === 0;
  return (
    <div className="jp-FA-trayActions">
      {progress.underWay > 0 && <TextButton label={trans.__('Pause all')} onClick={() => queue.pauseAll()} />}
      {progress.underWay === 0 && paused && (
        <TextButton label={trans.__('Resume all')} onClick={() => queue.resumeAll()} />
      )}
      {isOver && retries > 1 && <TextButton label={trans.__('Retry all')} onClick={() => queue.resumeAll()} />}
      {isOver ? (
        <TextButton label={trans.__('Clear')} onClick={() => queue.clear()} />
      ) : (
        <TextButton label={trans.__('Cancel all')} onClick={() => queue.cancelAll()} />
      )}
    </div>
  );
}

/** All of them as one bar. */
function Overall({ progress, rate }: { readonly progress: Progress; readonly rate: number }): ReactElement {
  const trans = useTrans();
  return (
    <div className="jp-FA-overall">
      <ProgressBar label={trans.__('Upload of all files')} percent={percentOf(progress)} />
      <p className="jp-FA-standing">{moving(progress, rate, trans)}</p>
    </div>
  );
}

interface RowsProps extends TrayProps {
  readonly transfers: readonly Transfer[];
}

/** A row each for what moves or needs a person, and one line for all that wait. */
function Rows({ queue, browse, transfers }: RowsProps): ReactElement {
  const trans = useTrans();
  const ordered = [...transfers].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state));
  const still = ordered.filter(isStill);
  const refusals = refusalsOf(ordered, trans).filter(({ transfers: same }) => same.length > FEW);
  const gathered = new Set(refusals.flatMap(({ transfers: same }) => same));
  const rows = ordered.filter(one => !gathered.has(one) && (still.length <= FEW || !isStill(one)));
  const row = (transfer: Transfer): ReactElement => (
    <TransferRow key={transfer.id} queue={queue} browse={browse} transfer={transfer} />
  );
  return (
    <ul>
      {rows.slice(0, SHOWN).map(row)}
      {rows.length > SHOWN && (
        <li className="jp-FA-quiet">{trans._n('and %1 more', 'and %1 more', rows.length - SHOWN)}</li>
      )}
      {refusals.map(refusal => (
        <RefusalRow
          key={`${refusal.sentence.what} ${refusal.sentence.todo}`}
          queue={queue}
          browse={browse}
          refusal={refusal}
        />
      ))}
      {still.length > FEW && (
        <Line label={stillOf(still, trans)}>
          {still.slice(0, SHOWN).map(row)}
          {still.length > SHOWN && (
            <li className="jp-FA-quiet">{trans._n('and %1 more', 'and %1 more', still.length - SHOWN)}</li>
          )}
        </Line>
      )}
    </ul>
  );
}

/** Whether nothing has happened to it yet. */
function isStill({ state, sent }: Transfer): boolean {
  return state === 'waiting' || (state === 'paused' && sent === 0);
}

/** Those to which nothing has happened yet, in one line. */
export function stillOf(transfers: readonly Transfer[], trans: Trans): string {
  const waiting = transfers.filter(({ state }) => state === 'waiting').length;
  const paused = transfers.length - waiting;
  return [
    ...(waiting > 0 ? [trans._n('%1 waiting', '%1 waiting', waiting)] : []),
    ...(paused > 0 ? [trans._n('%1 paused', '%1 paused', paused)] : [])
  ].join(' · ');
}

/** Many rows in one line, to be unfolded. */
function Line({ label, children }: { readonly label: string; readonly children: ReactNode }): ReactElement {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <li>
        <button type="button" className="jp-FA-unfold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <Icon name={isOpen ? 'up' : 'down'} />
          {label}
        </button>
      </li>
      {isOpen && children}
    </>
  );
}

interface TransferRowProps extends TrayProps {
  readonly transfer: Transfer;
}

function TransferRow({ queue, browse, transfer }: TransferRowProps): ReactElement {
  const trans = useTrans();
  const percent = percentOf(transfer);
  const hasBar = !['failed', 'waiting'].includes(transfer.state);
  return (
    <li className="jp-FA-transfer" data-state={transfer.state}>
      <div className="jp-FA-transferName">
        {transfer.state === 'failed' && <Icon name="error" />}
        <bdi title={`${transfer.dir}/${transfer.name}`}>{shownName(transfer.name)}</bdi>
        <Buttons queue={queue} transfer={transfer} />
      </div>
      {hasBar && <ProgressBar label={trans.__('Upload of %1', transfer.name)} percent={percent} />}
      <Standing queue={queue} browse={browse} transfer={transfer} />
    </li>
  );
}

function ProgressBar({ label, percent }: { readonly label: string; readonly percent: number }): ReactElement {
  return (
    <div
      className="jp-FA-bar"
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}

function Buttons({ queue, transfer }: { readonly queue: TransferQueue; readonly transfer: Transfer }): ReactElement {
  const trans = useTrans();
  const { id, name, state, canRetry } = transfer;
  return (
    <>
      {isUnderWay(state) && (
        <IconButton icon="pause" label={trans.__('Pause %1', name)} onClick={() => queue.pause(id)} />
      )}
      {state === 'paused' && (
        <IconButton icon="resume" label={trans.__('Resume %1', name)} onClick={() => queue.resume(id)} />
      )}
      {state === 'failed' && canRetry && (
        <IconButton icon="refresh" label={trans.__('Retry %1', name)} onClick={() => queue.resume(id)} />
      )}
      <IconButton
        icon="close"
        label={state === 'failed' ? trans.__('Clear %1', name) : trans.__('Cancel %1', name)}
        onClick={() => queue.cancel(id)}
      />
    </>
  );
}

/** How it stands, in one line; a refusal says also what to do. */
function Standing({ queue, browse, transfer }: TransferRowProps): ReactElement {
  const trans = useTrans();
  const { id, name, state, error } = transfer;
  const choose = needsFile(transfer) && (
    <Choose name={name} onFile={file => void queue.choose(id, file)} />
  );
  if (state === 'failed' && error !== null) {
    const { what, todo, remedy } = sentenceOf(error, trans, transfer);
    return (
      <div className="jp-FA-refusal">
        <p>
          {what} <span>{todo}</span>
        </p>
        {choose}
        <RemedyButton remedy={remedy} browse={browse} />
      </div>
    );
  }
  return (
    <div className="jp-FA-standing">
      {standing(transfer, trans)} {choose}
    </div>
  );
}

function standing(transfer: Transfer, trans: Trans): string {
  const { state, size, rate } = transfer;
  switch (state) {
    case 'waiting':
      return trans.__('Waiting · %1', formatSize(size));
    case 'retrying':
      return trans.__('Reconnecting · %1', part(transfer, trans));
    case 'finishing':
      return trans.__('Checking…');
    case 'paused':
      return trans.__('Paused · %1', part(transfer, trans));
    case 'lost':
      return trans.__('Stopped at %1 %. Choose the file again to go on.', String(percentOf(transfer)));
    default:
      return moving(transfer, rate, trans);
  }
}

interface Amount {
  readonly size: number;
  readonly sent: number;
}

function part({ size, sent }: Amount, trans: Trans): string {
  return trans.__('%1 of %2', formatSize(sent), formatSize(size));
}

/** How much of it is through, how fast, and how long the rest takes. */
function moving(amount: Amount, rate: number, trans: Trans): string {
  const left = amount.size - amount.sent;
  return rate === 0 || left === 0
    ? part(amount, trans)
    : trans.__('%1 · %2/s · %3 left', part(amount, trans), formatSize(rate), formatSpan(left / rate));
}

/** All of them in one line. */
function summary({ files, done, underWay, checking, stopped, failed }: Progress, trans: Trans): string {
  const parts = [];
  if (underWay > 0) {
    if (underWay === checking) {
      parts.push(trans._n('Checking %1 file', 'Checking %1 files', checking));
    } else {
      parts.push(files === 1 ? trans.__('Uploading 1 file') : trans.__('%1 of %2 uploaded', String(done), String(files)));
    }
  }
  if (stopped > 0) {
    parts.push(trans._n('%1 paused', '%1 paused', stopped));
  }
  if (failed > 0) {
    parts.push(trans._n('%1 failed', '%1 failed', failed));
  }
  if (underWay === 0 && done > 0) {
    parts.unshift(trans._n('%1 uploaded', '%1 uploaded', done));
  }
  return parts.join(' · ');
}

/** Says to a screen reader what became of transfers; bars and rates would be too much talk. */
export function Announcer({ queue }: { readonly queue: TransferQueue }): ReactElement {
  const trans = useTrans();
  const transfers = useSignal(queue.transfers);
  return (
    <div className="jp-FA-unseen" role="status">
      {outcome(transfers, trans)}
    </div>
  );
}

function outcome(transfers: readonly Transfer[], trans: Trans): string {
  const progress = progressOf(transfers);
  if (transfers.length > FEW) {
    return progress.underWay > 0 ? '' : summary(progress, trans);
  }
  return transfers
    .map(({ state, name, error }) => {
      if (state === 'done') {
        return trans.__('%1 is uploaded.', name);
      }
      const what = error === null ? '' : sentenceOf(error, trans).what;
      return state === 'failed' ? trans.__('%1 failed: %2', name, what) : '';
    })
    .join(' ');
}
