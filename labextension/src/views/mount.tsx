import { createRoot } from 'react-dom/client';
import type { ReactElement } from 'react';

import { KitContext, type Kit } from './kit';

/** Draws a view into an element. The returned function takes it out again. */
export function mount(element: HTMLElement, view: ReactElement, kit: Kit): () => void {
  const root = createRoot(element);
  root.render(<KitContext.Provider value={kit}>{view}</KitContext.Provider>);
  return () => root.unmount();
}
