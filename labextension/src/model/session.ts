import { pauseBefore } from '../client/backoff';
import { PAGE_LIMIT, type WorkspaceClient } from '../client/client';
import { Feed, type Line } from '../client/feed';
import { isPassing, WorkspaceError } from '../client/errors';
import type { Picked } from '../client/picked';
import type { Conflict, FileEvent, FilePage, FileRecord, Service, SessionRecord } from '../client/wire';
import { Heaps } from './heaps';
import { isPictured, isSmallRaster, mediaOf } from './media';
import { Origins } from './origins';
import { Signal } from './signal';
import { TransferQueue } from './transfers';
import { Trash } from './trash';

/** How long a row that is new stands out, in milliseconds. */
const FRESH_MS = 2500;
/** How long a stream of news is gathered before the list is drawn again, in milliseconds: sorting costs. */
const HEAP_MS = 100;
/** How many of the latest files are asked for before anything else: more than a screen shows. */
const GLANCE = 100;

/** How the list stands. */
export type Loading = { readonly state: 'loading' | 'ready' } | { readonly state: 'failed'; readonly error: Error };

/** What can be undone: files that were moved to the trash a moment ago. */
export interface Deletion {
  readonly files: readonly FileRecord[];
}

/** Everything about one session that a page shows. One a page and session, however many views look at it. */
export class SessionModel {
  constructor(
    readonly client: WorkspaceClient,
    session: SessionRecord
  ) {
    this.session = new Signal(session);
    this.transfers = new TransferQueue(client, session.session_id, () => this.service());
    this.transfers.onRefused = error => this.learn(error);
    this.origins = new Origins(client, session.session_id, this.files, files => this.put(files, false));
  }

  readonly session: Signal<SessionRecord>;
  readonly loading = new Signal<Loading>({ state: 'loading' });
  /** All files by their `att_` id. Never changed in place. */
  readonly files = new Signal<ReadonlyMap<string, FileRecord>>(new Map());
  /** The ids of rows that came or changed a moment ago. */
  readonly fresh = new Signal<ReadonlySet<string>>(new Set());
  readonly line = new Signal<Line>('live');
  readonly deletion = new Signal<Deletion | null>(null);
  /** A refusal of something that the person did just now. */
  readonly complaint = new Signal<Error | null>(null);
  readonly transfers: TransferQueue;
  /** An emptying goes on, and is shown, whatever view comes and goes. */
  readonly trash = new Trash(this);
  /** Whether the server makes small pictures; until it has said so, it does not. */
  readonly hasPreviews = new Signal(false);
  /** How far the server's clock, by which files have their times, is ahead of this page's, in milliseconds. */
  readonly aheadMs = new Signal(0);

  /** Called before another attempt at a session that the server knows no more. */
  onGone: () => Promise<void> = () => Promise.resolve();

  get id(): string {
    return this.session.get().session_id;
  }

  /** Follows the session while somebody looks; call as often as `leave`. */
  enter(): void {
    this.viewers += 1;
    if (this.viewers === 1) {
      void this.glance();
      this.feed = this.follow();
      void this.transfers.recover();
      void this.service().then(
        ({ features }) => this.hasPreviews.set(features.previews),
        () => undefined
      );
    }
  }

  /** One looks away. After the last one the news stop; transfers go on. */
  leave(): void {
    this.viewers -= 1;
    if (this.viewers === 0) {
      this.feed?.stop();
      this.feed = null;
    }
  }

  /** What the server can; asked once. */
  service(): Promise<Service> {
    this.asked ??= this.client.service().then(
      ({ service, aheadMs }) => {
        this.aheadMs.set(aheadMs);
        return service;
      },
      (error: unknown) => {
        this.asked = null;
        throw error;
      }
    );
    return this.asked;
  }

  /** The address of a picture of a file, about so many pixels wide; null when there is none. */
  pictureUrl(file: FileRecord, pixels: number): string | null {
    if (this.hasPreviews.get() && isPictured(file)) {
      return this.client.previewUrl(file, pixels);
    }
    return isSmallRaster(file) ? this.client.streamUrl(file) : null;
  }

