import { clientPlugin } from './lab/client';
import { sidebarPlugin } from './lab/sidebar';

export * from './tokens';

/** The plugins of this extension; each can be disabled on its own. */
export default [clientPlugin, sidebarPlugin];
