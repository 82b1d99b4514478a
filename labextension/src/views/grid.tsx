import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { KeyboardEvent, MouseEvent, ReactElement, RefObject } from 'react';

import type { FileRecord } from '../client/wire';
import type { Actions } from '../model/actions';
import { sortedBy, type Query, type SortKey } from '../model/table';
import { onKey } from './keys';
import { Icon, useNow, useSignal, useTrans } from './kit';
import { ROW_PX } from './measures';
import { Row } from './row';

/** Rows drawn above and below what is in sight. */
const MARGIN_ROWS = 8;

interface GridProps {
  readonly actions: Actions;
  readonly gridRef: RefObject<HTMLDivElement>;
}

/** The files. Only the rows in sight are on the page, so ten thousand cost as little as ten. */
export function Grid({ actions, gridRef }: GridProps): ReactElement {
  const { browse } = actions;
  const trans = useTrans();
  const rows = useSignal(browse.rows);
  const selection = useSignal(browse.selection);
  // By chance: React's own `useId` begins anew in each output of a page.
  const [name] = useState(() => `jp-FA-${Math.random().toString(36).slice(2)}-`);
  const { top, first, last, height, onScroll } = useWindow(gridRef, rows.length);
  useFocusInSight(gridRef, rows, selection.focus, height);
  useBeginning(gridRef, useSignal(browse.query));
  const focused = rows.find(file => file.attachment_id === selection.focus);
  return (
    <div
      ref={gridRef}
      className="jp-FA-grid"
      role="grid"
      tabIndex={0}
      aria-label={trans.__('Files')}
      aria-multiselectable="true"
      aria-rowcount={rows.length + 1}
      aria-activedescendant={focused === undefined ? undefined : rowId(name, focused)}
      onScroll={onScroll}
      onKeyDown={(event: KeyboardEvent) => onKey(event, actions)}
      onFocus={event => {
        // By the mouse it comes on the way down: a list that went to its first row then would lose the click.
        const isByKey = event.target === event.currentTarget && event.currentTarget.matches(':focus-visible');
        if (isByKey && selection.focus === null) {
          browse.move(1, 'focus');
        }
      }}
      onContextMenu={event => chooseForMenu(event, actions)}
    >
      <Head actions={actions} />
      <div role="rowgroup" className="jp-FA-body" style={{ height: rows.length * ROW_PX }}>
        <Rows
          grid={name}
          actions={actions}
          rows={rows}
          first={first}
          last={last}
          top={top}
          bottom={last - MARGIN_ROWS}
        />
      </div>
    </div>
  );
}

/** The name by which a grid finds the row with the focus. A file may have rows in several grids of a page. */
function rowId(grid: string, file: FileRecord): string {
  return `${grid}${file.attachment_id}`;
}

interface RowsProps {
  readonly grid: string;
  readonly actions: Actions;
  readonly rows: readonly FileRecord[];
  /** The rows that are drawn. */
  readonly first: number;
  readonly last: number;
  /** The rows in sight. */
  readonly top: number;
  readonly bottom: number;
}

function Rows({ grid, actions, rows, first, last, top, bottom }: RowsProps): ReactElement {
  const { browse } = actions;
  const selection = useSignal(browse.selection);
  const fresh = useSignal(browse.model.fresh);
  const renaming = useSignal(browse.renaming);
  const now = useNow(30_000) + useSignal(browse.model.aheadMs);
  return (
    <>
      {rows.slice(first, last).map((file, place) => (
        <Row
          key={file.attachment_id}
          id={rowId(grid, file)}
          actions={actions}
          file={file}
          index={first + place}
          isInSight={first + place >= top && first + place < bottom}
          isChosen={selection.ids.has(file.attachment_id)}
          hasFocus={selection.focus === file.attachment_id}
          isFresh={fresh.has(file.attachment_id)}
          isRenaming={renaming === file.attachment_id}
          now={now}
        />
      ))}
    </>
  );
}

