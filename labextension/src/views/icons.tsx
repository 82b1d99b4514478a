import type { ReactElement } from 'react';

import type { Icons } from './kit';

/** A picture on a grid of 16 by 16, drawn in lines of the theme's colour. */
function drawn(path: string): () => ReactElement {
  return () => (
    <svg width="16" height="16" viewBox="0 0 16 16">
      <path className="jp-FA-line" d={path} />
    </svg>
  );
}

const PAGE = 'M3.5 1.5h6l3 3v10h-9zM9.5 1.5v3h3';

/** For pages that bring no pictures of their own. */
export const plainIcons: Icons = {
  add: drawn('M8 2.5v11M2.5 8h11'),
  archive: drawn('M1.5 2.5h13v3h-13zM2.5 5.5v8h11v-8M8 7v5M5.8 9.8L8 12l2.2-2.2'),
  attach: drawn('M11.5 5v6a3.5 3.5 0 0 1-7 0V4.5a2.5 2.5 0 0 1 5 0V11a1.2 1.2 0 0 1-2.4 0V5'),
  audio: drawn('M6 12.5v-9l6-1.5v9M6 12.5a2 1.5 0 1 1-4 0 2 1.5 0 0 1 4 0M12 11a2 1.5 0 1 1-4 0 2 1.5 0 0 1 4 0'),
  clear: drawn('M4.5 4.5l7 7M11.5 4.5l-7 7'),
  close: drawn('M4 4l8 8M12 4l-8 8'),
  code: drawn('M5.5 4l-4 4 4 4M10.5 4l4 4-4 4'),
  copy: drawn('M5.5 5.5h8v9h-8zM10.5 5.5v-4h-8v9h3'),
  delete: drawn('M2.5 4h11M6 4V2h4v2M4 4l.7 10h6.6L12 4M6.5 6.5v5M9.5 6.5v5'),
  down: drawn('M4 6l4 4 4-4'),
  download: drawn('M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.5h11'),
  edit: drawn('M2.5 13.5l.7-3 7.8-8 2.3 2.3-7.8 8z'),
  erase: drawn('M2.5 4h11M6 4V2h4v2M4 4l.7 10h6.6L12 4M6 7l4 4M10 7l-4 4'),
  error: drawn('M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13M8 4.5V9M8 11v.5'),
  file: drawn(PAGE),
  folder: drawn('M1.5 3.5h5l1.5 2h6.5v8h-13z'),
  folderUp: drawn('M1.5 3.5h5l1.5 2h6.5v8h-13zM8 12V7.5M6 9.5l2-2 2 2'),
  image: drawn('M1.5 2.5h13v11h-13zM2 12l4-5 3 3.5 2-2 3 3.5M10.5 5.5h.5'),
  notebook: drawn('M3.5 1.5h9v13h-9zM6 1.5v13M8.5 5h2'),
  open: drawn('M9 2.5h4.5V7M13.5 2.5L7 9M11.5 9.5v4h-9v-9h4'),
  pause: drawn('M5.5 3v10M10.5 3v10'),
  pdf: drawn(`${PAGE}M5.5 11.5h5M5.5 8.5h5`),
  preview: drawn('M1 8s2.5-4.5 7-4.5S15 8 15 8s-2.5 4.5-7 4.5S1 8 1 8M8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4'),
  refresh: drawn('M13 8a5 5 0 1 1-1.5-3.5M13.5 2v3h-3'),
  resume: drawn('M4.5 3l8 5-8 5z'),
  reveal: drawn('M1.5 3.5h5l1.5 2h6.5v8h-13zM6 9.5h4M8.5 8L10 9.5 8.5 11'),
  search: drawn('M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9M10.5 10.5l3.5 3.5'),
  table: drawn('M1.5 2.5h13v11h-13zM1.5 6.5h13M1.5 10h13M6 2.5v11'),
  text: drawn(`${PAGE}M5.5 7h5M5.5 9.5h5M5.5 12h3`),
  trash: drawn('M2.5 4h11M6 4V2h4v2M4 4l.7 10h6.6L12 4M8 12V7M6.2 8.8L8 7l1.8 1.8'),
  undo: drawn('M5 3L2 6l3 3M2 6h7a4 4 0 0 1 0 8H6'),
  up: drawn('M4 10l4-4 4 4'),
  upload: drawn('M8 10.5V2M4.5 5.5L8 2l3.5 3.5M2.5 13.5h11'),
  video: drawn('M1.5 3.5h9v9h-9zM10.5 7l4-2.5v7l-4-2.5')
};
