import type { FileRecord } from '../client/wire';
import { choose, chooseAll, move, NOTHING, settle, type Mode, type Selection } from './selection';
import type { SessionModel } from './session';
import { computed, Signal, type Readable } from './signal';
import { NEWEST, rowsOf, type Query } from './table';

/** How one view looks at a session: what it lists, what is chosen, what is open. */
export class Browse {
  constructor(
    readonly model: SessionModel,
    /** Where all files of this view come from; 'all' leaves it to the person. */
    readonly scope: Query['kind'] = 'all'
  ) {
    this.query = new Signal({ ...NEWEST, kind: scope });
    this.files = computed([model.files], () => inScope(model.files.get().values(), scope));
    this.rows = computed([this.files, this.query], () => rowsOf(this.files.get(), this.query.get()));
    this.ids = computed([this.rows], () => this.rows.get().map(file => file.attachment_id));
    this.selection = computed([this.ids, this.chosen], () => {
      const settled = settle(this.chosen.get(), this.before, this.ids.get());
      this.before = this.ids.get();
      return settled;
    });
  }

  readonly query: Signal<Query>;
  /** All files that the view is about. */
  readonly files: Readable<readonly FileRecord[]>;
  /** The rows in sight, in order. */
  readonly rows: Readable<readonly FileRecord[]>;
  readonly ids: Readable<readonly string[]>;
  readonly selection: Readable<Selection>;
  /** The id of the row whose name is being edited. */
  readonly renaming = new Signal<string | null>(null);
  /** Whether the preview is open; it shows the row with the focus. */
  readonly isPreviewing = new Signal(false);
  readonly page = new Signal<'files' | 'trash'>('files');

  /** Narrows or sorts the list. */
  ask(changes: Partial<Query>): void {
    this.query.set({ ...this.query.get(), ...changes });
  }

  /** Lists everything with the largest file first: what to delete when room is needed. */
  showLargest(): void {
    this.ask({ text: '', kind: this.scope, type: 'all', sort: 'size', isDescending: true });
    this.page.set('files');
  }

  choose(id: string, mode: Mode): void {
    this.chosen.set(choose(this.selection.get(), this.ids.get(), id, mode));
  }

  move(steps: number, mode: 'only' | 'range' | 'focus'): void {
    this.chosen.set(move(this.selection.get(), this.ids.get(), steps, mode));
  }

  chooseAll(): void {
    this.chosen.set(chooseAll(this.selection.get(), this.ids.get()));
  }

  chooseNone(): void {
    this.chosen.set({ ...this.selection.get(), ids: new Set() });
  }

  /** The chosen files, in the order of the list. */
  chosenFiles(): FileRecord[] {
    const { ids } = this.selection.get();
    return this.rows.get().filter(file => ids.has(file.attachment_id));
  }

  /** The file with the focus; null for none. */
  focused(): FileRecord | null {
    const { focus } = this.selection.get();
    return focus === null ? null : (this.model.files.get().get(focus) ?? null);
  }

  private readonly chosen = new Signal<Selection>(NOTHING);
  private before: readonly string[] = [];
}

function inScope(files: Iterable<FileRecord>, scope: Query['kind']): FileRecord[] {
  return [...files].filter(file => scope === 'all' || file.kind === scope);
}
