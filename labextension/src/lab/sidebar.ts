import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { languageTag } from '../model/format';
import { IWorkspaceDesk } from '../tokens';
import { labHost } from './host';
import { labIcons } from './icons';
import { DOMAIN, FilesPanel } from './panel';
import { watchSettings } from './settings';

/** Below JupyterLab's own panels on the left, above other extensions' without a rank. */
const RANK = 850;

/** Adds the panel "Files & Artifacts" to the sidebar. */
export const sidebarPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:sidebar',
  description: 'Shows the files and artifacts of the open notebook in the sidebar.',
  autoStart: true,
  requires: [IWorkspaceDesk, INotebookTracker],
  optional: [
    ILabShell,
    ILayoutRestorer,
    IDocumentManager,
    IRenderMimeRegistry,
    ISettingRegistry,
    ITranslator
  ],
  activate
};

function activate(
  app: JupyterFrontEnd,
  work: IWorkspaceDesk,
  tracker: INotebookTracker,
  shell: ILabShell | null,
  restorer: ILayoutRestorer | null,
  manager: IDocumentManager | null,
  rendermime: IRenderMimeRegistry | null,
  settings: ISettingRegistry | null,
  translator: ITranslator | null
): void {
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  const language = languageTag((translator ?? nullTranslator).languageCode, navigator.languages);
  const { desk } = work;
  const hasBrowser = shell !== null;
  const host = labHost({ app, desk, tracker, manager, rendermime, hasBrowser, trans });
  const panel = new FilesPanel(work, { trans, language, icons: labIcons, host });
  app.shell.add(panel, 'left', { rank: RANK, type: 'Files & Artifacts' });
  restorer?.add(panel, panel.id);
  followNotebook(tracker, panel);
  if (settings !== null) {
    void watchSettings(settings, sidebarPlugin.id, work);
  }
}

/** Keeps the panel on the notebook that has the focus, also through a rename. */
function followNotebook(tracker: INotebookTracker, panel: FilesPanel): void {
  const follow = (): void => panel.follow(tracker.currentWidget?.context.path ?? null);
  tracker.currentChanged.connect(follow);
  const watch = (notebook: NotebookPanel): void => {
    notebook.context.pathChanged.connect(follow);
    notebook.sessionContext.statusChanged.connect((_context, status) => {
      if (status === 'idle' && notebook === tracker.currentWidget) {
        panel.cellEnded();
      }
    });
  };
  // Some may be open before this plugin begins.
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_, notebook) => watch(notebook));
  follow();
}
