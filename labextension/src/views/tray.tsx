import { useState } from 'react';
import type { ReactElement } from 'react';

import { formatSize, formatSpan, shownName } from '../model/format';
import { isUnderWay, type Transfer, type TransferQueue } from '../model/transfers';
import { Icon, IconButton, useSignal, useTrans } from './kit';
import { sentenceOf } from './sentences';
import type { Trans } from './text';

/** Rows shown at once; of a folder with thousands of files the rest are counted. */
const SHOWN = 50;

/** What is on its way, and what was refused. */
export function Tray({ queue }: { readonly queue: TransferQueue }): ReactElement | null {
  const trans = useTrans();
  const transfers = useSignal(queue.transfers);
  const [isFolded, setFolded] = useState(false);
  if (transfers.length === 0) {
    return null;
  }
  const rows = [...transfers].sort((one, other) => rank(one) - rank(other));
  const isOver = transfers.every(({ state }) => state === 'done' || state === 'failed');
  return (
    <section className="jp-FA-tray" aria-label={trans.__('Transfers')}>
      <header>
        <IconButton
          icon={isFolded ? 'up' : 'down'}
          label={isFolded ? trans.__('Show the transfers') : trans.__('Fold the transfers')}
          onClick={() => setFolded(!isFolded)}
        />
        <h4>{summary(transfers, trans)}</h4>
        <IconButton
          icon="close"
          label={isOver ? trans.__('Clear the list') : trans.__('Cancel all transfers')}
          onClick={() => (isOver ? queue.clear() : queue.cancelAll())}
        />
      </header>
      {!isFolded && (
        <ul>
          {rows.slice(0, SHOWN).map(transfer => (
            <TransferRow key={transfer.id} queue={queue} transfer={transfer} />
          ))}
          {rows.length > SHOWN && (
            <li className="jp-FA-quiet">
              {trans._n('and %1 more', 'and %1 more', rows.length - SHOWN)}
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

interface TransferRowProps {
  readonly queue: TransferQueue;
  readonly transfer: Transfer;
}

function TransferRow({ queue, transfer }: TransferRowProps): ReactElement {
  const trans = useTrans();
  const percent = transfer.size === 0 ? 0 : Math.floor((transfer.sent / transfer.size) * 100);
  const isOpen = transfer.state !== 'failed' && transfer.state !== 'done';
  return (
    <li className="jp-FA-transfer" data-state={transfer.state}>
      <div className="jp-FA-transferName">
        {transfer.state === 'failed' && <Icon name="error" />}
        <bdi title={`${transfer.dir}/${transfer.name}`}>{shownName(transfer.name)}</bdi>
        <Buttons queue={queue} transfer={transfer} />
      </div>
      {isOpen && (
        <div
          className="jp-FA-bar"
          role="progressbar"
          aria-label={trans.__('Upload of %1', transfer.name)}
          aria-valuenow={percent}
          aria-valuemin={0}
          aria-valuemax={100}
        >
          <span style={{ width: `${percent}%` }} />
        </div>
      )}
      <Standing transfer={transfer} percent={percent} />
    </li>
  );
}

function Buttons({ queue, transfer }: TransferRowProps): ReactElement {
  const trans = useTrans();
  const { id, name, state, canRetry } = transfer;
  const canPause = isUnderWay(state);
  const canResume = state === 'paused' || (state === 'failed' && canRetry);
  return (
    <>
      {canPause && (
        <IconButton icon="pause" label={trans.__('Pause %1', name)} onClick={() => queue.pause(id)} />
      )}
      {canResume && (
        <IconButton
          icon={state === 'paused' ? 'resume' : 'refresh'}
          label={state === 'paused' ? trans.__('Go on with %1', name) : trans.__('Try %1 again', name)}
          onClick={() => queue.resume(id)}
        />
      )}
      {state !== 'done' && (
        <IconButton
          icon="close"
          label={state === 'failed' ? trans.__('Clear %1', name) : trans.__('Cancel %1', name)}
          onClick={() => queue.cancel(id)}
        />
      )}
    </>
  );
}

/** How it stands, in one line; a refusal says also what to do. */
function Standing({ transfer, percent }: { readonly transfer: Transfer; readonly percent: number }): ReactElement {
  const trans = useTrans();
  if (transfer.state === 'failed' && transfer.error !== null) {
    const { what, todo } = sentenceOf(transfer.error, trans);
    return (
      <p className="jp-FA-refusal">
        {what} <span>{todo}</span>
      </p>
    );
  }
  return <p className="jp-FA-standing">{standing(transfer, percent, trans)}</p>;
}

function standing(transfer: Transfer, percent: number, trans: Trans): string {
  const { state, size, sent, rate } = transfer;
  const part = trans.__('%1 of %2', formatSize(sent), formatSize(size));
  switch (state) {
    case 'waiting':
      return trans.__('Waiting · %1', formatSize(size));
    case 'retrying':
      return trans.__('The line broke; trying again · %1', part);
    case 'finishing':
      return trans.__('Checking…');
    case 'paused':
      return trans.__('Paused at %1 % · %2', String(percent), formatSize(size));
    case 'lost':
      return trans.__('Stopped at %1 %. Choose the file again to go on.', String(percent));
    case 'done':
      return trans.__('Uploaded · %1', formatSize(size));
    default: {
      if (rate === 0) {
        return part;
      }
      const left = formatSpan((size - sent) / rate);
      return trans.__('%1 · %2/s · %3 left', part, formatSize(rate), left);
    }
  }
}

/** All of them in one line. */
function summary(transfers: readonly Transfer[], trans: Trans): string {
  const open = transfers.filter(({ state }) => isUnderWay(state));
  const failed = transfers.filter(({ state }) => state === 'failed');
  const stopped = transfers.filter(({ state }) => state === 'paused' || state === 'lost');
  const parts = [];
  if (open.length > 0) {
    const size = open.reduce((sum, one) => sum + one.size, 0);
    const sent = open.reduce((sum, one) => sum + one.sent, 0);
    const percent = size === 0 ? 0 : Math.floor((sent / size) * 100);
    parts.push(trans._n('Uploading %1 file', 'Uploading %1 files', open.length), `${percent} %`);
  }
  if (stopped.length > 0) {
    parts.push(trans._n('%1 paused', '%1 paused', stopped.length));
  }
  if (failed.length > 0) {
    parts.push(trans._n('%1 failed', '%1 failed', failed.length));
  }
  if (parts.length === 0) {
    parts.push(trans._n('%1 file uploaded', '%1 files uploaded', transfers.length));
  }
  return parts.join(' · ');
}

/** What needs a person comes first, what is over last. */
function rank({ state }: Transfer): number {
  return ['failed', 'lost', 'sending', 'retrying', 'finishing', 'paused', 'waiting', 'done'].indexOf(state);
}

/** Says to a screen reader what became of transfers; bars and rates would be too much talk. */
export function Announcer({ queue }: { readonly queue: TransferQueue }): ReactElement {
  const trans = useTrans();
  const transfers = useSignal(queue.transfers);
  const done = transfers.filter(({ state }) => state === 'done');
  const failed = transfers.filter(({ state }) => state === 'failed');
  const sentences = [
    ...done.map(({ name }) => trans.__('%1 is uploaded.', name)),
    ...failed.map(({ name, error }) =>
      trans.__('%1 failed: %2', name, error === null ? '' : sentenceOf(error, trans).what)
    )
  ];
  return (
    <div className="jp-FA-unseen" role="status">
      {sentences.slice(-3).join(' ')}
    </div>
  );
}
