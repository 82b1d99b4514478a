import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { NotebookFiles } from '../model/notebookFiles';
import { IWorkspaceClient } from '../tokens';
import { CommandIDs, addCommands } from './commands';
// The panel is on the page from the start, so there is nothing to load later.
// eslint-disable-next-line jupyter/prefer-lazy-imports
import { DOMAIN, FilesPanel } from './panel';

/** Below JupyterLab's own panels on the left, above other extensions' without a rank. */
const RANK = 850;

/** Adds the panel "Files & Artifacts" to the sidebar. */
export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:sidebar',
  description: 'Shows the files and artifacts of the open notebook in the sidebar.',
  autoStart: true,
  requires: [IWorkspaceClient, INotebookTracker],
  optional: [ILayoutRestorer, ICommandPalette, ITranslator],
  activate
};

function activate(
  app: JupyterFrontEnd,
  client: IWorkspaceClient,
  tracker: INotebookTracker,
  restorer: ILayoutRestorer | null,
  palette: ICommandPalette | null,
  translator: ITranslator | null
): void {
  const model = new NotebookFiles(client);
  const language = translator ?? nullTranslator;
  const trans = language.load(DOMAIN);
  const panel = new FilesPanel({ model, commands: app.commands, translator: language });
  addCommands(app, model, panel.id, trans);
  app.shell.add(panel, 'left', { rank: RANK, type: 'Files & Artifacts' });
  restorer?.add(panel, panel.id);
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({ command, category: trans.__('Files & Artifacts') });
  }
  followNotebook(tracker, panel);
  refreshAfterCells(tracker, model);
}

/** Keeps the panel on the notebook that has the focus, also through a rename. */
function followNotebook(tracker: INotebookTracker, panel: FilesPanel): void {
  const follow = (): void => panel.follow(tracker.currentWidget?.context.path ?? null);
  tracker.currentChanged.connect(follow);
  tracker.widgetAdded.connect((_, notebook) => {
    notebook.context.pathChanged.connect(follow);
  });
  follow();
}

/** Lists again when a cell of the shown notebook has run: it may have written files. */
function refreshAfterCells(tracker: INotebookTracker, model: NotebookFiles): void {
  NotebookActions.executed.connect((_, { notebook }) => {
    if (notebook === tracker.currentWidget?.content) {
      void model.refresh();
    }
  });
}
