import type { ReactElement, ReactNode } from 'react';

import type { Actions } from '../model/actions';
import type { Desk } from '../model/desk';
import { baseName } from '../model/format';
import { Icon, useSignal, useTrans } from './kit';
import { Failure } from './notices';
import { SessionView, Waiting } from './sessionView';

interface DeskViewProps {
  readonly desk: Desk;
  readonly children?: ReactNode;
  readonly onActions?: (actions: Actions | null) => void;
}

/** The files of the notebook that is open, or the reason why none are shown. */
export function DeskView({ desk, children, onActions }: DeskViewProps): ReactElement {
  const shown = useSignal(desk.shown);
  const trans = useTrans();
  switch (shown.state) {
    case 'no-notebook':
      return (
        <div className="jp-FA-blank" role="status">
          <Icon name="notebook" />
          <p>{trans.__('Open a notebook to see its files.')}</p>
        </div>
      );
    case 'loading':
      return <Waiting />;
    case 'failed':
      return <Failed desk={desk} notebookPath={shown.notebookPath} error={shown.error} />;
    case 'ready':
      return (
        <SessionView
          key={shown.model.id}
          model={shown.model}
          title={baseName(shown.notebookPath)}
          {...(onActions === undefined ? {} : { onActions })}
        >
          {children}
        </SessionView>
      );
  }
}

interface FailedProps {
  readonly desk: Desk;
  readonly notebookPath: string;
  readonly error: Error;
}

function Failed({ desk, notebookPath, error }: FailedProps): ReactElement {
  const trans = useTrans();
  return (
    <>
      <h3 className="jp-FA-title" title={notebookPath}>
        <bdi>{baseName(notebookPath)}</bdi>
      </h3>
      <Failure error={error} onRetry={() => void desk.retry()}>
        {trans.__('The files of this notebook could not be reached.')}
      </Failure>
    </>
  );
}
