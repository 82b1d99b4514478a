import { ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import type { IWorkspaceDesk } from '../tokens';
import { DeskView } from '../views/deskView';
import { KitContext, type Kit, useSignal } from '../views/kit';
import { Missing } from '../views/notices';
import { clipIcon } from './icons';

/** The domain under which the sentences of this extension are translated. */
export const DOMAIN = 'jupyter_workspace';

/** The name by which the shell knows the panel. */
export const PANEL_ID = 'jupyter-workspace-files';

/** The sidebar's panel. It turns to the open notebook only while a person can see it. */
export class FilesPanel extends ReactWidget {
  constructor(
    private readonly work: IWorkspaceDesk,
    private readonly kit: Kit
  ) {
    super();
    this.id = PANEL_ID;
    this.addClass('jp-FilesAndArtifacts');
    this.title.icon = clipIcon;
    this.title.caption = kit.trans.__('Files & Artifacts');
    this.node.tabIndex = -1;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', kit.trans.__('Files & Artifacts'));
  }

  /** Follows another notebook; null when none is open. */
  follow(notebookPath: string | null): void {
    this.notebookPath = notebookPath;
    if (this.isVisible) {
      void this.work.desk.show(notebookPath);
    }
  }

  /** The kernel of the notebook has come to rest. */
  cellEnded(): void {
    if (this.isVisible) {
      void this.work.desk.model?.learnOrigins();
    }
  }

  protected override render(): ReactElement {
    return (
      <KitContext.Provider value={this.kit}>
        <h2 className="jp-FA-panelName">{this.kit.trans.__('Files & Artifacts')}</h2>
        <DeskView desk={this.work.desk} onActions={actions => this.work.actions.set(actions)}>
          <PackageHint work={this.work} />
        </DeskView>
      </KitContext.Provider>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    // Asking for a notebook's session makes one, so nobody's folder grows by what they do not look at.
    void this.work.desk.show(this.notebookPath);
  }

  /** Who asks for the panel by key goes on there. */
  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    if (!this.node.contains(document.activeElement)) {
      const find = (what: string): HTMLElement | null => this.node.querySelector<HTMLElement>(what);
      (find('[role="grid"]') ?? find('button:not(:disabled)') ?? this.node).focus();
    }
  }

  private notebookPath: string | null = null;
}

function PackageHint({ work }: { readonly work: IWorkspaceDesk }): ReactElement | null {
  const isMissing = useSignal(work.isPackageMissing);
  return isMissing ? <Missing onClose={() => work.isPackageMissing.set(false)} /> : null;
}