  /** Lists again. What is shown stays until the answer is there. */
  async refresh(): Promise<void> {
    const turn = ++this.turn;
    this.whileListing = [];
    try {
      const { attachments, artifacts } = this.session.get();
      const first = attachments + artifacts > PAGE_LIMIT ? null : await this.client.newestFiles(this.id);
      const files = first === null || first.has_more ? await this.allFiles(turn) : first.artifacts;
      if (turn === this.turn) {
        this.misses = 0;
        this.become(files);
        this.apply(this.whileListing.splice(0));
        this.whileListing = null;
      }
    } catch (error) {
      if (turn === this.turn) {
        this.missed(error as Error, turn);
      }
    }
  }

  /**
   * The latest files, at once: the whole list is asked for only when the news have begun, because what
   * happens between the two would be missed, and a socket takes its time to open.
   */
  private async glance(): Promise<void> {
    const page = await this.client.newestFiles(this.id, GLANCE).catch(() => null);
    if (page !== null && this.loading.get().state === 'loading') {
      this.become(page.artifacts);
    }
  }

  /** A server that is busy or away is asked again while somebody looks; meanwhile a list that is there stays. */
  private missed(error: Error, turn: number): void {
    if (!isPassing(error) || this.loading.get().state !== 'ready') {
      this.loading.set({ state: 'failed', error });
    }
    if (isPassing(error)) {
      const again = (): void => void (turn === this.turn && this.viewers > 0 && this.refresh());
      setTimeout(again, pauseBefore(this.misses++));
    }
  }

  /** Tries again after a failure, with which the news may have ended. */
  async retry(): Promise<void> {
    const now = this.loading.get();
    if (now.state === 'failed' && now.error instanceof WorkspaceError && now.error.status === 404) {
      await this.onGone();
    }
    this.feed?.stop();
    this.feed = this.viewers > 0 ? this.follow() : null;
    if (this.viewers > 0) {
      await this.refresh();
    }
  }

  /** Asks which cell made the files that came while it ran. */
  learnOrigins(): Promise<void> {
    return this.origins.learn();
  }

  /** Sends files into a folder of the session. */
  upload(files: readonly Picked[], onConflict: Conflict, dir = 'attachments'): void {
    this.transfers.add(files, dir, onConflict);
  }

  /** The paths of those files that are taken already. */
  taken(files: readonly Picked[], dir = 'attachments'): Picked[] {
    const paths = new Set([...this.files.get().values()].map(file => file.path));
    return files.filter(({ file, folder }) =>
      paths.has([dir, folder, file.name].filter(part => part !== '').join('/').normalize('NFC'))
    );
  }

  /** Gives a file another name. */
  async rename(file: FileRecord, name: string): Promise<void> {
    if (name !== file.name) {
      await this.attempt(async () => this.put([await this.client.rename(file, name)], true));
    }
  }

  /** Moves files to the trash; for a while it can be undone. Those that are on their way there already stay so. */
  async remove(files: readonly FileRecord[]): Promise<void> {
    const gone: FileRecord[] = [];
    const rest = files.filter(({ attachment_id: id }) => !this.leaving.has(id));
    rest.forEach(({ attachment_id: id }) => this.leaving.add(id));
    await this.attempt(async () => {
      for (const file of rest) {
        if (await this.client.remove(file)) {
          gone.push(file);
        } else {
          this.take([file.attachment_id]);
        }
      }
    });
    rest.forEach(({ attachment_id: id }) => this.leaving.delete(id));
    if (gone.length > 0) {
      this.take(gone.map(file => file.attachment_id));
      this.deletion.set({ files: gone });
    }
  }

  /** Takes back the last deletion. */
  async undo(): Promise<void> {
    const files = this.deletion.get()?.files ?? [];
    this.deletion.set(null);
    await this.attempt(async () => {
      for (const [place, file] of files.entries()) {
        try {
          this.put([await this.client.undelete(file)], true);
        } catch (error) {
          // The others can still be taken back; and this one, when it was only the line.
          const rest = files.slice(isPassing(error) ? place : place + 1);
          this.deletion.set(rest.length > 0 ? { files: rest } : null);
          throw error;
        }
      }
    });
  }

  /** Takes files back from the trash. */
  async restore(files: readonly FileRecord[]): Promise<void> {
    await this.attempt(async () => {
      for (const file of files) {
        this.put([await this.client.restore(file)], true);
      }
    });
  }

  /** Takes copies of files from elsewhere under the server's root. */
  async attach(rootPaths: readonly string[]): Promise<void> {
    await this.attempt(async () => {
      for (const path of rootPaths) {
        this.put([await this.client.attach(this.id, path)], true);
      }
    });
  }

