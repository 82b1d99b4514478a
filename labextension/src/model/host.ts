import type { FileRecord } from '../client/wire';

/** What the page around a view can do. What it cannot do is not offered. */
export interface Host {
  /** Puts text on the clipboard. */
  readonly copy: (text: string) => Promise<void>;
  /** Puts code into the open notebook. */
  readonly insert?: (code: string) => void;
  /** Opens a file in the application's own viewer. */
  readonly open?: (file: FileRecord) => void;
  /** Shows a file in the file browser. */
  readonly reveal?: (file: FileRecord) => void;
  /** Lets the person choose files of the server; their paths under its root. */
  readonly pickFromServer?: () => Promise<string[]>;
  /** Shows text of a media type safely in an element; rejects when it cannot. The answer takes it out again. */
  readonly render?: (mime: string, text: string, place: HTMLElement) => Promise<() => void>;
}
