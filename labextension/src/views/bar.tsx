import type { ReactElement } from 'react';

import type { Actions } from '../model/actions';
import { formatSize } from '../model/format';
import { IconButton, useKit, useSignal, useTrans } from './kit';

/** What can be done with the selected files. */
export function Bar({ actions }: { readonly actions: Actions }): ReactElement | null {
  const trans = useTrans();
  const { ids } = useSignal(actions.browse.selection);
  useSignal(actions.browse.rows);
  const files = actions.browse.chosenFiles();
  const copied = useSignal(actions.copied);
  if (ids.size === 0) {
    return null;
  }
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <div className="jp-FA-selection" role="toolbar" aria-label={trans.__('Selected files')}>
      <span title={formatSize(size)}>
        {copied === '' ? trans._n('%1 selected', '%1 selected', ids.size) : trans.__('Copied')}
      </span>
      <span className="jp-FA-spacer" />
      <Deeds actions={actions} count={ids.size} />
      <span className="jp-FA-unseen" role="status">
        {copied === '' ? '' : trans.__('Copied: %1', copied)}
      </span>
    </div>
  );
}

interface DeedsProps {
  readonly actions: Actions;
  readonly count: number;
}

/** Their words stand beside them where there is room. */
function Deeds({ actions, count }: DeedsProps): ReactElement {
  const { host, trans } = useKit();
  const isPreviewing = useSignal(actions.browse.isPreviewing);
  const isOpen = useSignal(actions.browse.model.session).status === 'active';
  return (
    <>
      <IconButton
        icon="preview"
        label={trans.__('Preview (Space)')}
        word={trans.__('Preview')}
        isPressed={isPreviewing}
        onClick={() => actions.preview()}
      />
      <IconButton
        icon="copy"
        label={trans._n('Copy code to load file', 'Copy code to load files', count)}
        word={trans.__('Copy code')}
        onClick={() => void actions.copyCode()}
      />
      {host.insert !== undefined && (
        <IconButton
          icon="code"
          label={trans._n('Insert code to load file', 'Insert code to load files', count)}
          word={trans.__('Insert code')}
          onClick={() => actions.insertCode()}
        />
      )}
      {count === 1 && (
        <IconButton
          icon="edit"
          label={trans.__('Rename (F2)')}
          word={trans.__('Rename')}
          isDisabled={!isOpen}
          onClick={() => actions.rename()}
        />
      )}
      <IconButton
        icon={count === 1 ? 'download' : 'archive'}
        label={count === 1 ? trans.__('Download') : trans.__('Download as a zip')}
        word={trans.__('Download')}
        onClick={() => void actions.download()}
      />
      <IconButton
        icon="delete"
        label={trans.__('Move to trash (Delete)')}
        word={trans.__('Move to trash')}
        isDisabled={!isOpen}
        onClick={() => void actions.remove()}
      />
    </>
  );
}
