import type { WorkspaceClient } from '../client/client';
import { WorkspaceError, isAbort, isUnreadable } from '../client/errors';
import { fingerprint } from '../client/fingerprint';
import type { Picked } from '../client/picked';
import { forget, keep, kept, leftBehind, recall, remember, tabName } from '../client/remembered';
import { dropUpload, sendFile } from '../client/tus';
import type { Conflict, Service } from '../client/wire';
import { Rate } from './rate';
import { Signal } from './signal';

/** Files on their way at one moment. A browser has six lines to a server; JupyterLab needs some too. */
const CONCURRENT = 2;
/** How often a moving bar is drawn, in milliseconds. */
const DRAW_MS = 200;
/** How long a finished transfer stays in sight, in milliseconds. */
const DONE_MS = 4000;
/** A file from this size on is put aside in the browser, to go on with after a reload. */
const KEEP_BYTES = 1024 * 1024;

/** How one transfer stands. `lost`: begun by a page that is gone; the file must be picked again. */
export type TransferState =
  | 'waiting'
  | 'sending'
  | 'retrying'
  | 'finishing'
  | 'paused'
  | 'lost'
  | 'done'
  | 'failed';

/** One file on its way, as a view shows it. Sizes are bytes, `rate` bytes a second. */
export interface Transfer {
  readonly id: string;
  readonly name: string;
  readonly dir: string;
  readonly size: number;
  readonly sent: number;
  readonly rate: number;
  readonly state: TransferState;
  readonly error: Error | null;
  /** Whether it can be tried again after a failure: what was refused here is not kept. */
  readonly canRetry: boolean;
}

interface Job {
  shown: Transfer;
  file: File | null;
  onConflict: Conflict;
  fingerprint: string;
  uploadId: string | null;
  stop: AbortController;
  readonly rate: Rate;
}

/** The transfers of one session: few at once, each to be paused, gone on with, or called off. */
export class TransferQueue {
  constructor(
    private readonly client: WorkspaceClient,
    private readonly sessionId: string,
    private readonly service: () => Promise<Service>
  ) {}

  /** All transfers, the oldest first. */
  readonly transfers = new Signal<readonly Transfer[]>([]);

  /** Called with the `att_` id of each file that came through. */
  onDone: (attachmentId: string) => void = () => undefined;

  /** Called with the reason why a file did not come through. */
  onRefused: (error: Error) => void = () => undefined;

  /** Puts files in the line; a file that an earlier page began with goes on where that one was. */
  add(files: readonly Picked[], dir: string, onConflict: Conflict): void {
    for (const { file, folder } of files) {
      const place = [dir, folder].filter(part => part !== '').join('/');
      const lost = this.findLost(file, place);
      if (lost === undefined) {
        this.push(file, place, onConflict);
      } else {
        lost.file = file;
        this.change(lost, { state: 'waiting' });
      }
    }
    this.next();
  }

  /** Shows a file that cannot be sent, and why. */
  refuse(file: File, error: Error): void {
    const job = this.push(null, '', 'rename', { name: file.name, size: file.size });
    this.change(job, { state: 'failed', error });
  }

  /** Brings back what an earlier page had begun. */
  async recover(): Promise<void> {
    for (const known of leftBehind(this.sessionId, Date.now())) {
      if (this.jobs.some(job => job.fingerprint === known.fingerprint)) {
        continue;
      }
      const job = this.push(null, known.dir, 'rename', { name: known.name, size: known.size });
      job.fingerprint = known.fingerprint;
      job.uploadId = known.uploadId;
      this.change(job, { state: known.isPaused ? 'paused' : 'waiting', sent: known.sent });
      job.file = await kept(known.fingerprint);
      if (job.file === null) {
        this.change(job, { state: 'lost' });
      }
    }
    this.next();
  }

  /** Stops for now; what arrived stays on the server. */
  pause(id: string): void {
    const job = this.find(id);
    if (job !== undefined && isUnderWay(job.shown.state)) {
      this.change(job, { state: 'paused', rate: 0 });
      job.stop.abort();
      this.write(job);
      this.next();
    }
  }

  /** Goes on after a pause, or tries again after a failure. */
  resume(id: string): void {
    const job = this.find(id);
    if (job?.file != null && ['paused', 'failed'].includes(job.shown.state)) {
      this.change(job, { state: 'waiting', error: null });
      this.next();
    }
  }

  /** Calls a transfer off, and takes it out of sight; nothing of it stays on the server. */
  cancel(id: string): void {
    const job = this.find(id);
    if (job === undefined) {
      return;
    }
    job.stop.abort();
    forget(job.fingerprint);
    this.jobs = this.jobs.filter(one => one !== job);
    this.draw();
    if (job.uploadId !== null && job.shown.state !== 'done') {
      // If the server cannot be reached now, the upload expires there by itself.
      void dropUpload(this.client, this.sessionId, job.uploadId).catch(() => undefined);
    }
    this.next();
  }

  /** The same for all of them. */
  cancelAll(): void {
    for (const job of this.jobs) {
      this.cancel(job.shown.id);
    }
  }

  /** Takes what is over out of sight. */
  clear(): void {
    this.jobs = this.jobs.filter(job => !['done', 'failed'].includes(job.shown.state));
    this.draw();
  }

  /** Whether something is on its way or waits for it. */
  get isBusy(): boolean {
    return this.jobs.some(job => isUnderWay(job.shown.state));
  }

