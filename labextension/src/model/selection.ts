/** Which rows are chosen, which one has the focus, and where a range began; by id. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  readonly focus: string | null;
  readonly anchor: string | null;
}

export const NOTHING: Selection = { ids: new Set(), focus: null, anchor: null };

/** How a choice adds to what is chosen: alone, to or from it, or as a range from the anchor. */
export type Mode = 'only' | 'toggle' | 'range';

/** The selection after a row was chosen. */
export function choose(now: Selection, rows: readonly string[], id: string, mode: Mode): Selection {
  if (mode === 'toggle') {
    const ids = new Set(now.ids);
    if (!ids.delete(id)) {
      ids.add(id);
    }
    return { ids, focus: id, anchor: id };
  }
  const start = mode === 'range' && now.anchor !== null ? rows.indexOf(now.anchor) : -1;
  if (start < 0) {
    return { ids: new Set([id]), focus: id, anchor: id };
  }
  const end = rows.indexOf(id);
  const [first, last] = start < end ? [start, end] : [end, start];
  return { ids: new Set(rows.slice(first, last + 1)), focus: id, anchor: now.anchor };
}

/** The selection after the focus went `steps` rows on; it stops at the ends. */
export function move(
  now: Selection,
  rows: readonly string[],
  steps: number,
  mode: 'only' | 'range' | 'focus'
): Selection {
  const at = now.focus === null ? -1 : rows.indexOf(now.focus);
  const from = at < 0 ? (steps > 0 ? -1 : 0) : at;
  const id = rows[Math.max(0, Math.min(rows.length - 1, from + steps))];
  if (id === undefined) {
    return now;
  }
  return mode === 'focus' ? { ...now, focus: id } : choose(now, rows, id, mode);
}

/** All rows; the focus stays. */
export function chooseAll(now: Selection, rows: readonly string[]): Selection {
  return { ids: new Set(rows), focus: now.focus ?? rows[0] ?? null, anchor: rows[0] ?? null };
}

/** Without rows that are gone. The focus goes to the row that took the place of its own. */
export function settle(now: Selection, before: readonly string[], after: readonly string[]): Selection {
  if (now.focus === null && now.ids.size === 0) {
    return now;
  }
  const there = new Set(after);
  const isWhole = (now.focus === null || there.has(now.focus)) && [...now.ids].every(id => there.has(id));
  if (isWhole) {
    return now;
  }
  const ids = new Set([...now.ids].filter(id => there.has(id)));
  if (now.focus === null || there.has(now.focus)) {
    return { ...now, ids };
  }
  const place = Math.max(0, before.indexOf(now.focus));
  const focus = before.slice(place).find(id => there.has(id)) ?? after[after.length - 1] ?? null;
  return { ids: ids.size > 0 || focus === null ? ids : new Set([focus]), focus, anchor: focus };
}
