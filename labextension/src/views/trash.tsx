import { useCallback, useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import type { FileRecord } from '../client/wire';
import type { Actions } from '../model/actions';
import { formatAge, formatSize, shownName } from '../model/format';
import { IconButton, useNow, useSignal, useTrans } from './kit';

/** What was deleted or replaced, to be taken back. */
export function Trash({ actions }: { readonly actions: Actions }): ReactElement {
  const { model } = actions.browse;
  const trans = useTrans();
  const files = useSignal(model.files);
  const [trash, setTrash] = useState<readonly FileRecord[] | null>(null);
  const look = useCallback(async () => {
    await model.attempt(async () => setTrash((await model.client.trash(model.id)).trash));
  }, [model]);
  useEffect(() => void look(), [look, files]);
  const act = (what: () => Promise<void>): void => void what().then(look);
  const now = useNow(30_000);
  return (
    <section className="jp-FA-trash" aria-label={trans.__('Trash')}>
      <header>
        <h4>{trans.__('Trash')}</h4>
        <IconButton
          icon="close"
          label={trans.__('Back to the files')}
          onClick={() => actions.browse.page.set('files')}
        />
      </header>
      {trash?.length === 0 && <p className="jp-FA-quiet">{trans.__('The trash is empty.')}</p>}
      <ul>
        {trash?.map(file => (
          <li key={file.artifact_id}>
            <span className="jp-FA-label" title={file.path}>
              <bdi>{shownName(file.name)}</bdi>
              <small>
                {formatSize(file.size)} · {formatAge(file.deleted_at ?? file.modified_at, now)}
              </small>
            </span>
            <IconButton
              icon="undo"
              label={trans.__('Restore %1', file.name)}
              onClick={() => act(() => model.restore([file]))}
            />
            <IconButton
              icon="delete"
              label={trans.__('Delete %1 for good', file.name)}
              onClick={() => act(() => model.attempt(() => model.client.purge(file)))}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
