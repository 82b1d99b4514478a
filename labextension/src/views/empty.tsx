import type { ReactElement } from 'react';

import type { Actions } from '../model/actions';
import { PREPARATION, WRITING } from '../model/code';
import { Icon, useKit, useSignal, type IconName } from './kit';

/** The first three steps, where there is nothing to list. */
export function Empty({ actions }: { readonly actions: Actions }): ReactElement {
  const { trans } = useKit();
  const query = useSignal(actions.browse.query);
  const files = useSignal(actions.browse.files);
  if (files.length > 0) {
    return (
      <div className="jp-FA-empty">
        <p>
          {query.text === ''
            ? trans.__('No file is of this kind.')
            : trans.__('No file matches “%1”.', query.text)}
        </p>
        <button
          type="button"
          className="jp-FA-text"
          onClick={() => actions.browse.ask({ text: '', kind: actions.browse.scope, type: 'all' })}
        >
          {trans.__('Show all files')}
        </button>
      </div>
    );
  }
  return (
    <div className="jp-FA-empty">
      <ol>
        {actions.browse.scope !== 'artifact' && <FirstSteps />}
        <Step icon="image" title={trans.__('Write results beside it')}>
          <pre>{WRITING}</pre>
          {trans.__('They appear here at once.')}
        </Step>
      </ol>
    </div>
  );
}

/** How a file comes in, and into the code. */
function FirstSteps(): ReactElement {
  const { host, trans } = useKit();
  const offer = host.insert ?? ((code: string): void => void host.copy(code));
  return (
    <>
      <Step icon="upload" title={trans.__('Bring a file in')}>
        {trans.__('Drop files or folders here, paste a screenshot, or press Upload.')}
      </Step>
      <Step icon="code" title={trans.__('Read it in the notebook')}>
        <pre>{`${PREPARATION}\nws["sales.csv"]`}</pre>
        <button type="button" className="jp-FA-text" onClick={() => offer(PREPARATION)}>
          {host.insert === undefined ? trans.__('Copy') : trans.__('Insert into the notebook')}
        </button>
      </Step>
    </>
  );
}

interface StepProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: React.ReactNode;
}

function Step({ icon, title, children }: StepProps): ReactElement {
  return (
    <li>
      <Icon name={icon} />
      <div>
        <h4>{title}</h4>
        {children}
      </div>
    </li>
  );
}
