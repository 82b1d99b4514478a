import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import type { Desk } from '../model/desk';
import type { SessionModel } from '../model/session';
import type { Readable } from '../model/signal';
import { useSignal, useTrans } from './kit';
import { Failure } from './notices';
import { SessionView, Waiting } from './sessionView';

/** What the Python package says about a panel in an output. */
export interface WidgetData {
  readonly v: number;
  readonly view: 'attachments' | 'artifacts';
  readonly session_id: string;
  readonly title: string;
  readonly accept?: string;
  readonly multiple?: boolean;
  /** In bytes; 0 for any size. */
  readonly max_size?: number;
}

/** What a saved notebook says, if it can be understood: it may be of another version, or made up. */
export function widgetDataOf(value: unknown): WidgetData | null {
  const { view, session_id, title, accept, multiple, max_size } = Object(value) as Record<string, unknown>;
  const isWhole =
    (view === 'attachments' || view === 'artifacts') &&
    typeof session_id === 'string' &&
    typeof title === 'string' &&
    ['undefined', 'string'].includes(typeof accept) &&
    ['undefined', 'boolean'].includes(typeof multiple) &&
    ['undefined', 'number'].includes(typeof max_size);
  return isWhole ? (value as WidgetData) : null;
}

interface WidgetViewProps {
  readonly desk: Desk;
  readonly data: WidgetData;
  /** Whether a person can see it: one in a tab behind others hears no news, and keeps what it shows. */
  readonly isSeen?: Readable<boolean>;
}

const ALWAYS: Readable<boolean> = { get: () => true, subscribe: () => () => undefined };

/** A panel in the output of a cell: the same as in the sidebar, of one session. */
export function WidgetView({ desk, data, isSeen = ALWAYS }: WidgetViewProps): ReactElement {
  const trans = useTrans();
  const [model, setModel] = useState<SessionModel | Error | null>(() => desk.known(data.session_id));
  const [tries, setTries] = useState(0);
  const isWatched = useSignal(isSeen);
  useEffect(() => {
    if (!isWatched) {
      return undefined;
    }
    let entered: SessionModel | null = null;
    let isWanted = true;
    desk
      .modelById(data.session_id)
      .then(found => {
        if (isWanted) {
          entered = found;
          found.enter();
          setModel(found);
        }
      })
      .catch((error: unknown) => setModel(error as Error));
    return () => {
      isWanted = false;
      entered?.leave();
    };
  }, [desk, data.session_id, tries, isWatched]);
  if (model === null) {
    return <Waiting />;
  }
  if (model instanceof Error) {
    return (
      <Failure error={model} onRetry={() => setTries(tries + 1)}>
        {trans.__('The files of this panel could not be reached.')}
      </Failure>
    );
  }
  const { accept, multiple, max_size: maxSize } = data;
  return (
    <SessionView
      model={model}
      title={data.title}
      heading={data.view === 'artifacts' ? trans.__('Files from cells') : trans.__('Uploaded files')}
      scope={data.view === 'artifacts' ? 'artifact' : 'attachment'}
      intake={{ accept, isMultiple: multiple, maxSize }}
    />
  );
}
