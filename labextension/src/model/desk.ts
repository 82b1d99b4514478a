import type { WorkspaceClient } from '../client/client';
import type { SessionRecord } from '../client/wire';
import { SessionModel } from './session';
import { Signal } from './signal';

/** What the panel is about. */
export type Shown =
  | { readonly state: 'no-notebook' }
  | { readonly state: 'loading'; readonly notebookPath: string }
  | { readonly state: 'failed'; readonly notebookPath: string; readonly error: Error }
  | { readonly state: 'ready'; readonly notebookPath: string; readonly model: SessionModel };

/** All sessions that a page has met; and the notebook that the person looks at. */
export class Desk {
  constructor(readonly client: WorkspaceClient) {}

  /** What the panel shows. */
  readonly shown = new Signal<Shown>({ state: 'no-notebook' });
  /** Every session of the page; transfers may run in any of them. */
  readonly sessions = new Signal<readonly SessionModel[]>([]);

  /** The session's model, the same for everyone on the page. */
  modelOf(session: SessionRecord): SessionModel {
    const known = this.known(session.session_id);
    if (known !== null) {
      known.session.set(session);
      return known;
    }
    const model = new SessionModel(this.client, session);
    // The notebook may have another session by now, or gets one.
    model.onGone = () => this.retry();
    this.sessions.set([...this.sessions.get(), model]);
    return model;
  }

  /** The model of a session that the page has met; null for any other. */
  known(sessionId: string): SessionModel | null {
    return this.sessions.get().find(model => model.id === sessionId) ?? null;
  }

  /** The model of a session by its id. Several outputs that ask in one moment are one question. */
  async modelById(sessionId: string): Promise<SessionModel> {
    const known = this.known(sessionId);
    if (known !== null) {
      return known;
    }
    let asked = this.asked.get(sessionId);
    if (asked === undefined) {
      asked = this.client.session(sessionId).finally(() => this.asked.delete(sessionId));
      this.asked.set(sessionId, asked);
    }
    return this.modelOf(await asked);
  }

  /** Turns to another notebook; null when none is open. */
  async show(notebookPath: string | null): Promise<void> {
    if (notebookPath === this.notebookPath) {
      return;
    }
    this.notebookPath = notebookPath;
    this.become(
      notebookPath === null ? { state: 'no-notebook' } : { state: 'loading', notebookPath }
    );
    await this.retry();
  }

  /** Asks again for the session of the notebook. */
  async retry(): Promise<void> {
    const notebookPath = this.notebookPath;
    const turn = ++this.turn;
    if (notebookPath === null) {
      return;
    }
    const next = await this.find(notebookPath);
    // Meanwhile the person may have turned to another notebook.
    if (turn === this.turn) {
      this.become(next);
    }
  }

  /** The model that the panel shows now; null while it shows none. */
  get model(): SessionModel | null {
    const shown = this.shown.get();
    return shown.state === 'ready' ? shown.model : null;
  }

  private async find(notebookPath: string): Promise<Shown> {
    try {
      const session = await this.client.resolve(notebookPath);
      return { state: 'ready', notebookPath, model: this.modelOf(session) };
    } catch (error) {
      return { state: 'failed', notebookPath, error: error as Error };
    }
  }

  private become(next: Shown): void {
    const before = this.model;
    this.shown.set(next);
    this.model?.enter();
    before?.leave();
  }

  private readonly asked = new Map<string, Promise<SessionRecord>>();
  private notebookPath: string | null = null;
  private turn = 0;
}
