/** How many rows and columns of a table are shown. */
const ROWS = 100;
const COLUMNS = 30;

/** The head of a table. */
export interface Table {
  readonly form: 'table';
  /** The first ones, that with the names among them. */
  readonly rows: readonly (readonly string[])[];
  /** How many rows there are below the names; null when the end was not read. */
  readonly rowCount: number | null;
  /** How many columns the names have; null when the end of that line was not read. */
  readonly columnCount: number | null;
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
  const others = isCut ? 0 : countRows(rest, separator);
  // A line longer than the head is all that there is of it.
  if (isCut && !isMore && rows.length > 1) {
    rows.pop();
  }
  const isWide = rows.some(row => row.length > COLUMNS);
  const isWhole = rows.length > 1 || !isCut;
  return {
    form: 'table',
    rows: rows.slice(0, ROWS).map(row => row.slice(0, COLUMNS)),
    rowCount: isCut ? null : Math.max(0, rows.filter(isFilled).length + others - 1),
    columnCount: isWhole ? (rows[0]?.length ?? 0) : null,
    isCut: isCut || isMore || isWide
  };
}

/** How many rows are left. A line with nothing in it is none. */
function countRows(rest: { readonly text: string; at: number }, separator: string): number {
  let count = 0;
  while (rest.at < rest.text.length) {
    count += Number(isFilled(readRow(rest, separator)));
  }
  return count;
}

function isFilled(row: readonly string[]): boolean {
  return row.length > 1 || row[0] !== '';
}

function separatorOf(line: string): string {
  const count = (mark: string): number => line.split(mark).length;
  return [',', ';', '\t', '|'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** One row from where the reader stands, which goes on behind it. */
function readRow(reader: { readonly text: string; at: number }, separator: string): string[] {
  const row: string[] = [];
  const end = new RegExp(`\\r?\\n|[${separator}]`, 'g');
  for (;;) {
    const quoted = reader.text[reader.at] === '"' ? readQuoted(reader) : '';
    // To the next mark and no further: a line may have tens of thousands of values.
    end.lastIndex = reader.at;
    const mark = end.exec(reader.text);
    const stop = mark?.index ?? reader.text.length;
    row.push(quoted + reader.text.slice(reader.at, stop));
    reader.at = stop + (mark?.[0].length ?? 1);
    if (mark?.[0] !== separator) {
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
