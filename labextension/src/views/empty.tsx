import { useState } from 'react';
import type { ReactElement, ReactNode } from 'react';

import { COPIED_MS, type Actions } from '../model/actions';
import { READING, WRITING } from '../model/code';
import { Icon, useKit, useSignal, useTrans, type IconName } from './kit';

/** Why there is nothing to list: nothing matches, or nothing is there yet, and then the first three steps. */
export function Empty({ actions }: { readonly actions: Actions }): ReactElement {
  const trans = useTrans();
  const files = useSignal(actions.browse.files);
  if (files.length > 0) {
    return <NoMatch actions={actions} />;
  }
  return (
    <div className="jp-FA-empty">
      <ol>
        {actions.browse.scope !== 'artifact' && <FirstSteps actions={actions} />}
        <Step icon="edit" title={trans.__('Write results beside it')}>
          <p>{trans.__('What a cell writes appears here at once.')}</p>
          <Snippet actions={actions} code={WRITING} title={trans.__('Write results beside it')} />
        </Step>
      </ol>
    </div>
  );
}

function NoMatch({ actions }: { readonly actions: Actions }): ReactElement {
  const trans = useTrans();
  const { text, kind, type } = useSignal(actions.browse.query);
  const isNarrowed = kind !== actions.browse.scope || type !== 'all';
  const without = isNarrowed ? trans.__('No file of this kind matches “%1”.', text) : trans.__('No file matches “%1”.', text);
  return (
    <div className="jp-FA-blank" role="status">
      <Icon name="search" />
      <p>{text === '' ? trans.__('No file is of this kind.') : without}</p>
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

/** How a file comes in, and into the code. */
function FirstSteps({ actions }: { readonly actions: Actions }): ReactElement {
  const trans = useTrans();
  return (
    <>
      <Step icon="upload" title={trans.__('Bring a file in')}>
        <p>{trans.__('Drop files or folders here, paste a screenshot, or press Upload.')}</p>
      </Step>
      <Step icon="code" title={trans.__('Read it in the notebook')}>
        <Snippet actions={actions} code={READING} title={trans.__('Read it in the notebook')} />
      </Step>
    </>
  );
}

interface StepProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children: ReactNode;
}

function Step({ icon, title, children }: StepProps): ReactElement {
  return (
    <li>
      <h4>
        <Icon name={icon} />
        {title}
      </h4>
      {children}
    </li>
  );
}

interface SnippetProps {
  readonly actions: Actions;
  readonly code: string;
  /** What the code does. */
  readonly title: string;
}

/** Code as it is written, with the ways to have it. */
function Snippet({ actions, code, title }: SnippetProps): ReactElement {
  const { host, trans } = useKit();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    if (await actions.copy(code)) {
      setCopied(true);
      setTimeout(() => setCopied(false), COPIED_MS);
    }
  };
  return (
    <>
      <pre dir="ltr" tabIndex={0} role="group" aria-label={title}>
        {code}
      </pre>
      <p className="jp-FA-ways">
        {host.insert !== undefined && (
          <button
            type="button"
            className="jp-FA-text"
            aria-label={trans.__('Insert code: %1', title)}
            onClick={() => host.insert?.(code)}
          >
            {trans.__('Insert')}
          </button>
        )}
        <button
          type="button"
          className="jp-FA-text"
          aria-label={trans.__('Copy code: %1', title)}
          onClick={() => void copy()}
        >
          {isCopied ? trans.__('Copied') : trans.__('Copy')}
        </button>
      </p>
    </>
  );
}
