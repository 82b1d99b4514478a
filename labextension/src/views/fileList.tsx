import type { ReactElement } from 'react';

import type { FileRecord } from '../client/wire';
import { formatSize } from '../model/format';
import type { Trans } from './text';

interface FileListProps {
  readonly files: readonly FileRecord[];
  readonly downloadUrl: (file: FileRecord) => string;
  readonly trans: Trans;
}

/** One row a file, in the order given. */
export function FileList({ files, downloadUrl, trans }: FileListProps): ReactElement {
  return (
    <ul className="jp-FilesAndArtifacts-list" aria-label={trans.__('Files')}>
      {files.map(file => (
        <FileRow key={file.attachment_id} file={file} url={downloadUrl(file)} trans={trans} />
      ))}
    </ul>
  );
}

interface FileRowProps {
  readonly file: FileRecord;
  readonly url: string;
  readonly trans: Trans;
}

function FileRow({ file, url, trans }: FileRowProps): ReactElement {
  const kind = file.kind === 'artifact' ? trans.__('made here') : trans.__('uploaded');
  const changed = new Date(file.modified_at);
  const day = { dateStyle: 'short', timeStyle: 'short' } as const;
  return (
    <li className="jp-FilesAndArtifacts-row">
      <a href={url} download={file.name} title={file.path} aria-label={trans.__('Download %1', file.path)}>
        {file.name}
      </a>
      <span className="jp-FilesAndArtifacts-facts">
        {formatSize(file.size)} · {kind} ·{' '}
        <time dateTime={file.modified_at}>{changed.toLocaleString(undefined, day)}</time>
      </span>
    </li>
  );
}
