import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
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
  const asked = new Map<string, boolean>();
  const look = async (): Promise<void> => {
    // Only where the panel is in use: others' kernels are not asked anything.
    const kernel = tracker.currentWidget?.sessionContext.session?.kernel;
    if (work.actions.get() === null || kernel == null) {
      return;
    }
    const isThere = asked.get(kernel.id) ?? (await isInstalled(kernel));
    if (isThere !== null) {
      asked.set(kernel.id, isThere);
      work.isPackageMissing.set(!isThere);
    }
  };
  work.actions.subscribe(() => void look());
  tracker.widgetAdded.connect((_tracker, { sessionContext }) => {
    sessionContext.statusChanged.connect((_context, status) => {
      const kernel = sessionContext.session?.kernel;
      if (status === 'restarting' && kernel != null) {
        asked.delete(kernel.id);
      }
      if (status === 'idle' && kernel != null && asked.get(kernel.id) === undefined) {
        void look();
      }
    });
  });
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