  private push(
    file: File | null,
    dir: string,
    onConflict: Conflict,
    shown: { name: string; size: number } = { name: file?.name ?? '', size: file?.size ?? 0 }
  ): Job {
    const id = `transfer-${++this.count}`;
    const job: Job = {
      shown: { id, dir, ...shown, sent: 0, rate: 0, state: 'waiting', error: null, canRetry: false },
      file,
      onConflict,
      fingerprint: '',
      uploadId: null,
      stop: new AbortController(),
      rate: new Rate()
    };
    this.jobs = [...this.jobs, job];
    this.drawSoon();
    return job;
  }

  private next(): void {
    const active = this.jobs.filter(job => ['sending', 'retrying', 'finishing'].includes(job.shown.state));
    const waiting = this.jobs.filter(job => job.shown.state === 'waiting' && job.file !== null);
    for (const job of waiting.slice(0, Math.max(0, CONCURRENT - active.length))) {
      this.change(job, { state: 'sending' });
      void this.run(job);
    }
  }

  private async run(job: Job): Promise<void> {
    const stop = new AbortController();
    job.stop = stop;
    try {
      const attachmentId = await this.send(job, stop.signal);
      forget(job.fingerprint);
      this.change(job, { state: 'done', sent: job.shown.size });
      setTimeout(() => this.drop(job), DONE_MS);
      this.onDone(attachmentId);
    } catch (error) {
      // Who called it off has said already what it is now.
      if (!stop.signal.aborted && !isAbort(error)) {
        this.fail(job, error as Error);
      }
    }
    this.next();
  }

  private async send(job: Job, signal: AbortSignal): Promise<string> {
    const file = job.file as File;
    const { features, limits } = await this.service();
    if (limits.max_file_size > 0 && file.size > limits.max_file_size) {
      const facts = { code: 'file_too_large', limit: limits.max_file_size, size: file.size };
      throw new WorkspaceError(413, { message: 'The file is too large.', ...facts });
    }
    await this.identify(job, file);
    return sendFile(this.client, {
      sessionId: this.sessionId,
      file,
      name: job.shown.name,
      dir: job.shown.dir,
      onConflict: job.onConflict,
      signal,
      key: `${tabName()}-${job.shown.id}-${job.fingerprint}`.slice(0, 200),
      parts: { isOffered: features.tus, largest: limits.max_part_size },
      uploadId: job.uploadId,
      onCreated: uploadId => this.began(job, file, uploadId),
      onProgress: sent => this.progressed(job, sent),
      onTrouble: error => {
        if (!signal.aborted) {
          this.change(job, { state: error === null ? 'sending' : 'retrying', error });
        }
      }
    });
  }

  private async identify(job: Job, file: File): Promise<void> {
    if (job.fingerprint === '') {
      const path = `${job.shown.dir}/${job.shown.name}`;
      job.fingerprint = await fingerprint(file, this.sessionId, path);
      job.uploadId = recall(job.fingerprint)?.uploadId ?? null;
    }
  }

  private began(job: Job, file: File, uploadId: string): void {
    job.uploadId = uploadId;
    this.write(job);
    if (file.size >= KEEP_BYTES) {
      void keep(job.fingerprint, file);
    }
  }

  private progressed(job: Job, sent: number): void {
    if (job.shown.state !== 'sending' && job.shown.state !== 'retrying') {
      return;
    }
    const rate = job.rate.at(sent, performance.now());
    job.shown = { ...job.shown, sent, rate, state: sent < job.shown.size ? 'sending' : 'finishing' };
    this.drawSoon();
  }

  private fail(job: Job, error: Error): void {
    if (error instanceof WorkspaceError) {
      // The server will not have it: what it holds of it is of no use.
      forget(job.fingerprint);
      job.uploadId = null;
      job.fingerprint = '';
    }
    this.change(job, { state: 'failed', error, rate: 0, canRetry: !isUnreadable(error) });
    this.onRefused(error);
  }

  private write(job: Job): void {
    if (job.uploadId !== null && job.fingerprint !== '') {
      const { name, dir, size, sent, state } = job.shown;
      const isPaused = state === 'paused';
      const place = { uploadId: job.uploadId, sessionId: this.sessionId, fingerprint: job.fingerprint };
      remember({ ...place, name, dir, size, sent, isPaused, owner: tabName(), touched: Date.now() });
    }
  }

  private drop(job: Job): void {
    this.jobs = this.jobs.filter(one => one !== job);
    this.drawSoon();
  }

  private findLost(file: File, dir: string): Job | undefined {
    return this.jobs.find(
      ({ shown }) =>
        shown.state === 'lost' && shown.name === file.name && shown.size === file.size && shown.dir === dir
    );
  }

  private find(id: string): Job | undefined {
    return this.jobs.find(job => job.shown.id === id);
  }

  private change(job: Job, changes: Partial<Transfer>): void {
    job.shown = { ...job.shown, ...changes };
    this.drawSoon();
  }

  private drawSoon(): void {
    this.timer ??= setTimeout(() => {
      for (const job of this.jobs.filter(({ shown }) => shown.state === 'sending')) {
        this.write(job);
      }
      this.draw();
    }, DRAW_MS);
  }

  private draw(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.transfers.set(this.jobs.map(job => job.shown));
  }

  private jobs: readonly Job[] = [];
  private count = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
}

/** Whether bytes flow or will flow without a person doing anything. */
export function isUnderWay(state: TransferState): boolean {
  return ['waiting', 'sending', 'retrying', 'finishing'].includes(state);
}
