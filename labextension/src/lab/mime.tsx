import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import type { Desk } from '../model/desk';
import { languageTag } from '../model/format';
import { Signal } from '../model/signal';
import { IWorkspaceDesk } from '../tokens';
import { labHost } from './host';
import { labIcons } from './icons';
import { DOMAIN } from './panel';
import type { Kit } from '../views/kit';
import { mount } from '../views/mount';
import { WidgetView, widgetDataOf, type WidgetData } from '../views/widgetView';

const MIME = 'application/vnd.jupyter-workspace.v1+json';
/** Before the view that would have to ask the kernel. */
const RANK = -10;

/** Shows the widgets of the Python package without asking the kernel, so also while it is busy. */
export const mimePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-workspace:mime',
  description: 'Renders the panels that notebooks show in their outputs.',
  autoStart: true,
  requires: [IWorkspaceDesk, IRenderMimeRegistry, INotebookTracker],
  optional: [ITranslator],
  activate
};

function activate(
  app: JupyterFrontEnd,
  work: IWorkspaceDesk,
  rendermime: IRenderMimeRegistry,
  tracker: INotebookTracker,
  translator: ITranslator | null
): void {
  const trans = (translator ?? nullTranslator).load(DOMAIN);
  const language = languageTag((translator ?? nullTranslator).languageCode, navigator.languages);
  const { desk } = work;
  const host = labHost({ app, desk, tracker, manager: null, rendermime, hasBrowser: false, trans });
  rendermime.addFactory(
    {
      safe: true,
      mimeTypes: [MIME],
      createRenderer: () => new OutputPanel(desk, { trans, language, icons: labIcons, host })
    },
    RANK
  );
}

/** A panel in the output of a cell. */
class OutputPanel extends Widget implements IRenderMime.IRenderer {
  constructor(
    private readonly desk: Desk,
    private readonly kit: Kit
  ) {
    super();
    this.addClass('jp-FilesAndArtifacts');
    this.addClass('jp-mod-output');
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.data = widgetDataOf(model.data[MIME]);
    if (this.data === null) {
      this.node.textContent = this.kit.trans.__('This panel is of another version of jupyter_workspace.');
    }
    this.draw();
    return Promise.resolve();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.isSeen.set(this.isVisible);
    this.draw();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.isSeen.set(true);
  }

  protected override onBeforeHide(message: Message): void {
    this.isSeen.set(false);
    super.onBeforeHide(message);
  }

  protected override onBeforeDetach(message: Message): void {
    this.clear();
    super.onBeforeDetach(message);
  }

  private draw(): void {
    if (this.isAttached && this.data !== null) {
      this.clear();
      const view = <WidgetView desk={this.desk} data={this.data} isSeen={this.isSeen} />;
      this.clear = mount(this.node, view, this.kit);
    }
  }

  /** Lumino tells all that is in a tab when the tab comes and goes. */
  private readonly isSeen = new Signal(false);
  private data: WidgetData | null = null;
  private clear: () => void = () => undefined;
}
