import type { FileRecord } from '../client/wire';
import type { Browse } from './browse';
import { codeLines } from './code';
import type { Host } from './host';
import { Signal } from './signal';

/** A file up to this size is opened in the application's own viewer; those read a file whole. */
const OPEN_BYTES = 20 * 1024 * 1024;
/** How long the word that something was copied stays, in milliseconds. */
export const COPIED_MS = 2500;

/** What a person can do with the chosen files. Buttons, keys and menus all come here. */
export class Actions {
  constructor(
    readonly browse: Browse,
    readonly host: Host
  ) {}

  /** The code that was copied a moment ago; '' for none. */
  readonly copied = new Signal('');

  /** Opens or closes the preview. */
  preview(): void {
    const { isPreviewing } = this.browse;
    isPreviewing.set(!isPreviewing.get() && this.browse.focused() !== null);
  }

  /** Opens the file with the focus where it can be worked with; one that is too large is previewed. */
  open(): void {
    const file = this.browse.focused();
    if (file !== null && this.host.open !== undefined && file.size <= OPEN_BYTES) {
      this.host.open(file);
    } else {
      this.preview();
    }
  }

  /** Begins to edit the name of the file with the focus. */
  rename(): void {
    const file = this.browse.focused();
    if (file !== null && this.isOpen) {
      this.browse.renaming.set(file.attachment_id);
    }
  }

  /** Moves the chosen files to the trash. */
  async remove(): Promise<void> {
    const files = this.browse.chosenFiles();
    if (files.length > 0 && this.isOpen) {
      await this.browse.model.remove(files);
    }
  }

  /** Puts the lines that load the chosen files on the clipboard. */
  async copyCode(): Promise<void> {
    const code = codeLines(this.browse.chosenFiles());
    if (code !== '' && (await this.copy(code))) {
      this.copied.set(code);
      setTimeout(() => this.copied.set(''), COPIED_MS);
    }
  }

  /** Puts code on the clipboard; false, and a notice, when the page may not do that. */
  async copy(code: string): Promise<boolean> {
    let isDone = false;
    await this.browse.model.attempt(async () => {
      await this.host.copy(code);
      isDone = true;
    });
    return isDone;
  }

  /** Puts those lines into the notebook. */
  insertCode(): void {
    this.host.insert?.(codeLines(this.browse.chosenFiles()));
  }

  /** Downloads the chosen file; several as one zip. */
  async download(): Promise<void> {
    const files = this.browse.chosenFiles();
    const [only] = files;
    if (only !== undefined && files.length === 1) {
      this.downloadOne(only);
    } else if (only !== undefined) {
      const ids = files.map(file => file.attachment_id);
      const { model } = this.browse;
      await model.attempt(async () => follow(await model.client.archive(model.id, ids)));
    }
  }

  /** Downloads one file. */
  downloadOne(file: FileRecord): void {
    follow(this.browse.model.client.downloadUrl(file));
  }

  /** Downloads everything as one zip. */
  downloadAll(): void {
    follow(this.browse.model.client.archiveUrl(this.browse.model.id));
  }

  /** Shows the file with the focus in the file browser. */
  reveal(): void {
    const file = this.browse.focused();
    if (file !== null) {
      this.host.reveal?.(file);
    }
  }

  /** Takes copies of files that the person chooses on the server. */
  async attach(): Promise<void> {
    const paths = (await this.host.pickFromServer?.()) ?? [];
    await this.browse.model.attach(paths);
  }

  /** Whether the session takes changes. */
  get isOpen(): boolean {
    return this.browse.model.session.get().status === 'active';
  }
}

/** Lets the browser download a URL without leaving the page. */
function follow(url: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
