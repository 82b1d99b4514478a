import type { WorkspaceClient } from '../client/client';
import { WorkspaceError } from '../client/errors';
import type { FileRecord } from '../client/wire';
import { Signal, type Readable } from './signal';

/** Files that are erased at one moment; a browser has six lines to a server, and others need some. */
const CONCURRENT = 2;
/** How long changes are gathered before the trash is listed again, in milliseconds. */
const GATHER_MS = 500;

/** How far an emptying is, in files. */
export interface Erasing {
  readonly done: number;
  readonly total: number;
}

/** The session whose trash it is. */
interface Owner {
  readonly id: string;
  readonly client: WorkspaceClient;
  readonly files: Readable<ReadonlyMap<string, FileRecord>>;
  readonly deletion: Signal<unknown>;
  readonly complaint: Signal<Error | null>;
  attempt(act: () => Promise<void>): Promise<void>;
  restore(files: readonly FileRecord[]): Promise<void>;
}

/** What was deleted or replaced in a session, to be taken back or to go for good; one, however many views look. */
export class Trash {
  constructor(readonly session: Owner) {}

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
    const { artifact_id: id } = file;
    if (this.returning.has(id)) {
      return;
    }
    this.returning.add(id);
    await this.session.restore([file]);
    await this.look();
    this.returning.delete(id);
  }

  /**
   * Removes these for good, as far as they are still in the trash. What is gone already is as good as removed;
   * the first refusal ends it.
   */
  async erase(files: readonly FileRecord[]): Promise<void> {
    if (this.erasing.get() !== null) {
      return;
    }
    // What goes for good cannot be undone.
    this.session.deletion.set(null);
    this.erasing.set({ done: 0, total: files.length });
    await this.session.attempt(async () => {
      // While the question stood open one may have been taken back; by its id the file that is in use would go.
      const there = new Set((await this.list()).map(({ artifact_id: id }) => id));
      await this.eraseAll(files.filter(({ artifact_id: id }) => there.has(id)));
    });
    this.erasing.set(null);
    await this.look();
  }

  private async eraseAll(files: readonly FileRecord[]): Promise<void> {
    const rest = [...files];
    let done = 0;
    const work = async (): Promise<void> => {
      for (let file = rest.shift(); file !== undefined; file = rest.shift()) {
        await this.eraseOne(file);
        this.erasing.set({ done: ++done, total: files.length });
      }
    };
    const stop = (error: unknown): never => {
      rest.length = 0;
      throw error;
    };
    // It is over when none is on its way any more.
    const ends = await Promise.allSettled(Array.from({ length: CONCURRENT }, () => work().catch(stop)));
    const refused = ends.find(end => end.status === 'rejected');
    if (refused !== undefined) {
      throw refused.reason;
    }
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
      const files = await this.list();
      if (turn === this.turn) {
        this.files.set(files);
      }
    } catch (error) {
      // A refusal that is told already stays: it is of what the person did.
      this.session.complaint.set(this.session.complaint.get() ?? (error as Error));
    }
  }

  private async list(): Promise<FileRecord[]> {
    const files: FileRecord[] = [];
    for (let hasMore = true; hasMore; ) {
      const page = await this.session.client.trash(this.session.id, files.length);
      files.push(...page.trash);
      hasMore = page.has_more && page.trash.length > 0;
    }
    return files;
  }

  /** The `art_` ids of what is being taken back. */
  private readonly returning = new Set<string>();
  private turn = 0;
}
