import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import {
  codeIcon,
  copyIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  folderIcon,
  type LabIcon,
  launchIcon,
  refreshIcon,
  undoIcon
} from '@jupyterlab/ui-components';

import type { Actions } from '../model/actions';
import { IWorkspaceDesk } from '../tokens';
import { archiveIcon, clipIcon, eyeIcon } from './icons';
import { DOMAIN, PANEL_ID } from './panel';

/** The commands of this extension. `workspace:` would be JupyterLab's saved layouts. */
export const CommandIDs = {
  show: 'files-and-artifacts:show',
  refresh: 'files-and-artifacts:refresh',
  downloadAll: 'files-and-artifacts:download-all',
  attach: 'files-and-artifacts:attach',
  open: 'files-and-artifacts:open',
  preview: 'files-and-artifacts:preview',
  copyCode: 'files-and-artifacts:copy-code',
  insertCode: 'files-and-artifacts:insert-code',
  rename: 'files-and-artifacts:rename',
  download: 'files-and-artifacts:download',
  remove: 'files-and-artifacts:delete',
  undo: 'files-and-artifacts:undo-delete',
  reveal: 'files-and-artifacts:show-in-file-browser'
} as const;

/** None of the commands takes arguments. */
const NO_ARGUMENTS = { args: { type: 'object', properties: {} } } as const;

/** Adds the commands, to the palette too; the menus are in its schema. */
export const commandsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:commands',
  description: 'Adds the commands of the panel Files & Artifacts, and its context menus.',
  autoStart: true,
  requires: [IWorkspaceDesk],
  optional: [ICommandPalette, ITranslator],
  activate
};

function activate(
  app: JupyterFrontEnd,
  work: IWorkspaceDesk,
  palette: ICommandPalette | null,
  translator: ITranslator | null
): void {
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Files & Artifacts'),
    caption: trans.__('Show the files of the open notebook in the sidebar'),
    icon: clipIcon,
    describedBy: NO_ARGUMENTS,
    execute: () => app.shell.activateById(PANEL_ID)
  });
  for (const one of [...onAll(trans), ...onChosen(trans)]) {
    app.commands.addCommand(one.id, {
      label: one.label,
      caption: one.caption,
      icon: one.icon,
      describedBy: NO_ARGUMENTS,
      isEnabled: () => isPossible(work.actions.get(), one),
      execute: () => {
        const actions = work.actions.get();
        return actions === null ? undefined : one.act(actions);
      }
    });
  }
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({ command, category: trans.__('Files & Artifacts') });
  }
  work.actions.subscribe(() => app.commands.notifyCommandChanged());
}

interface Described {
  readonly id: string;
  readonly label: string;
  readonly caption: string;
  readonly icon: LabIcon;
  readonly act: (actions: Actions) => unknown;
  /** How many chosen files it needs. */
  readonly needs: 'none' | 'one' | 'some';
  /** Whether it changes files. */
  readonly isChange?: boolean;
}

function isPossible(actions: Actions | null, { needs, isChange = false }: Described): boolean {
  if (actions === null || (isChange && !actions.isOpen)) {
    return false;
  }
  const count = actions.browse.selection.get().ids.size;
  return needs === 'none' || (needs === 'one' ? count === 1 : count > 0);
}

function onAll(trans: TranslationBundle): Described[] {
  return [
    {
      id: CommandIDs.refresh,
      label: trans.__('Refresh Files & Artifacts'),
      caption: trans.__('List the files of the open notebook again'),
      icon: refreshIcon,
      act: actions => actions.browse.model.refresh(),
      needs: 'none'
    },
    {
      id: CommandIDs.downloadAll,
      label: trans.__('Download All Files & Artifacts'),
      caption: trans.__('Download all files of the open notebook as a zip'),
      icon: archiveIcon,
      act: actions => actions.downloadAll(),
      needs: 'none'
    },
    {
      id: CommandIDs.attach,
      label: trans.__('Attach Files…'),
      caption: trans.__('Add copies of files of this server to the open notebook'),
      icon: clipIcon,
      act: actions => actions.attach(),
      needs: 'none',
      isChange: true
    },
    {
      id: CommandIDs.undo,
      label: trans.__('Undo Move to Trash'),
      caption: trans.__('Take the files that went to the trash last back'),
      icon: undoIcon,
      act: actions => actions.browse.model.undo(),
      needs: 'none',
      isChange: true
    }
  ];
}

function onChosen(trans: TranslationBundle): Described[] {
  const one = (
    id: string,
    label: string,
    caption: string,
    icon: LabIcon,
    act: Described['act'],
    rest: Partial<Described> = {}
  ): Described => ({ id, label, caption, icon, act, needs: 'some', ...rest });
  return [
    one(CommandIDs.open, trans.__('Open'), trans.__('Open the selected file'), launchIcon, a => a.open(), {
      needs: 'one'
    }),
    one(CommandIDs.preview, trans.__('Preview'), trans.__('Show the beginning of the selected file'), eyeIcon, a =>
      a.preview()
    ),
    one(
      CommandIDs.copyCode,
      trans.__('Copy Code to Load File'),
      trans.__('Copy the code that loads the selected files'),
      copyIcon,
      a => a.copyCode()
    ),
    one(
      CommandIDs.insertCode,
      trans.__('Insert Code to Load File'),
      trans.__('Insert the code that loads the selected files into the notebook'),
      codeIcon,
      a => a.insertCode()
    ),
    one(CommandIDs.rename, trans.__('Rename'), trans.__('Rename the selected file'), editIcon, a => a.rename(), {
      needs: 'one',
      isChange: true
    }),
    one(CommandIDs.download, trans.__('Download'), trans.__('Download the selected files'), downloadIcon, a =>
      a.download()
    ),
    one(
      CommandIDs.reveal,
      trans.__('Show in File Browser'),
      trans.__('Show the selected file in the file browser'),
      folderIcon,
      a => a.reveal(),
      { needs: 'one' }
    ),
    one(CommandIDs.remove, trans.__('Move to Trash'), trans.__('Move the selected files to the trash'), deleteIcon, a =>
      a.remove(), { isChange: true })
  ];
}
