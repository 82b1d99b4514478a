import { Token } from '@lumino/coreutils';

import type { WorkspaceClient } from './client/client';

/** The typed requests to the extension's server side, for other extensions too. */
export type IWorkspaceClient = WorkspaceClient;

export const IWorkspaceClient = new Token<IWorkspaceClient>(
  'jupyter-workspace:IWorkspaceClient',
  'The files and artifacts of notebooks: typed requests to the server extension jupyter_workspace.'
);
