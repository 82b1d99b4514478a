import type { FileRecord } from '../client/wire';

/** What a notebook needs before the first line that reads a file. */
export const PREPARATION = 'import jupyter_workspace as jw\n\nws = jw.current()';

/** The first step of a newcomer: runs as it stands, and says how the next file is read. */
export const READING = `${PREPARATION}\n# path: ws["sales.csv"]`;

/** How a notebook writes a result where the panel sees it. */
export const WRITING = `import matplotlib.pyplot as plt

plt.plot([3, 2, 1])
plt.savefig(ws / "loss.png")`;

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

/** The code with what it needs: a `ws`, where neither it nor the notebook has made one. */
export function withPreparation(code: string, sources: Iterable<string>): string {
  const isWhole = !/\bws\b/.test(code) || isPrepared([code, ...sources]);
  return isWhole ? code : `${PREPARATION}\n${code}`;
}

/** Whether a notebook's code has a `ws` already. */
function isPrepared(sources: Iterable<string>): boolean {
  return [...sources].some(source => /^\s*ws\s*=/m.test(source));
}
