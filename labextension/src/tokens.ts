import { Token } from '@lumino/coreutils';

import type { WorkspaceClient } from './client/client';
import type { Actions } from './model/actions';
import type { Desk } from './model/desk';
import type { Signal } from './model/signal';

/** The typed requests to the extension's server side, for other extensions too. */
export type IWorkspaceClient = WorkspaceClient;

export const IWorkspaceClient = new Token<IWorkspaceClient>(
  'jupyter-workspace:IWorkspaceClient',
  'The files and artifacts of notebooks: typed requests to the server extension jupyter_workspace.'
);

/** The sessions that this page has met, and what the person does with the one in the panel. */
export interface IWorkspaceDesk {
  readonly desk: Desk;
  /** What can be done with the chosen files; null while the panel shows none. */
  readonly actions: Signal<Actions | null>;
  /** Whether the kernel of the open notebook lacks the Python package. */
  readonly isPackageMissing: Signal<boolean>;
}

export const IWorkspaceDesk = new Token<IWorkspaceDesk>(
  'jupyter-workspace:IWorkspaceDesk',
  'The files and artifacts that this page shows: one model a session, with its events and transfers.'
);
