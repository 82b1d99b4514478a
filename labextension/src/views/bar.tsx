import type { ReactElement } from 'react';

import type { Actions } from '../model/actions';
import { formatSize } from '../model/format';
import { IconButton, useKit, useSignal } from './kit';

/** What can be done with the chosen files. */
export function Bar({ actions }: { readonly actions: Actions }): ReactElement | null {
  const { host, trans } = useKit();
  const { ids } = useSignal(actions.browse.selection);
  useSignal(actions.browse.rows);
  const files = actions.browse.chosenFiles();
  const copied = useSignal(actions.copied);
  const isOpen = useSignal(actions.browse.model.session).status === 'active';
  if (ids.size === 0) {
    return null;
  }
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <div className="jp-FA-selection" role="toolbar" aria-label={trans.__('Chosen files')}>
      <span title={formatSize(size)}>
        {copied === '' ? trans._n('%1 chosen', '%1 chosen', ids.size) : trans.__('Copied')}
      </span>
      <span className="jp-FA-spacer" />
      <IconButton icon="preview" label={trans.__('Preview (Space)')} onClick={() => actions.preview()} />
      <IconButton icon="copy" label={trans.__('Copy the code that loads it')} onClick={() => void actions.copyCode()} />
      {host.insert !== undefined && (
        <IconButton
          icon="code"
          label={trans.__('Insert into the notebook')}
          onClick={() => actions.insertCode()}
        />
      )}
      {ids.size === 1 && (
        <IconButton
          icon="edit"
          label={trans.__('Rename (F2)')}
          isDisabled={!isOpen}
          onClick={() => actions.rename()}
        />
      )}
      <IconButton
        icon="download"
        label={ids.size === 1 ? trans.__('Download') : trans.__('Download as a zip')}
        onClick={() => void actions.download()}
      />
      <IconButton
        icon="delete"
        label={trans.__('Move to the trash (Delete)')}
        isDisabled={!isOpen}
        onClick={() => void actions.remove()}
      />
      <span className="jp-FA-unseen" role="status">
        {copied === '' ? '' : trans.__('Copied: %1', copied)}
      </span>
    </div>
  );
}
