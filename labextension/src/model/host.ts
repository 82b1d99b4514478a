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
  /** A safe element that shows text of a media type; rejects when it cannot. */
  readonly render?: (mime: string, text: string) => Promise<HTMLElement>;
}
