// What a page needs of Uppy; esbuild makes one script of it, `uppy` on the page.
export {default as Uppy} from '@uppy/core';
export {default as Tus} from '@uppy/tus';
