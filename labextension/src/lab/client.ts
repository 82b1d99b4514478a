import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { WorkspaceClient } from '../client/client';
import { IWorkspaceClient } from '../tokens';
import { LabTransport } from './transport';

/** Gives other plugins the client, bound to the server of this page. */
export const clientPlugin: JupyterFrontEndPlugin<IWorkspaceClient> = {
  id: 'jupyter-workspace:client',
  description: 'Provides the client of the files and artifacts of notebooks.',
  autoStart: true,
  provides: IWorkspaceClient,
  activate: (app: JupyterFrontEnd) =>
    new WorkspaceClient(new LabTransport(app.serviceManager.serverSettings))
};
