/** How many rows and columns of a table are shown. */
const ROWS = 100;
const COLUMNS = 30;

/** The head of a table. */
export interface Table {
  readonly form: 'table';
  readonly rows: readonly (readonly string[])[];
  readonly isCut: boolean;
}

/**
 * The first rows of separated values (RFC 4180). The separator is the one that the first line has
 * most of. With `isCut` the text ends anywhere, and its last row is left out.
 */
export function parseTable(text: string, isCut: boolean): Table {
  const separator = separatorOf(text.slice(0, text.indexOf('\n') + 1 || undefined));
  const rows: string[][] = [];
  const rest = { text: text.replace(/^\uFEFF/, ''), at: 0 };
  while (rest.at < rest.text.length && rows.length <= ROWS) {
    rows.push(readRow(rest, separator));
  }
  const isMore = rest.at < rest.text.length;
  if (isCut && !isMore) {
    rows.pop();
  }
  const isWide = rows.some(row => row.length > COLUMNS);
  return {
    form: 'table',
    rows: rows.slice(0, ROWS).map(row => row.slice(0, COLUMNS)),
    isCut: isCut || isMore || isWide
  };
}

function separatorOf(line: string): string {
  const count = (mark: string): number => line.split(mark).length;
  return [',', ';', '\t', '|'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** One row from where the reader stands, which goes on behind it. */
function readRow(reader: { readonly text: string; at: number }, separator: string): string[] {
  const row: string[] = [];
  for (;;) {
    const quoted = reader.text[reader.at] === '"' ? readQuoted(reader) : '';
    const end = /\r?\n|$/.exec(reader.text.slice(reader.at))?.index ?? 0;
    const next = reader.text.indexOf(separator, reader.at);
    const line = reader.at + end;
    const stop = next >= 0 && next < line ? next : line;
    row.push(quoted + reader.text.slice(reader.at, stop));
    if (stop === next && stop !== line) {
      reader.at = stop + 1;
    } else {
      reader.at = stop + (reader.text.startsWith('\r\n', stop) ? 2 : 1);
      return row;
    }
  }
}

/** A value in quotes; a doubled quote in it is one. */
function readQuoted(reader: { readonly text: string; at: number }): string {
  let value = '';
  for (;;) {
    const end = reader.text.indexOf('"', reader.at + 1);
    const stop = end < 0 ? reader.text.length : end;
    value += reader.text.slice(reader.at + 1, stop);
    reader.at = stop + 1;
    if (reader.text[reader.at] !== '"') {
      return value;
    }
    value += '"';
  }
}
