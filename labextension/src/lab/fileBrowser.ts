import { ILabShell, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { IWorkspaceDesk } from '../tokens';
import { clipIcon } from './icons';
import { DOMAIN, PANEL_ID } from './panel';

const ATTACH_SELECTED = 'files-and-artifacts:attach-selected';

/** Adds "Attach to Notebook" to the file browser's menu; the menu is in its schema. */
export const fileBrowserPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:file-browser',
  description: 'Attaches files of the file browser to the open notebook.',
  autoStart: true,
  requires: [IWorkspaceDesk, INotebookTracker],
  optional: [ILabShell, ITranslator],
  activate
};

function activate(
  app: JupyterFrontEnd,
  work: IWorkspaceDesk,
  tracker: INotebookTracker,
  shell: ILabShell | null,
  translator: ITranslator | null
): void {
  if (shell === null) {
    // Notebook 7 has no file browser beside a notebook, and asking for one would start it.
    return;
  }
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  app.commands.addCommand(ATTACH_SELECTED, {
    label: trans.__('Attach to Open Notebook'),
    caption: trans.__('Add copies of the chosen files to the files of the open notebook'),
    icon: clipIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    isEnabled: () => tracker.currentWidget !== null,
    execute: async () => {
      const browsers = await app.resolveOptionalService(IFileBrowserFactory);
      const browser = browsers?.tracker.currentWidget ?? null;
      const notebook = tracker.currentWidget;
      if (browser === null || notebook === null) {
        return;
      }
      const chosen = [...browser.selectedItems()].filter(item => item.type !== 'directory');
      const model = work.desk.modelOf(await work.desk.client.resolve(notebook.context.path));
      await model.attach(chosen.map(item => item.path));
      app.shell.activateById(PANEL_ID);
    }
  });
}
