import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';

import { WorkspaceClient } from '../client/client';
import { Desk } from '../model/desk';
import { Signal } from '../model/signal';
import { IWorkspaceClient, IWorkspaceDesk } from '../tokens';
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

/** Gives other plugins the models, one a session and page. */
export const deskPlugin: JupyterFrontEndPlugin<IWorkspaceDesk> = {
  id: 'jupyter-workspace:desk',
  description: 'Provides the files and artifacts that this page shows.',
  autoStart: true,
  requires: [IWorkspaceClient],
  provides: IWorkspaceDesk,
  activate: (_: JupyterFrontEnd, client: IWorkspaceClient) => ({
    desk: new Desk(client),
    actions: new Signal(null),
    isPackageMissing: new Signal(false)
  })
};
