import type { Desk } from './desk';
import { Signal, type Readable } from './signal';
import type { Transfer } from './transfer';

/** The transfers of all sessions of the page. */
export function allTransfers(desk: Desk): Readable<readonly Transfer[]> {
  const all = new Signal<readonly Transfer[]>([]);
  const known = new Set<string>();
  const gather = (): void => {
    const queues = desk.sessions.get().map(model => model.transfers);
    all.set(queues.flatMap(queue => queue.transfers.get()));
  };
  desk.sessions.subscribe(() => {
    for (const model of desk.sessions.get().filter(one => !known.has(one.id))) {
      known.add(model.id);
      model.transfers.transfers.subscribe(gather);
    }
  });
  return all;
}