const COLUMNS: readonly SortKey[] = ['name', 'modified', 'size'];

/** What the columns are; a click sorts by one. */
function Head({ actions }: { readonly actions: Actions }): ReactElement {
  const trans = useTrans();
  const query = useSignal(actions.browse.query);
  const names = { name: trans.__('Name'), modified: trans.__('Modified'), size: trans.__('Size') };
  return (
    <div role="rowgroup" className="jp-FA-head">
      <div role="row" aria-rowindex={1}>
        {COLUMNS.map(key => {
          const isSorted = query.sort === key;
          const order = query.isDescending ? 'descending' : 'ascending';
          return (
            <div key={key} role="columnheader" aria-sort={isSorted ? order : 'none'} data-column={key}>
              <button type="button" onClick={() => actions.browse.ask(sortedBy(query, key))}>
                {names[key]}
                {isSorted && <Icon name={query.isDescending ? 'down' : 'up'} />}
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Which rows are in sight. */
function useWindow(
  ref: RefObject<HTMLDivElement>,
  count: number
): { top: number; first: number; last: number; height: number; onScroll: () => void } {
  const [view, setView] = useState({ top: 0, height: 600 });
  const look = (): void => {
    const grid = ref.current;
    if (grid !== null) {
      // Whole rows: scrolling by a pixel draws nothing anew.
      const top = Math.floor(grid.scrollTop / ROW_PX);
      const height = grid.clientHeight;
      setView(now => (now.top === top && now.height === height ? now : { top, height }));
    }
  };
  useEffect(() => {
    const watcher = new ResizeObserver(look);
    if (ref.current !== null) {
      watcher.observe(ref.current);
    }
    return () => watcher.disconnect();
  }, []);
  const first = Math.max(0, Math.min(view.top, count) - MARGIN_ROWS);
  const last = view.top + Math.ceil(view.height / ROW_PX) + MARGIN_ROWS;
  return { top: view.top, first, last, height: view.height, onScroll: look };
}

/** Another question is answered from its beginning; another order of the same files is none. */
function useBeginning(ref: RefObject<HTMLDivElement>, { text, kind, type }: Query): void {
  const question = `${kind} ${type} ${text}`;
  const last = useRef(question);
  useLayoutEffect(() => {
    if (ref.current !== null && last.current !== question) {
      ref.current.scrollTop = 0;
    }
    last.current = question;
  }, [ref, question]);
}

/** Scrolls when the focus moves out of sight, or the list becomes lower. */
function useFocusInSight(
  ref: RefObject<HTMLDivElement>,
  rows: readonly FileRecord[],
  focus: string | null,
  height: number
): void {
  const last = useRef(`${focus ?? ''} ${height}`);
  useLayoutEffect(() => {
    const grid = ref.current;
    const place = rows.findIndex(file => file.attachment_id === focus);
    const now = `${focus ?? ''} ${height}`;
    // Rows that come and go above it do not carry the list away.
    if (grid === null || place < 0 || last.current === now) {
      return;
    }
    last.current = now;
    const head = (grid.firstElementChild as HTMLElement).offsetHeight;
    const top = place * ROW_PX;
    if (top < grid.scrollTop) {
      grid.scrollTop = top;
    } else if (top + ROW_PX + head > grid.scrollTop + grid.clientHeight) {
      grid.scrollTop = top + ROW_PX + head - grid.clientHeight;
    }
  }, [ref, rows, focus, height]);
}

/** A menu is about the row under it: that row is chosen, unless it is among the chosen ones. */
function chooseForMenu(event: MouseEvent, { browse }: Actions): void {
  const row = (event.target as Element).closest<HTMLElement>('[data-id]');
  const id = row?.dataset['id'];
  if (id !== undefined && !browse.selection.get().ids.has(id)) {
    browse.choose(id, 'only');
  }
}
