import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { fileUploadIcon, ReactWidget } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import { allTransfers } from '../model/allTransfers';
import type { Readable } from '../model/signal';
import { percentOf, progressOf, type Transfer } from '../model/transfer';
import { IWorkspaceDesk } from '../tokens';
import { useSignal } from '../views/kit';
import { DOMAIN, PANEL_ID } from './panel';

/** Shows running transfers in the status bar. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:status',
  description: 'Shows running transfers in the status bar.',
  autoStart: true,
  requires: [IWorkspaceDesk],
  // Notebook 7 has none.
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    work: IWorkspaceDesk,
    bar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const transfers = allTransfers(work.desk);
    const show = (): void => app.shell.activateById(PANEL_ID);
    const item = ReactWidget.create(<Item transfers={transfers} trans={trans} onClick={show} />);
    bar?.registerStatusItem(statusPlugin.id, {
      item,
      align: 'right',
      rank: 90
    });
  }
};

interface ItemProps {
  readonly transfers: Readable<readonly Transfer[]>;
  readonly trans: TranslationBundle;
  readonly onClick: () => void;
}

function Item({ transfers, trans, onClick }: ItemProps): ReactElement | null {
  const progress = progressOf(useSignal(transfers));
  const { files, done, underWay } = progress;
  if (underWay === 0) {
    return null;
  }
  return (
    <button
      type="button"
      className="jp-FA-status"
      title={trans.__('Show Files & Artifacts')}
      onClick={onClick}
    >
      <fileUploadIcon.react tag="span" width="14px" height="14px" />
      {files === 1 ? trans.__('1 file') : trans.__('%1 of %2 files', String(done), String(files))} ·{' '}
      {percentOf(progress)} %
    </button>
  );
}
