import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { SortKey } from '../model/table';
import type { IWorkspaceDesk } from '../tokens';

/** Obeys the person's settings, now and after each change. */
export async function watchSettings(
  registry: ISettingRegistry,
  pluginId: string,
  work: IWorkspaceDesk
): Promise<void> {
  const settings = await registry.load(pluginId);
  const obey = (): void => {
    const sort = settings.get('sort').composite as SortKey;
    const isDescending = settings.get('descending').composite === true;
    work.actions.get()?.browse.ask({ sort, isDescending });
  };
  work.actions.subscribe(obey);
  settings.changed.connect(obey);
  obey();
}
