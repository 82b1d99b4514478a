import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard } from '@jupyterlab/apputils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import { FileDialog } from '@jupyterlab/filebrowser';
import { NotebookActions, type INotebookTracker } from '@jupyterlab/notebook';
import { MimeModel, type IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { FileRecord } from '../client/wire';
import { withPreparation } from '../model/code';
import type { Desk } from '../model/desk';
import { folderName } from '../model/format';
import type { Host } from '../model/host';
import { quiet } from './quiet';

/** What the application brings, each if it is there. */
export interface HostParts {
  readonly app: JupyterFrontEnd;
  readonly desk: Desk;
  readonly tracker: INotebookTracker;
  readonly manager: IDocumentManager | null;
  readonly rendermime: IRenderMimeRegistry | null;
  /** Whether there is a file browser beside the panel. */
  readonly hasBrowser: boolean;
  readonly trans: TranslationBundle;
}

/** What views can do in JupyterLab and Notebook. */
export function labHost(parts: HostParts): Host {
  const { app, desk, tracker, manager, rendermime, hasBrowser, trans } = parts;
  const pathOf = (file: FileRecord): string => serverPath(desk, file);
  return {
    copy: text => {
      Clipboard.copyToSystem(text);
      return Promise.resolve();
    },
    insert: code => insertCode(tracker, code),
    open: file => void app.commands.execute('docmanager:open', { path: pathOf(file) }),
    ...(hasBrowser
      ? {
          reveal: file => void revealPath(app, pathOf(file))
        }
      : {}),
    ...(manager === null ? {} : { pickFromServer: () => pickFiles(manager, trans) }),
    ...(rendermime === null
      ? {}
      : { render: (mime: string, text: string, place: HTMLElement) => render(rendermime, mime, text, place) })
  };
}

/** A file's path under the server's root. */
function serverPath(desk: Desk, file: FileRecord): string {
  if (file.root_path !== undefined) {
    return file.root_path;
  }
  const model = desk.sessions.get().find(one => one.id === file.session_id);
  return `${model?.session.get().path ?? file.session_id}/${file.path}`;
}

async function revealPath(app: JupyterFrontEnd, path: string): Promise<void> {
  await app.commands.execute('filebrowser:go-to-path', { path: folderName(path) });
  await app.commands.execute('filebrowser:go-to-path', { path });
}

/** Puts code into the active cell if that is empty, else into a new one below; once with what it needs. */
function insertCode(tracker: INotebookTracker, code: string): void {
  const panel = tracker.currentWidget;
  const notebook = panel?.content;
  if (panel == null || notebook === undefined) {
    return;
  }
  const sources = notebook.widgets.map(cell => cell.model.sharedModel.getSource());
  if ((notebook.activeCell?.model.sharedModel.getSource() ?? '').trim() !== '') {
    NotebookActions.insertBelow(notebook);
  }
  NotebookActions.changeCellType(notebook, 'code');
  const source = withPreparation(code, sources);
  notebook.activeCell?.model.sharedModel.setSource(source);
  notebook.mode = 'edit';
  const lines = source.split('\n');
  const column = lines[lines.length - 1]?.length ?? 0;
  notebook.activeCell?.editor?.setCursorPosition({ line: lines.length - 1, column });
}

async function pickFiles(manager: IDocumentManager, trans: TranslationBundle): Promise<string[]> {
  const chosen = await FileDialog.getOpenFiles({
    manager,
    title: trans.__('Attach Files'),
    label: trans.__('A copy of each file is added to the files of this notebook.')
  });
  const files = chosen.value ?? [];
  return files.filter(file => file.type !== 'directory').map(file => file.path);
}

/** As an output of a notebook that is not trusted is shown, and without asking anybody for pictures. */
async function render(
  registry: IRenderMimeRegistry,
  mime: string,
  text: string,
  place: HTMLElement
): Promise<() => void> {
  const renderer = registry.clone({ sanitizer: quiet(registry.sanitizer) }).createRenderer(mime);
  await renderer.renderModel(new MimeModel({ data: { [mime]: text }, trusted: false }));
  if (place.isConnected) {
    Widget.attach(renderer, place);
  }
  return () => renderer.dispose();
}
