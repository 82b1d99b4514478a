import { LabIcon } from '@jupyterlab/ui-components';

/** A paper clip. JupyterLab's classes give the stroke the theme's colour. */
export const clipIcon = new LabIcon({
  name: 'jupyter-workspace:clip',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3 jp-icon-selectable" style="fill: none" stroke="#616161" stroke-width="2"
    d="M17 8v8a5 5 0 0 1-10 0V7a3.5 3.5 0 0 1 7 0v8.5a2 2 0 0 1-4 0V8"/>
</svg>`
});
