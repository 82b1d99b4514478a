/** What a page keeps of the uploads it has begun, so that the next page goes on with them. */

/** Under this name of the browser's storage, a record an upload. */
const PREFIX = 'jupyter-workspace:upload:';
/** An entry that no page has touched for so long may be taken over, in milliseconds. */
const ABANDONED_MS = 20_000;
/** No server is likely to know an upload for so long; a file of it would lie in the browser for ever, in milliseconds. */
const FORGOTTEN_MS = 30 * 86_400_000;
/** Files up to this size are kept in the browser's database meanwhile. */
const KEPT_BYTES = 4 * 1024 ** 3;
const DATABASE = 'jupyter-workspace';
const STORE = 'files';

/** An upload that has begun. */
export interface Remembered {
  readonly fingerprint: string;
  readonly uploadId: string;
  readonly sessionId: string;
  readonly name: string;
  readonly dir: string;
  readonly size: number;
  readonly sent: number;
  /** Which tab sends it. */
  readonly owner: string;
  /** When it was last seen alive, in milliseconds since 1970. */
  readonly touched: number;
  readonly isPaused: boolean;
}

/** The browser's storage; null where the person or the browser forbids it. */
function storage(kind: 'localStorage' | 'sessionStorage'): Storage | null {
  try {
    return (globalThis as Partial<Record<typeof kind, Storage>>)[kind] ?? null;
  } catch {
    return null;
  }
}

const onThisPage = Math.random().toString(36).slice(2);

/** A name for this tab that outlives a reload, and no longer. */
export function tabName(): string {
  const store = storage('sessionStorage');
  const known = store?.getItem(`${PREFIX}tab`) ?? null;
  if (known === null) {
    write(store, `${PREFIX}tab`, onThisPage);
  }
  return known ?? onThisPage;
}

/** Storage that is full costs the going on after a reload, and nothing else. */
function write(store: Storage | null, key: string, value: string): void {
  try {
    store?.setItem(key, value);
  } catch {
    // The person will be asked for the file again.
  }
}

/** Writes an upload down, over what was known of it. */
export function remember(upload: Remembered): void {
  write(storage('localStorage'), PREFIX + upload.fingerprint, JSON.stringify(upload));
}

/** Forgets an upload, and the file that was kept for it. */
export function forget(fingerprint: string): void {
  if (fingerprint !== '') {
    storage('localStorage')?.removeItem(PREFIX + fingerprint);
    void withStore('readwrite', store => store.delete(fingerprint)).catch(ignore);
  }
}

/** An upload by its fingerprint; null if none is known. */
export function recall(fingerprint: string): Remembered | null {
  const text = storage('localStorage')?.getItem(PREFIX + fingerprint) ?? null;
  try {
    return text === null ? null : (JSON.parse(text) as Remembered | null);
  } catch {
    // The storage is everybody's.
    return null;
  }
}

/** The uploads of a session that this tab, or one that is gone, has left behind. Those of old go, with their files. */
export function leftBehind(sessionId: string, now: number): Remembered[] {
  const tab = tabName();
  const all = Object.keys(storage('localStorage') ?? {})
    .filter(key => key.startsWith(PREFIX))
    .map(key => recall(key.slice(PREFIX.length)))
    .filter(upload => upload !== null);
  for (const old of all.filter(upload => now - upload.touched > FORGOTTEN_MS)) {
    forget(old.fingerprint);
  }
  return all
    .filter(upload => now - upload.touched <= FORGOTTEN_MS)
    .filter(upload => upload.sessionId === sessionId)
    .filter(upload => upload.owner === tab || now - upload.touched > ABANDONED_MS);
}

/** Puts a file aside in the browser, so that the next page has it. Quietly does nothing where it cannot. */
export async function keep(fingerprint: string, file: File): Promise<void> {
  try {
    const { quota = 0, usage = 0 } = await navigator.storage.estimate();
    if (file.size <= KEPT_BYTES && file.size * 2 < quota - usage) {
      await withStore('readwrite', store => store.put(file, fingerprint));
    }
  } catch {
    // The person will be asked for the file again.
  }
}

/** A file that was put aside; null if it is not there, or no longer whole. */
export async function kept(fingerprint: string): Promise<File | null> {
  try {
    const value = await withStore('readonly', store => store.get(fingerprint) as IDBRequest<unknown>);
    return value instanceof File ? value : null;
  } catch {
    return null;
  }
}

async function withStore<T>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<T>
): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await promised(opening);
  try {
    return await promised(act(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close();
  }
}

function promised<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The database refused.'));
  });
}

function ignore(): void {
  // Nothing depends on it.
}
