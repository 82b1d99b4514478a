import type { WorkspaceClient } from '../client/client';
import type { FileRecord } from '../client/wire';
import type { Readable } from './signal';

/** How long after a cell, and after each other, it is asked which files it made, in milliseconds. */
const WAITS_MS: readonly number[] = [0, 1000, 5000];

/** Finds out which cell made the files of a session that came while it ran. */
export class Origins {
  constructor(
    private readonly client: WorkspaceClient,
    private readonly sessionId: string,
    private readonly files: Readable<ReadonlyMap<string, FileRecord>>,
    private readonly put: (files: readonly FileRecord[]) => void
  ) {}

  /**
   * Asks after a cell has ended. The kernel tells it soon after that, and that is no news; what nobody has told
   * after a few looks was made by no cell.
   */
  async learn(): Promise<void> {
    const turn = ++this.turn;
    for (const wait of WAITS_MS) {
      await new Promise(done => setTimeout(done, wait));
      if (turn !== this.turn || this.unexplained().length === 0) {
        return;
      }
      // Nobody asked for this, so nobody hears when it fails.
      const page = await this.client.newestFiles(this.sessionId).catch(() => null);
      const known = this.files.get();
      const isSame = (file: FileRecord): boolean =>
        known.get(file.attachment_id)?.artifact_id === file.artifact_id;
      this.put((page?.artifacts ?? []).filter(isSame));
    }
    for (const file of this.unexplained()) {
      this.ofNoCell.add(file.artifact_id);
    }
  }

  /** The files of which nobody has said yet what made them. */
  private unexplained(): FileRecord[] {
    return [...this.files.get().values()].filter(
      file => file.source === 'watch' && file.provenance === null && !this.ofNoCell.has(file.artifact_id)
    );
  }

  /** The `artifact_id`s of files of which no kernel has told in time which cell made them. */
  private readonly ofNoCell = new Set<string>();
  private turn = 0;
}
