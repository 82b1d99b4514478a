import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { CommandToolbarButton, ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import { Panel } from '@lumino/widgets';

import type { NotebookFiles } from '../model/notebookFiles';
import { FilesView } from '../views/filesView';
import { CommandIDs } from './commands';
import { clipIcon } from './icon';

/** The domain under which the sentences of this extension are translated. */
export const DOMAIN = 'jupyter_workspace';

interface PanelOptions {
  readonly model: NotebookFiles;
  readonly commands: CommandRegistry;
  readonly translator: ITranslator;
}

/** The sidebar's panel. It turns to the open notebook only while a person can see it. */
export class FilesPanel extends SidePanel {
  constructor(options: PanelOptions) {
    super({ content: new Panel(), translator: options.translator });
    const trans = options.translator.load(DOMAIN);
    this.model = options.model;
    this.id = 'jupyter-workspace-files';
    this.addClass('jp-FilesAndArtifacts');
    this.title.icon = clipIcon;
    this.title.caption = trans.__('Files & Artifacts');
    this.addButtons(options.commands, trans);
    this.addWidget(ReactWidget.create(<FilesView model={options.model} trans={trans} />));
  }

  /** Follows another notebook; null when none is open. */
  follow(notebookPath: string | null): void {
    this.notebookPath = notebookPath;
    if (this.isVisible) {
      void this.model.show(notebookPath);
    }
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    // Asking for a notebook's session makes one, so nobody's folder grows by what they do not look at.
    void this.model.show(this.notebookPath).then(() => this.model.refresh());
  }

  private addButtons(commands: CommandRegistry, trans: TranslationBundle): void {
    this.toolbar.node.setAttribute('aria-label', trans.__('Files & Artifacts'));
    for (const id of [CommandIDs.refresh, CommandIDs.downloadAll]) {
      this.toolbar.addItem(id, new CommandToolbarButton({ commands, id, label: '' }));
    }
  }

  private readonly model: NotebookFiles;
  private notebookPath: string | null = null;
}
