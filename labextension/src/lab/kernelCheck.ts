import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';
import type { Kernel } from '@jupyterlab/services';

import { IWorkspaceDesk } from '../tokens';

/** Looks for the package without loading it. */
const QUESTION = "__import__('importlib.util').util.find_spec('jupyter_workspace') is not None";

/** Finds out whether the kernel of the open notebook can load the Python package. */
export const kernelCheckPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:kernel-check',
  description: 'Offers the line that installs the package where the kernel lacks it.',
  autoStart: true,
  requires: [IWorkspaceDesk, INotebookTracker],
  activate
};

function activate(_: JupyterFrontEnd, work: IWorkspaceDesk, tracker: INotebookTracker): void {
  const known = new Map<string, boolean>();
  const asking = new Set<string>();
  const current = (): Kernel.IKernelConnection | null =>
    tracker.currentWidget?.sessionContext.session?.kernel ?? null;
  const show = (): void => {
    const id = current()?.id;
    work.isPackageMissing.set(id !== undefined && known.get(id) === false);
  };
  const look = async (): Promise<void> => {
    // What is shown is about the notebook that was open before.
    show();
    const kernel = current();
    // Only where the panel is in use: others' kernels are not asked anything.
    if (work.actions.get() === null || kernel === null || known.has(kernel.id) || asking.has(kernel.id)) {
      return;
    }
    asking.add(kernel.id);
    // A kernel that is restarted or ended meanwhile gives no answer.
    const isThere = await isInstalled(kernel).catch(() => null);
    asking.delete(kernel.id);
    if (isThere !== null) {
      known.set(kernel.id, isThere);
      show();
    }
  };
  const watch = ({ sessionContext }: NotebookPanel): void => {
    sessionContext.statusChanged.connect((_context, status) => {
      const id = sessionContext.session?.kernel?.id ?? '';
      if (status === 'restarting' || status === 'autorestarting') {
        known.delete(id);
      }
      if (status === 'idle' && !known.has(id)) {
        void look();
      }
    });
  };
  work.actions.subscribe(() => void look());
  tracker.forEach(watch);
  tracker.widgetAdded.connect((_tracker, notebook) => watch(notebook));
}

/** Whether a Python kernel has the package; null when it cannot be known. */
async function isInstalled(kernel: Kernel.IKernelConnection): Promise<boolean | null> {
  const info = await kernel.info;
  if (info.language_info.name !== 'python') {
    return null;
  }
  const future = kernel.requestExecute({
    code: '',
    silent: true,
    store_history: false,
    user_expressions: { found: QUESTION }
  });
  const { content } = await future.done;
  if (content.status !== 'ok') {
    return null;
  }
  const found = content.user_expressions['found'] as
    | { data?: Record<string, string> }
    | undefined;
  const text = found?.data?.['text/plain'];
  return text === undefined ? null : text === 'True';
}
