import type { ReactElement, ReactNode } from 'react';

import type { Actions } from '../model/actions';
import type { Desk } from '../model/desk';
import { baseName } from '../model/format';
import { Icon, useSignal, useTrans } from './kit';
import { Notice } from './notices';
import { sentenceOf } from './sentences';
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
      return <Failed desk={desk} error={shown.error} />;
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

function Failed({ desk, error }: { readonly desk: Desk; readonly error: Error }): ReactElement {
  const trans = useTrans();
  const { what, todo } = sentenceOf(error, trans);
  return (
    <Notice
      tone="error"
      actions={
        <button type="button" className="jp-FA-text" onClick={() => void desk.retry()}>
          {trans.__('Try again')}
        </button>
      }
    >
      {trans.__('The files of this notebook could not be reached.')} {what} {todo}
    </Notice>
  );
}
