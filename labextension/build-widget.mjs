// Bundles src/widget for anywidget: one ES module and one style sheet that need nothing else from the page.
import { gzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';

import { build } from 'esbuild';

const TARGET = '../jupyter_workspace/static';
// What a browser has to fetch, gzipped.
const LIMIT = 60_000;

await build({
  entryPoints: { widget: 'src/widget/widget.tsx', 'widget-style': 'style/index.css' },
  outdir: TARGET,
  bundle: true,
  format: 'esm',
  target: 'es2020',
  jsx: 'automatic',
  minify: true,
  // Preact is a tenth of React, and the views need no more.
  alias: {
    'react/jsx-runtime': 'preact/jsx-runtime',
    'react-dom/client': 'preact/compat/client',
    react: 'preact/compat'
  },
  logLevel: 'warning'
});

const size = gzipSync(readFileSync(`${TARGET}/widget.js`)).length;
console.log(`widget.js: ${(size / 1000).toFixed(1)} kB gzipped`);
if (size > LIMIT) {
  throw new Error(`The widget's bundle is larger than ${LIMIT / 1000} kB gzipped.`);
}
