import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { TranslationBundle } from '@jupyterlab/translation';
import { downloadIcon, refreshIcon } from '@jupyterlab/ui-components';

import type { NotebookFiles } from '../model/notebookFiles';

/** The commands of this extension. `workspace:` would be JupyterLab's saved layouts. */
export const CommandIDs = {
  show: 'files-and-artifacts:show',
  refresh: 'files-and-artifacts:refresh',
  downloadAll: 'files-and-artifacts:download-all'
} as const;

/** None of the commands takes arguments. */
const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

/** Registers the commands on the application. */
export function addCommands(
  app: JupyterFrontEnd,
  model: NotebookFiles,
  panelId: string,
  trans: TranslationBundle
): void {
  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Files & Artifacts'),
    caption: trans.__('Show the files of the open notebook in the sidebar'),
    describedBy: NO_ARGUMENTS,
    execute: () => app.shell.activateById(panelId)
  });
  app.commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Files & Artifacts'),
    caption: trans.__('List the files of the open notebook again'),
    icon: refreshIcon,
    describedBy: NO_ARGUMENTS,
    execute: () => model.refresh()
  });
  app.commands.addCommand(CommandIDs.downloadAll, {
    label: trans.__('Download All Files & Artifacts'),
    caption: trans.__('Download all files of the open notebook as a zip'),
    icon: downloadIcon,
    describedBy: NO_ARGUMENTS,
    isEnabled: () => model.archiveUrl() !== null,
    execute: () => follow(model.archiveUrl())
  });
  model.subscribe(() => app.commands.notifyCommandChanged(CommandIDs.downloadAll));
}

/** Lets the browser download a URL without leaving the page. */
function follow(url: string | null): void {
  if (url === null) {
    return;
  }
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
