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

/** A paper clip. JupyterLab's classes give the stroke the theme's colour. */
export const clipIcon = new LabIcon({
  name: 'jupyter-workspace:clip',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" style="fill: none" stroke="#616161" stroke-width="2"
    d="M17 8v8a5 5 0 0 1-10 0V7a3.5 3.5 0 0 1 7 0v8.5a2 2 0 0 1-4 0V8"/>
</svg>`
});

/** An eye, for what is looked at and not opened. */
export const eyeIcon = new LabIcon({
  name: 'jupyter-workspace:eye',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">
  <path class="jp-icon3 jp-icon-selectable" style="fill: none" stroke="#616161" stroke-width="1.2"
    d="M1 8s2.5-4.5 7-4.5S15 8 15 8s-2.5 4.5-7 4.5S1 8 1 8M8 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4"/>
</svg>`
});

/** JupyterLab's picture; our own where a version of it has none. */
function lab(icon: LabIcon | undefined, plain: ComponentType): ComponentType {
  return icon === undefined ? plain : () => <icon.react tag="span" />;
}

/** JupyterLab's pictures for the views. */
export const labIcons: Icons = {
  ...plainIcons,
  add: lab(addIcon, plainIcons.add),
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
  error: lab(errorIcon, plainIcons.error),
  file: lab(fileIcon, plainIcons.file),
  folder: lab(folderIcon, plainIcons.folder),
  image: lab(imageIcon, plainIcons.image),
  notebook: lab(notebookIcon, plainIcons.notebook),
  open: lab(launchIcon, plainIcons.open),
  pause: lab(pauseIcon, plainIcons.pause),
  pdf: lab(pdfIcon, plainIcons.pdf),
  refresh: lab(refreshIcon, plainIcons.refresh),
  resume: lab(runIcon, plainIcons.resume),
  search: lab(searchIcon, plainIcons.search),
  table: lab(spreadsheetIcon, plainIcons.table),
  text: lab(textEditorIcon, plainIcons.text),
  undo: lab(undoIcon, plainIcons.undo),
  up: lab(caretUpIcon, plainIcons.up),
  upload: lab(fileUploadIcon, plainIcons.upload),
  video: lab(videoIcon, plainIcons.video)
};
