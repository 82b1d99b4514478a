import {
  addIcon,
  audioIcon,
  caretDownIcon,
  caretUpIcon,
  clearIcon,
  closeIcon,
  codeIcon,
  copyIcon,
  deleteIcon,
  downloadIcon,
  editIcon,
  errorIcon,
  fileIcon,
  fileUploadIcon,
  folderIcon,
  imageIcon,
  LabIcon,
  launchIcon,
  notebookIcon,
  pauseIcon,
  pdfIcon,
  refreshIcon,
  runIcon,
  searchIcon,
  spreadsheetIcon,
  textEditorIcon,
  undoIcon,
  videoIcon
} from '@jupyterlab/ui-components';
import type { ComponentType } from 'react';

import { plainIcons } from '../views/icons';
import type { Icons } from '../views/kit';

/**
 * A picture on a grid of 24 by 24. It is filled, as JupyterLab's own are: those classes give a fill the theme's
 * colour and turn it round where an entry is chosen, but leave strokes alone.
 */
function filled(name: string, path: string): LabIcon {
  return new LabIcon({
    name: `jupyter-workspace:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" fill="#616161" fill-rule="evenodd" d="${path}"/>
</svg>`
  });
}

const LID = 'M5 4h3.5l1-1h5l1 1H19v2H5z';

/** A paper clip, for the panel and for what is attached. */
export const clipIcon = filled(
  'clip',
  'M18 8v8a6 6 0 0 1-12 0V7a4.5 4.5 0 0 1 9 0v8.5a3 3 0 0 1-6 0V8h2v7.5a1 1 0 0 0 2 0V7a2.5 2.5 0 0 0-5 0v9a4 4 0 0 0 8 0V8z'
);

/** An eye, for what is looked at and not opened. */
export const eyeIcon = filled(
  'eye',
  'M12 5C7 5 2.7 7.9 1 12c1.7 4.1 6 7 11 7s9.3-2.9 11-7c-1.7-4.1-6-7-11-7zM12 17a5 5 0 1 1 0-10 5 5 0 0 1 0 10zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z'
);

/** A box with an arrow into it, for many files in one. */
export const archiveIcon = filled('archive', 'M3 4h18v4H3zM4 9h16v11H4zM11 10.5v4H8l4 4 4-4h-3v-4z');

/** A bin that gives back what is in it. */
const trashIcon = filled(
  'trash',
  `${LID}M6 7h12v12a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2zM8 9v10h8V9zM12 10l3 3.5h-2V18h-2v-4.5H9z`
);

/** A bin with a cross, for what goes for good. */
const eraseIcon = filled(
  'erase',
  `${LID}M6 7h12v12a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2zM8.7 12.1l1.9 1.9-1.9 1.9 1.4 1.4 1.9-1.9 1.9 1.9 1.4-1.4-1.9-1.9 1.9-1.9-1.4-1.4-1.9 1.9-1.9-1.9z`
);

/** A folder that is brought in. */
const folderUpIcon = filled('folder-up', 'M2 5h8l2 2h10v12H2zM11 17h2v-4h3l-4-4-4 4h3z');

/** JupyterLab's picture; our own where a version of it has none. */
function lab(icon: LabIcon | undefined, plain: ComponentType): ComponentType {
  return icon === undefined ? plain : () => <icon.react tag="span" />;
}

/** JupyterLab's pictures for the views. */
export const labIcons: Icons = {
  ...plainIcons,
  add: lab(addIcon, plainIcons.add),
  archive: lab(archiveIcon, plainIcons.archive),
  attach: lab(clipIcon, plainIcons.attach),
  audio: lab(audioIcon, plainIcons.audio),
  clear: lab(clearIcon, plainIcons.clear),
  close: lab(closeIcon, plainIcons.close),
  code: lab(codeIcon, plainIcons.code),
  copy: lab(copyIcon, plainIcons.copy),
  delete: lab(deleteIcon, plainIcons.delete),
  down: lab(caretDownIcon, plainIcons.down),
  download: lab(downloadIcon, plainIcons.download),
  edit: lab(editIcon, plainIcons.edit),
  erase: lab(eraseIcon, plainIcons.erase),
  error: lab(errorIcon, plainIcons.error),
  file: lab(fileIcon, plainIcons.file),
  folder: lab(folderIcon, plainIcons.folder),
  folderUp: lab(folderUpIcon, plainIcons.folderUp),
  image: lab(imageIcon, plainIcons.image),
  notebook: lab(notebookIcon, plainIcons.notebook),
  open: lab(launchIcon, plainIcons.open),
  pause: lab(pauseIcon, plainIcons.pause),
  pdf: lab(pdfIcon, plainIcons.pdf),
  preview: lab(eyeIcon, plainIcons.preview),
  refresh: lab(refreshIcon, plainIcons.refresh),
  resume: lab(runIcon, plainIcons.resume),
  search: lab(searchIcon, plainIcons.search),
  table: lab(spreadsheetIcon, plainIcons.table),
  text: lab(textEditorIcon, plainIcons.text),
  trash: lab(trashIcon, plainIcons.trash),
  undo: lab(undoIcon, plainIcons.undo),
  up: lab(caretUpIcon, plainIcons.up),
  upload: lab(fileUploadIcon, plainIcons.upload),
  video: lab(videoIcon, plainIcons.video)
};