  /** Opens the session again after it was closed. */
  async reopen(): Promise<void> {
    await this.attempt(async () => this.session.set(await this.client.reopen(this.id)));
  }

  /** Does something that the server may refuse; then the refusal is shown. */
  async attempt(act: () => Promise<void>): Promise<void> {
    this.complaint.set(null);
    try {
      await act();
    } catch (error) {
      this.complaint.set(error as Error);
      this.learn(error as Error);
    }
  }

  /** A refusal may tell that somebody else has closed the session. */
  private learn(error: Error): void {
    if (error instanceof WorkspaceError && error.code === 'session_closed') {
      void this.client.session(this.id).then(
        session => this.session.set(session),
        () => undefined
      );
    }
  }

  private follow(): Feed {
    const feed = new Feed(this.client, this.id, {
      reset: () => {
        // What comes from before it may be of a log that is no more.
        this.news.clear();
        void this.refresh();
      },
      events: events => this.news.add(events),
      line: state => this.line.set(state),
      ended: error => this.loading.set({ state: 'failed', error })
    });
    feed.start();
    return feed;
  }

  private apply(events: readonly FileEvent[]): void {
    if (events.length === 0) {
      return;
    }
    this.whileListing?.push(...events);
    const files = new Map(this.files.get());
    const fresh: string[] = [];
    for (const event of events) {
      const known = files.get(event.attachment_id);
      if (event.change_type === 'deleted') {
        files.delete(event.attachment_id);
      } else {
        files.set(event.attachment_id, recordOf(event, known));
        fresh.push(event.attachment_id);
      }
    }
    this.files.set(files);
    this.highlight(fresh);
  }

  /** Oldest first by keyset, so that nothing is missed while files come and go. */
  private async allFiles(turn: number): Promise<FileRecord[]> {
    const files: FileRecord[] = [];
    let cursor: string | null = '';
    while (cursor !== null && turn === this.turn) {
      const page: FilePage = await this.client.filesAfter(this.id, cursor);
      files.push(...page.artifacts);
      cursor = page.next;
    }
    return files;
  }

  private become(files: readonly FileRecord[]): void {
    this.files.set(new Map(files.map(file => [file.attachment_id, file])));
    this.loading.set({ state: 'ready' });
  }

  private put(records: readonly FileRecord[], isFresh: boolean): void {
    const files = new Map(this.files.get());
    records.forEach(record => files.set(record.attachment_id, record));
    this.files.set(files);
    if (isFresh) {
      this.highlight(records.map(record => record.attachment_id));
    }
  }

  private take(ids: readonly string[]): void {
    const files = new Map(this.files.get());
    ids.forEach(id => files.delete(id));
    this.files.set(files);
  }

  private highlight(ids: readonly string[]): void {
    if (ids.length === 0) {
      return;
    }
    this.fresh.set(new Set([...this.fresh.get(), ...ids]));
    setTimeout(() => {
      const rest = new Set(this.fresh.get());
      ids.forEach(id => rest.delete(id));
      this.fresh.set(rest);
    }, FRESH_MS);
  }

  private readonly origins: Origins;
  /** The `att_` ids of files that are being moved to the trash. */
  private readonly leaving = new Set<string>();
  private feed: Feed | null = null;
  private readonly news = new Heaps<FileEvent>(heap => this.apply(heap), HEAP_MS);
  /** How often in a row the list could not be read. */
  private misses = 0;
  private viewers = 0;
  private turn = 0;
  private asked: Promise<Service> | null = null;
  /** The news that came while pages are read: a page may be older than they are. */
  private whileListing: FileEvent[] | null = null;
}

/** The record that an event tells of. What events do not say stays as it was known. */
function recordOf(event: FileEvent, known: FileRecord | undefined): FileRecord {
  const time = new Date(event.timestamp * 1000).toISOString();
  const { session_id, attachment_id, artifact_id, kind, source, name, path, size, mime } = event;
  return {
    version: 1,
    storage: 'local',
    metadata: {},
    declared_mime: null,
    created_at: time,
    ...known,
    ...{ session_id, attachment_id, artifact_id, kind, source, name, path, size, mime },
    files_path: `${session_id}/${path}`,
    media: mediaOf(mime),
    sha256: event.hash?.replace('sha256:', '') ?? null,
    modified_at: time,
    provenance: event.provenance
  };
}
