import type { WorkspaceClient } from '../client/client';
import { WorkspaceError, isAbort, isUnreadable } from '../client/errors';
import { fingerprint } from '../client/fingerprint';
import type { Picked } from '../client/picked';
import { forget, keep, kept, leftBehind, recall, remember, tabName } from '../client/remembered';
import { dropUpload, sendFile } from '../client/tus';
import type { Conflict, Service } from '../client/wire';
import { Rate } from './rate';
import { Signal } from './signal';
import { isUnderWay, type Transfer } from './transfer';

/** Files on their way at one moment. A browser has six lines to a server; JupyterLab needs some too. */
const CONCURRENT = 2;
/** How often a moving bar is drawn, in milliseconds. */
const DRAW_MS = 200;
/** How long finished transfers stay in sight after the last one, in milliseconds. */
const DONE_MS = 4000;
/** A file from this size on is put aside in the browser, to go on with after a reload. */
const KEEP_BYTES = 1024 * 1024;
/** Refusals of the file itself: the same file would be refused again. */
const FINAL: readonly string[] = [
  'file_too_large',
  'infected',
  'name_invalid',
  'not_accepted',
  'one_only',
  'path_escapes',
  'too_large_here',
  'type_refused'
];

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

  /** All transfers, the oldest first. Those that came through stay until nothing is on its way any more. */
  readonly transfers = new Signal<readonly Transfer[]>([]);

  /** The speed of all of them together, in bytes a second. */
  readonly rate = new Signal(0);

  /** Called with the `att_` id of each file that came through. */
  onDone: (attachmentId: string) => void = () => undefined;

  /** Called with the reason why a file did not come through. */
  onRefused: (error: Error) => void = () => undefined;

  /** Puts files in the line; a file that an earlier page began with goes on where that one was. */
  add(files: readonly Picked[], dir: string, onConflict: Conflict): void {
    const lost = this.jobs.filter(({ shown }) => shown.state === 'lost');
    for (const { file, folder } of files) {
      const place = [dir, folder].filter(part => part !== '').join('/');
      const known = lost.find(
        ({ shown }) => shown.name === file.name && shown.size === file.size && shown.dir === place
      );
      if (known === undefined) {
        this.push(file, place, onConflict);
      } else {
        void this.choose(known.shown.id, file);
      }
    }
    this.next();
  }

  /** Takes a file that was chosen again: goes on where it was if it is the same, else begins anew. */
  async choose(id: string, file: File): Promise<void> {
    const job = this.find(id);
    if (job === undefined || isUnderWay(job.shown.state)) {
      return;
    }
    const known = await fingerprint(file, this.sessionId, `${job.shown.dir}/${job.shown.name}`);
    if (known !== job.fingerprint) {
      this.abandon(job);
      job.fingerprint = '';
      this.change(job, { name: file.name, size: file.size, sent: 0 });
    }
    job.file = file;
    this.change(job, { state: 'waiting', error: null });
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

  /** The same for all that are on their way. */
  pauseAll(): void {
    const open = this.jobs.filter(job => isUnderWay(job.shown.state));
    // None of those that wait begins in the place of one that was stopped.
    open.forEach(job => this.change(job, { state: 'paused', rate: 0 }));
    open.forEach(job => {
      job.stop.abort();
      this.write(job);
    });
  }

  /** Goes on after a pause, or tries again after a failure. */
  resume(id: string): void {
    this.resumeEach([id]);
  }

  /** The same for several. */
  resumeEach(ids: readonly string[]): void {
    this.goOn(this.those(ids));
  }

  /** The same for all that can. */
  resumeAll(): void {
    this.goOn(this.jobs);
  }

  /** Calls a transfer off, and takes it out of sight; nothing of it stays on the server. */
  cancel(id: string): void {
    this.cancelEach([id]);
  }

  /** The same for several. */
  cancelEach(ids: readonly string[]): void {
    this.callOff(this.those(ids));
  }

  /** The same for all of them. */
  cancelAll(): void {
    this.callOff(this.jobs);
  }

  /** Takes what is over out of sight. */
  clear(): void {
    this.callOff(this.jobs.filter(job => ['done', 'failed'].includes(job.shown.state)));
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
    this.jobs.push(job);
    this.drawSoon();
    return job;
  }

  private goOn(jobs: readonly Job[]): void {
    jobs.filter(canGoOn).forEach(job => this.change(job, { state: 'waiting', error: null }));
    this.next();
  }

  private callOff(jobs: readonly Job[]): void {
    const off = new Set(jobs);
    this.jobs = this.jobs.filter(job => !off.has(job));
    this.draw();
    for (const job of jobs.filter(({ shown }) => shown.state !== 'done')) {
      job.stop.abort();
      this.abandon(job);
    }
    this.next();
  }

  /** Nothing of it is kept, here or on the server. */
  private abandon(job: Job): void {
    forget(job.fingerprint);
    if (job.uploadId !== null) {
      // If the server cannot be reached now, the upload expires there by itself.
      void dropUpload(this.client, this.sessionId, job.uploadId).catch(() => undefined);
      job.uploadId = null;
    }
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
      job.file = null;
      this.change(job, { state: 'done', sent: job.shown.size, rate: 0 });
      this.onDone(attachmentId);
    } catch (error) {
      // Who called it off has said already what it is now.
      if (!stop.signal.aborted && !isAbort(error)) {
        this.fail(job, error as Error);
      }
    }
    this.next();
    this.dropDoneSoon();
  }

  /** When nothing is on its way any more, what came through has been seen soon. */
  private dropDoneSoon(): void {
    clearTimeout(this.dropping);
    this.dropping = setTimeout(() => {
      if (!this.isBusy) {
        this.jobs = this.jobs.filter(job => job.shown.state !== 'done');
        this.drawSoon();
      }
    }, DONE_MS);
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
      key: this.keyOf(job),
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

  /** Without the name, which may have letters that no header can have; of this page, because the next counts anew. */
  private keyOf(job: Job): string {
    const content = job.fingerprint.split('|').slice(-3);
    return [this.page, job.shown.id, ...content].join('-');
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
    this.change(job, { state: 'failed', error, rate: 0, canRetry: !isUnreadable(error) && !isFinal(error) });
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

  private those(ids: readonly string[]): Job[] {
    const wanted = new Set(ids);
    return this.jobs.filter(({ shown }) => wanted.has(shown.id));
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
    const sent = this.jobs.reduce((sum, { shown }) => sum + shown.sent, 0);
    this.rate.set(this.isBusy ? this.speed.at(sent, performance.now()) : 0);
    this.transfers.set(this.jobs.map(job => job.shown));
  }

  private readonly page = Math.random().toString(36).slice(2);
  private jobs: Job[] = [];
  private readonly speed = new Rate();
  private count = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dropping: ReturnType<typeof setTimeout> | undefined;
}

function canGoOn({ file, shown }: Job): boolean {
  return file !== null && (shown.state === 'paused' || (shown.state === 'failed' && shown.canRetry));
}

function isFinal(error: Error): boolean {
  return error instanceof WorkspaceError && FINAL.includes(error.code);
}
