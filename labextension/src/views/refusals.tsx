import { useState } from 'react';
import type { ReactElement } from 'react';

import type { Browse } from '../model/browse';
import { shownName } from '../model/format';
import { needsFile, type Transfer } from '../model/transfer';
import type { TransferQueue } from '../model/transfers';
import { Icon, IconButton, useTrans } from './kit';
import { RemedyButton } from './remedies';
import { sentenceOf, type Sentence } from './sentences';
import type { Trans } from './text';

/** Names that are shown; the rest are counted. */
const SHOWN = 50;

/** Transfers that failed for the same reason. */
export interface Refusal {
  readonly sentence: Sentence;
  readonly transfers: readonly Transfer[];
}

/** The failed transfers by what is to be said of them; those that a file is missing for stand alone. */
export function refusalsOf(transfers: readonly Transfer[], trans: Trans): Refusal[] {
  const refusals = new Map<string, { sentence: Sentence; transfers: Transfer[] }>();
  for (const transfer of transfers) {
    if (transfer.state === 'failed' && transfer.error !== null && !needsFile(transfer)) {
      const sentence = sentenceOf(transfer.error, trans, transfer);
      const key = `${String(transfer.canRetry)} ${sentence.what} ${sentence.todo}`;
      const known = refusals.get(key) ?? { sentence, transfers: [] };
      known.transfers.push(transfer);
      refusals.set(key, known);
    }
  }
  return [...refusals.values()];
}

interface RefusalRowProps {
  readonly queue: TransferQueue;
  readonly browse: Browse;
  readonly refusal: Refusal;
}

/** Many files that failed for one reason, in one row. */
export function RefusalRow({ queue, browse, refusal }: RefusalRowProps): ReactElement {
  const trans = useTrans();
  const [isOpen, setOpen] = useState(false);
  const { sentence, transfers } = refusal;
  const count = String(transfers.length);
  const names = transfers.slice(0, SHOWN).map(({ name }) => shownName(name));
  const more = transfers.length - SHOWN;
  return (
    <li className="jp-FA-transfer" data-state="failed">
      <div className="jp-FA-transferName">
        <Icon name="error" />
        <button type="button" className="jp-FA-unfold" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {trans.__('%1 files', count)}
          <Icon name={isOpen ? 'up' : 'down'} />
        </button>
        {transfers.some(({ canRetry }) => canRetry) && (
          <IconButton
            icon="refresh"
            label={trans.__('Retry %1 files', count)}
            onClick={() => queue.resumeEach(transfers.map(({ id }) => id))}
          />
        )}
        <IconButton
          icon="close"
          label={trans.__('Clear %1 files', count)}
          onClick={() => queue.cancelEach(transfers.map(({ id }) => id))}
        />
      </div>
      <div className="jp-FA-refusal">
        <p>
          {sentence.what} <span>{sentence.todo}</span>
        </p>
        <RemedyButton remedy={sentence.remedy} browse={browse} />
        {isOpen && (
          <p>
            <bdi>{names.join(', ')}</bdi>
            {more > 0 && ` ${trans._n('and %1 more', 'and %1 more', more)}`}
          </p>
        )}
      </div>
    </li>
  );
}
