import type { FileRecord } from '../client/wire';

/** What a notebook needs before the first line that reads a file. */
export const PREPARATION = 'import jupyter_workspace as jw\n\nws = jw.current()';

/** How a notebook writes a result where the panel sees it. */
export const WRITING = 'plt.savefig(ws / "loss.png")';

/** What brings the package into a kernel's environment. */
export const INSTALLATION = '%pip install jupyter-workspace';

/** The expression that gives a file's path in a notebook: `ws["sales.csv"]`. */
export function codeLine(file: FileRecord): string {
  const isPlain = file.path === `attachments/${file.name}`;
  return `ws[${JSON.stringify(isPlain ? file.name : file.path)}]`;
}

/** The lines for several files, one a line. */
export function codeLines(files: readonly FileRecord[]): string {
  return files.map(codeLine).join('\n');
}

/** Whether a notebook's code has a `ws` already. */
export function isPrepared(sources: Iterable<string>): boolean {
  return [...sources].some(source => /^\s*ws\s*=/m.test(source));
}
