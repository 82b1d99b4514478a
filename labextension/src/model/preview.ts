import { WorkspaceError } from '../client/errors';
import type { FileRecord } from '../client/wire';
import { isPictured, isSmallRaster } from './media';
import { parseTable, type Table } from './separated';
import type { SessionModel } from './session';
import { typeOf } from './table';

/** How much of a file is read for its preview, in bytes. */
const HEAD_BYTES = 128 * 1024;
/** The longer side of a picture that the server makes, in pixels. */
const PICTURE_PX = 1024;
/** How many cells of a notebook are shown. */
const CELLS = 20;
/** The longest text with a line a value that is shown, in characters. */
const LONGEST = 2 * 1024 * 1024;

/** One cell of a notebook's head. */
export interface Cell {
  readonly isCode: boolean;
  /** The number of its last run, null before its first; undefined where nobody told. */
  readonly run?: number | null;
  readonly source: string;
}

/** What a preview shows. `isCut`: there is more in the file. */
export type Preview =
  /** `isOriginal`: the picture is the file itself, not a smaller one of it. */
  | { readonly form: 'image'; readonly url: string; readonly isOriginal: boolean }
  | { readonly form: 'audio' | 'video'; readonly url: string }
  | Table
  | { readonly form: 'markdown' | 'text'; readonly text: string; readonly isCut: boolean }
  | { readonly form: 'notebook'; readonly cells: readonly Cell[]; readonly isCut: boolean }
  | { readonly form: 'empty' }
  /** `type`: nobody makes previews of such files; `unsupported`: this server does not. */
  | { readonly form: 'none'; readonly cause: 'type' | 'unsupported' };

/** The preview of a file. Only its head is read, however large it is. */
export async function previewOf(model: SessionModel, file: FileRecord): Promise<Preview> {
  const { client } = model;
  if (file.size === 0) {
    return { form: 'empty' };
  }
  const picture = model.pictureUrl(file, PICTURE_PX);
  if (picture !== null) {
    const isOriginal = isSmallRaster(file);
    return { form: 'image', url: isOriginal ? client.streamUrl(file) : picture, isOriginal };
  }
  if (isPictured(file)) {
    return { form: 'none', cause: 'unsupported' };
  }
  const type = typeOf(file);
  if (type === 'audio' || type === 'video') {
    return { form: type, url: client.streamUrl(file) };
  }
  const isText = type === 'text' || type === 'notebook' || /\.(csv|tsv)$/i.test(file.name);
  if (!isText && !file.mime.startsWith('text/') && file.mime !== 'image/svg+xml') {
    return { form: 'none', cause: 'type' };
  }
  const isCut = file.size > HEAD_BYTES;
  const cells = isCut && type === 'notebook' ? await cellsOf(model, file) : null;
  return cells ?? readText(file, await client.head(file, HEAD_BYTES), isCut);
}

/** Why the picture of a preview could not be shown, as far as the server knows; else null. */
export async function refusalOf({ client }: SessionModel, file: FileRecord): Promise<Error | null> {
  try {
    return await client.previewRefusal(file, PICTURE_PX);
  } catch (error) {
    return error as Error;
  }
}

/** The cells that the server finds in a notebook; null when it finds none. Outputs may be large, and stay there. */
async function cellsOf({ client }: SessionModel, file: FileRecord): Promise<Preview | null> {
  try {
    const { cells, truncated } = await client.cells(file);
    const shown = cells.slice(0, CELLS).map(({ type, source }) => ({ isCode: type === 'code', source }));
    return { form: 'notebook', cells: shown, isCut: truncated || cells.length > CELLS };
  } catch (error) {
    if (error instanceof WorkspaceError && [413, 415].includes(error.status)) {
      return null;
    }
    throw error;
  }
}

function readText(file: FileRecord, text: string, isCut: boolean): Preview {
  if (/\.(csv|tsv)$/i.test(file.name)) {
    return parseTable(text, isCut);
  }
  if (/\.(md|markdown)$/i.test(file.name)) {
    return { form: 'markdown', text, isCut };
  }
  if (file.name.endsWith('.ipynb') && !isCut) {
    return readNotebook(text);
  }
  return { form: 'text', text: /\.json$/i.test(file.name) && !isCut ? indented(text) : text, isCut };
}

function readNotebook(text: string): Preview {
  try {
    const notebook = JSON.parse(text) as {
      cells?: readonly { cell_type: string; source: string | readonly string[]; execution_count?: unknown }[];
    };
    const cells = (notebook.cells ?? []).map(({ cell_type, source, execution_count: run }) => ({
      isCode: cell_type === 'code',
      run: typeof run === 'number' ? run : null,
      source: typeof source === 'string' ? source : source.join('')
    }));
    return { form: 'notebook', cells: cells.slice(0, CELLS), isCut: cells.length > CELLS };
  } catch {
    return { form: 'text', text, isCut: false };
  }
}

function indented(text: string): string {
  if (lengthIndented(text) > LONGEST) {
    return text;
  }
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** How long JSON is, about, with a line a value. Brackets in brackets make it many times what it was. */
function lengthIndented(text: string): number {
  let depth = 0;
  let { length } = text;
  for (const [mark] of text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"/g, '').matchAll(/[[\]{},]/g)) {
    depth += '[{'.includes(mark) ? 1 : ']}'.includes(mark) ? -1 : 0;
    length += 1 + 2 * Math.max(0, depth);
  }
  return length;
}
