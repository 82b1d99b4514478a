import type { WorkspaceClient } from '../client/client';
import type { FileRecord, SessionRecord } from '../client/wire';

/** What a view shows. Each change is a new object, so that views can compare by identity. */
export type Snapshot =
  | { readonly state: 'no-notebook' }
  | { readonly state: 'loading'; readonly notebookPath: string }
  | { readonly state: 'failed'; readonly notebookPath: string; readonly error: Error }
  | {
      readonly state: 'ready';
      readonly notebookPath: string;
      readonly session: SessionRecord;
      readonly files: readonly FileRecord[];
      /** How many files the session has; more than `files` holds when it is very large. */
      readonly total: number;
    };

/** The files of one notebook at a time: the one that the person looks at. */
export class NotebookFiles {
  constructor(client: WorkspaceClient) {
    this.client = client;
  }

  /** What is known now. */
  readonly snapshot = (): Snapshot => this.current;

  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Turns to another notebook; null when none is open. */
  async show(notebookPath: string | null): Promise<void> {
    if (notebookPath === this.notebookPath) {
      return;
    }
    this.notebookPath = notebookPath;
    this.become(
      notebookPath === null ? { state: 'no-notebook' } : { state: 'loading', notebookPath }
    );
    await this.refresh();
  }

  /** Asks the server again. What is shown stays until the answer is there. */
  async refresh(): Promise<void> {
    const notebookPath = this.notebookPath;
    const turn = ++this.turn;
    if (notebookPath === null) {
      return;
    }
    const next = await this.load(notebookPath);
    // Meanwhile the person may have turned to another notebook, or a later refresh may have begun.
    if (turn === this.turn) {
      this.become(next);
    }
  }

  /** Where the browser downloads one file. */
  downloadUrl(file: FileRecord): string {
    return this.client.downloadUrl(file);
  }

  /** Where the browser downloads all files as a zip; null while there is no session. */
  archiveUrl(): string | null {
    return this.current.state === 'ready'
      ? this.client.archiveUrl(this.current.session.session_id)
      : null;
  }

  private async load(notebookPath: string): Promise<Snapshot> {
    try {
      const session = await this.client.resolve(notebookPath);
      const page = await this.client.listFiles(session.session_id);
      return { state: 'ready', notebookPath, session, files: page.artifacts, total: page.total };
    } catch (error) {
      const shown = error instanceof Error ? error : new Error(String(error));
      return { state: 'failed', notebookPath, error: shown };
    }
  }

  private become(next: Snapshot): void {
    this.current = next;
    this.listeners.forEach(listener => listener());
  }

  private readonly client: WorkspaceClient;
  private readonly listeners = new Set<() => void>();
  private current: Snapshot = { state: 'no-notebook' };
  private notebookPath: string | null = null;
  private turn = 0;
}
