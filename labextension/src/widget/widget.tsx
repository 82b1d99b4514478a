import { WorkspaceClient } from '../client/client';
import { PageTransport, settingsOfPage } from '../client/page';
import { Desk } from '../model/desk';
import { languageTag } from '../model/format';
import { plainKit } from '../views/kit';
import { mount } from '../views/mount';
import { WidgetView, type WidgetData } from '../views/widgetView';

/** What anywidget hands over: the traits of the Python side, and a place in the output. */
interface RenderProps {
  readonly model: { get(name: string): unknown };
  readonly el: HTMLElement;
}

/** One a page: every output of a session shares its events and its transfers. */
let shared: Desk | null = null;

function desk(): Desk | null {
  const settings = settingsOfPage();
  if (shared === null && settings !== null) {
    shared = new Desk(new WorkspaceClient(new PageTransport(settings)));
  }
  return shared;
}

/** Draws the panel; the returned function takes it away. */
function render({ model, el }: RenderProps): () => void {
  const place = document.createElement('div');
  place.className = 'jp-FilesAndArtifacts jp-mod-output';
  el.append(place);
  const work = desk();
  if (work === null) {
    // No server of Jupyter stands behind this page, so there is nobody to ask for files.
    place.textContent = String(model.get('fallback'));
    return () => place.remove();
  }
  const data = model.get('data') as WidgetData;
  const language = languageTag(plainKit.language, navigator.languages);
  const dispose = mount(place, <WidgetView desk={work} data={data} />, { ...plainKit, language });
  return () => {
    dispose();
    place.remove();
  };
}

export default { render };
