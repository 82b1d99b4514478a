import { useEffect, useState } from 'react';
import type { ReactElement } from 'react';

import { WorkspaceError } from '../client/errors';
import type { FileRecord } from '../client/wire';
import { formatSize } from '../model/format';
import { refusalOf } from '../model/preview';
import type { SessionModel } from '../model/session';
import { useTrans } from './kit';
import { sentenceOf } from './sentences';
import type { Trans } from './text';

interface BrokenProps {
  /** Who can ask the server for the reason; null where the browser alone could not show it. */
  readonly model: SessionModel | null;
  readonly file: FileRecord;
}

/** Where a picture or a film should be: that it cannot be shown, and why, when the server has said so. */
export function Broken({ model, file }: BrokenProps): ReactElement {
  const trans = useTrans();
  const [refusal, setRefusal] = useState<Error | null>(null);
  useEffect(() => {
    let isWanted = true;
    setRefusal(null);
    if (model !== null) {
      void refusalOf(model, file).then(error => isWanted && setRefusal(error));
    }
    return () => {
      isWanted = false;
    };
    // A version never changes.
  }, [model, file.artifact_id]);
  const reason = refusal === null ? '' : reasonOf(refusal, trans);
  return (
    <p className="jp-FA-quiet" role="status">
      {[trans.__('This file cannot be shown.'), reason, trans.__('Download it to see what is in it.')]
        .filter(part => part !== '')
        .join(' ')}
    </p>
  );
}

interface NoPreviewProps {
  readonly cause: 'type' | 'unsupported';
}

/** Where nobody tries to show a file. */
export function NoPreview({ cause }: NoPreviewProps): ReactElement {
  const trans = useTrans();
  return (
    <p className="jp-FA-quiet">
      {CAUSES[cause]?.(trans)} {trans.__('Download the file to see it.')}
    </p>
  );
}

/** Why the server makes no preview of a file, in one sentence. */
export function reasonOf(error: Error, trans: Trans): string {
  if (error instanceof WorkspaceError) {
    const { cause, limit } = error.facts;
    if (error.status === 413 && typeof limit === 'number') {
      return trans.__('Previews are made of files up to %1.', formatSize(limit));
    }
    const known = typeof cause === 'string' ? CAUSES[cause]?.(trans) : undefined;
    if (known !== undefined) {
      return known;
    }
  }
  return sentenceOf(error, trans).what;
}

const CAUSES: Partial<Record<string, (trans: Trans) => string>> = {
  costly: trans => trans.__('To show it would take the server too much time or memory.'),
  damaged: trans => trans.__('It is damaged or locked, or is not what its name says.'),
  type: trans => trans.__('There is no preview of this type.'),
  unsupported: trans => trans.__('The server makes no pictures of such files: it lacks the extra “preview”.')
};
