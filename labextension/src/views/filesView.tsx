import { type ReactElement, useSyncExternalStore } from 'react';

import { WorkspaceError } from '../client/errors';
import { baseName } from '../model/format';
import type { NotebookFiles } from '../model/notebookFiles';
import { FileList } from './fileList';
import type { Trans } from './text';

/** What every view of the files needs: where they come from, and the person's language. */
export interface FilesViewProps {
  readonly model: NotebookFiles;
  readonly trans: Trans;
}

/** The files of the notebook that is open, or the reason why none are shown. */
export function FilesView({ model, trans }: FilesViewProps): ReactElement {
  const snapshot = useSyncExternalStore(model.subscribe, model.snapshot);
  switch (snapshot.state) {
    case 'no-notebook':
      return <Notice>{trans.__('Open a notebook to see its files.')}</Notice>;
    case 'loading':
      return <Notice>{trans.__('Loading…')}</Notice>;
    case 'failed':
      return <Failure error={snapshot.error} trans={trans} />;
    case 'ready':
      return (
        <>
          <h3 className="jp-FilesAndArtifacts-title" title={snapshot.notebookPath}>
            {trans.__('Files of %1', baseName(snapshot.notebookPath))}
          </h3>
          {snapshot.files.length === 0 ? (
            <Notice>{trans.__('Nothing here yet. Files that the notebook writes will appear.')}</Notice>
          ) : (
            <FileList files={snapshot.files} downloadUrl={file => model.downloadUrl(file)} trans={trans} />
          )}
          <Hidden count={snapshot.total - snapshot.files.length} trans={trans} />
        </>
      );
  }
}

function Notice({ children }: { readonly children: string }): ReactElement {
  return (
    <p className="jp-FilesAndArtifacts-notice" role="status">
      {children}
    </p>
  );
}

function Failure({ error, trans }: { readonly error: Error; readonly trans: Trans }): ReactElement {
  const hint = error instanceof WorkspaceError ? error.hint : '';
  return (
    <div className="jp-FilesAndArtifacts-failure" role="alert">
      <p>{trans.__('The files could not be listed.')}</p>
      <p>{error.message}</p>
      {hint !== '' && <p>{hint}</p>}
    </div>
  );
}

/** A very large session is not listed to its end; the list says so. */
function Hidden({ count, trans }: { readonly count: number; readonly trans: Trans }): ReactElement | null {
  return count > 0 ? <Notice>{trans.__('%1 older files are not shown.', String(count))}</Notice> : null;
}
