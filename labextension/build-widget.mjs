// Bundles each entry of src/widget for anywidget: one ES module that needs nothing else from the page.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { build } from 'esbuild';

const SOURCE = 'src/widget';
const TARGET = '../jupyter_workspace/static';

const entries = existsSync(SOURCE)
  ? readdirSync(SOURCE)
      .filter(name => /\.tsx?$/.test(name))
      .map(name => join(SOURCE, name))
  : [];

if (entries.length > 0) {
  await build({
    entryPoints: entries,
    outdir: TARGET,
    bundle: true,
    format: 'esm',
    target: 'es2020',
    jsx: 'automatic',
    minify: true,
    logLevel: 'info'
  });
}
