import { isUnreadable } from '../client/errors';

/** How one transfer stands. `lost`: begun by a page that is gone; the file must be picked again. */
export type TransferState =
  | 'waiting'
  | 'sending'
  | 'retrying'
  | 'finishing'
  | 'paused'
  | 'lost'
  | 'done'
  | 'failed';

/** One file on its way, as a view shows it. Sizes are bytes, `rate` bytes a second. */
export interface Transfer {
  readonly id: string;
  readonly name: string;
  readonly dir: string;
  readonly size: number;
  readonly sent: number;
  readonly rate: number;
  readonly state: TransferState;
  readonly error: Error | null;
  /** Whether it is of use to try the same file again after a failure. */
  readonly canRetry: boolean;
}

/** Whether only the person's own file is missing to go on. */
export function needsFile({ state, error }: Transfer): boolean {
  return state === 'lost' || (state === 'failed' && error !== null && isUnreadable(error));
}

/** Whether bytes flow or will flow without a person doing anything. */
export function isUnderWay(state: TransferState): boolean {
  return ['waiting', 'sending', 'retrying', 'finishing'].includes(state);
}

/** How many transfers together stand. Sizes are bytes; what was refused counts in none of them. */
export interface Progress {
  /** The files that came through, are on their way, or wait for it. */
  readonly files: number;
  readonly done: number;
  readonly underWay: number;
  /** Of those on their way, the ones of which only the server's word is missing. */
  readonly checking: number;
  /** Paused, or begun by a page that is gone. */
  readonly stopped: number;
  readonly failed: number;
  readonly size: number;
  readonly sent: number;
}

/** The sum of transfers, in one pass: a dropped folder may have thousands. */
export function progressOf(transfers: readonly Transfer[]): Progress {
  const sum = { files: 0, done: 0, underWay: 0, checking: 0, stopped: 0, failed: 0, size: 0, sent: 0 };
  for (const { state, size, sent } of transfers) {
    if (state === 'failed') {
      sum.failed += 1;
      continue;
    }
    sum.done += Number(state === 'done');
    sum.checking += Number(state === 'finishing');
    sum.underWay += Number(isUnderWay(state));
    sum.stopped += Number(state === 'paused' || state === 'lost');
    sum.files += 1;
    sum.size += size;
    sum.sent += sent;
  }
  return sum;
}

/** How far they are, in whole percent; 0 of nothing. */
export function percentOf({ size, sent }: { readonly size: number; readonly sent: number }): number {
  return size === 0 ? 0 : Math.floor((sent / size) * 100);
}
