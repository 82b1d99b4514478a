import { clientPlugin, deskPlugin } from './lab/client';
import { commandsPlugin } from './lab/commands';
import { fileBrowserPlugin } from './lab/fileBrowser';
import { kernelCheckPlugin } from './lab/kernelCheck';
import { mimePlugin } from './lab/mime';
import { sidebarPlugin } from './lab/sidebar';
import { statusPlugin } from './lab/status';

export * from './tokens';

/** The plugins of this extension; each can be disabled on its own. */
export default [
  clientPlugin,
  deskPlugin,
  sidebarPlugin,
  commandsPlugin,
  fileBrowserPlugin,
  kernelCheckPlugin,
  mimePlugin,
  statusPlugin
];
