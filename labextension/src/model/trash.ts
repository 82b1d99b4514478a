import { WorkspaceError } from '../client/errors';
import type { FileRecord } from '../client/wire';
import type { SessionModel } from './session';
import { Signal } from './signal';

/** Files that are erased at one moment; a browser has six lines to a server, and others need some. */
const CONCURRENT = 2;
/** How long changes are gathered before the trash is listed again, in milliseconds. */
const GATHER_MS = 500;

/** How far an emptying is, in files. */
export interface Erasing {
  readonly done: number;
  readonly total: number;
}

/** What was deleted or replaced in a session, to be taken back or to go for good. */
export class Trash {
  constructor(readonly session: SessionModel) {}

  /** All that is in it, the latest first; null until that is known. */
  readonly files = new Signal<readonly FileRecord[] | null>(null);
  /** null while nothing is being erased. */
  readonly erasing = new Signal<Erasing | null>(null);

  /** Keeps the list true while somebody looks; the answer ends that. */
  watch(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const lookSoon = (): void => {
      // A cell may replace a thousand files in a second.
      timer ??= setTimeout(() => {
        timer = undefined;
        void this.look();
      }, GATHER_MS);
    };
    const leave = this.session.files.subscribe(lookSoon);
    void this.look();
    return () => {
      leave();
      clearTimeout(timer);
    };
  }

  /** Takes a file back. */
  async restore(file: FileRecord): Promise<void> {
    await this.session.restore([file]);
    await this.look();
  }

  /** Removes these for good. What is gone already is as good as removed; the first refusal ends it. */
  async erase(files: readonly FileRecord[]): Promise<void> {
    if (this.erasing.get() !== null) {
      return;
    }
    // What goes for good cannot be undone.
    this.session.deletion.set(null);
    this.erasing.set({ done: 0, total: files.length });
    const rest = [...files];
    const work = async (): Promise<void> => {
      for (let file = rest.shift(); file !== undefined; file = rest.shift()) {
        await this.eraseOne(file);
        const { done } = this.erasing.get() ?? { done: 0 };
        this.erasing.set({ done: done + 1, total: files.length });
      }
    };
    await this.session.attempt(async () => {
      try {
        await Promise.all(Array.from({ length: CONCURRENT }, work));
      } finally {
        rest.length = 0;
        this.erasing.set(null);
      }
    });
    await this.look();
  }

  private async eraseOne(file: FileRecord): Promise<void> {
    try {
      await this.session.client.purge(file);
    } catch (error) {
      if (!(error instanceof WorkspaceError && error.status === 404)) {
        throw error;
      }
    }
  }

  private async look(): Promise<void> {
    const turn = ++this.turn;
    try {
      const files: FileRecord[] = [];
      for (let hasMore = true; hasMore; ) {
        const page = await this.session.client.trash(this.session.id, files.length);
        files.push(...page.trash);
        hasMore = page.has_more && page.trash.length > 0;
      }
      if (turn === this.turn) {
        this.files.set(files);
      }
    } catch (error) {
      // A refusal that is told already stays: it is of what the person did.
      this.session.complaint.set(this.session.complaint.get() ?? (error as Error));
    }
  }

  private turn = 0;
}
