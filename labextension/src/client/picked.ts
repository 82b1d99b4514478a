/** What a person drops, pastes or picks, as a list of files with their folders. */

/** One file to be sent, and the folder it stood in, relative to what was picked; '' for none. */
export interface Picked {
  readonly file: File;
  readonly folder: string;
}

/** What was picked; what of it is left out, files that only a file manager writes; and what cannot be read. */
export interface Pick {
  readonly files: readonly Picked[];
  readonly skipped: readonly string[];
  readonly unreadable: readonly string[];
}

const JUNK = /^(\.DS_Store|Thumbs\.db|desktop\.ini|\._.*|__pycache__|\.ipynb_checkpoints|\.git)$/i;

/** The files of a file input; its folders are known by `webkitRelativePath`. */
export function pickOf(files: Iterable<File>): Pick {
  return sorted(
    [...files].map(file => {
      const path = file.webkitRelativePath;
      return { file, folder: path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '' };
    })
  );
}

/**
 * The files of a drop, folders with all that is in them.
 *
 * Must be called before the event's handler gives way: the browser empties the list after it.
 */
export async function pickOfTransfer(transfer: DataTransfer): Promise<Pick> {
  const entries = [...transfer.items]
    .filter(item => item.kind === 'file')
    .map(item => item.webkitGetAsEntry() ?? item.getAsFile());
  const unreadable: string[] = [];
  const lists = await Promise.all(
    entries.map(async entry => {
      if (entry === null) {
        return [];
      }
      return entry instanceof File ? [{ file: entry, folder: '' }] : await walk(entry, '', unreadable);
    })
  );
  return { ...sorted(lists.flat()), unreadable };
}

/** A pasted picture has no name of its own; it gets the moment as one. */
export function named(pick: Pick, now: Date): Pick {
  // By the clock on the wall: nobody looks for a picture of ten o'clock under the time of Greenwich.
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  const stamp = local.toISOString().slice(0, 19).replace('T', ' ').replace(/:/g, '.');
  return {
    ...pick,
    files: pick.files.map(({ file, folder }) => {
      const isBare = /^image\.(png|jpe?g|gif|webp)$/i.test(file.name);
      const end = file.name.slice(file.name.lastIndexOf('.'));
      const options = { type: file.type, lastModified: file.lastModified };
      return {
        folder,
        file: isBare ? new File([file], `Screenshot ${stamp}${end}`, options) : file
      };
    })
  };
}

function sorted(files: readonly Picked[]): Pick {
  const isJunk = ({ file, folder }: Picked): boolean =>
    [...folder.split('/'), file.name].some(part => JUNK.test(part));
  return {
    files: files.filter(one => !isJunk(one)),
    unreadable: [],
    skipped: files.filter(isJunk).map(({ file, folder }) => (folder === '' ? file.name : `${folder}/${file.name}`))
  };
}

/** One file that cannot be read must not cost the others. */
async function walk(entry: FileSystemEntry, folder: string, unreadable: string[]): Promise<Picked[]> {
  const inside = folder === '' ? entry.name : `${folder}/${entry.name}`;
  try {
    if (entry.isFile) {
      return [{ file: await fileOf(entry as FileSystemFileEntry), folder }];
    }
    const lists: Picked[][] = [];
    for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) {
      lists.push(await walk(child, inside, unreadable));
    }
    return lists.flat();
  } catch (error) {
    if (!(error instanceof DOMException)) {
      throw error;
    }
    unreadable.push(inside);
    return [];
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** `readEntries` gives a hundred at a time, and none at the end. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (some.length === 0) {
      return all;
    }
    all.push(...some);
  }
}
