import { afterEach, describe, expect, it, vi } from 'vitest';

import { leftBehind, recall, remember, tabName, type Remembered } from '../src/client/remembered';

const DAY_MS = 86_400_000;
const PREFIX = 'jupyter-workspace:upload:';

/** The browser's storage: its keys are its own, its methods are not. */
class Store {
  static of(values: Record<string, string>): Store {
    return Object.assign(new Store(), values);
  }

  getItem(key: string): string | null {
    return (this as unknown as Record<string, string>)[key] ?? null;
  }

  setItem(key: string, value: string): void {
    Object.assign(this, { [key]: value });
  }

  removeItem(key: string): void {
    Reflect.deleteProperty(this, key);
  }
}

function upload(changes: Partial<Remembered> = {}): Remembered {
  const place = { fingerprint: 'f', uploadId: 'upl_1', sessionId: 'churn', name: 'a.bin', dir: '' };
  return { ...place, size: 9, sent: 3, owner: 'gone', touched: 0, isPaused: false, ...changes };
}

describe('what a page keeps of its uploads', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('is found again by the next page', () => {
    vi.stubGlobal('localStorage', Store.of({}));

    remember(upload());

    expect(leftBehind('churn', DAY_MS)).toEqual([upload()]);
    expect(leftBehind('other', DAY_MS)).toEqual([]);
  });

  it('is nothing, and no failure, where the storage is full', () => {
    const full = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('No room.', 'QuotaExceededError');
      }
    };
    vi.stubGlobal('sessionStorage', full);
    vi.stubGlobal('localStorage', full);

    expect(tabName()).not.toBe('');
    expect(() => remember(upload())).not.toThrow();
  });

  it('is nothing where somebody else wrote there', () => {
    vi.stubGlobal('localStorage', Store.of({ [`${PREFIX}f`]: '{"torn', [`${PREFIX}g`]: 'null' }));

    expect(leftBehind('churn', DAY_MS)).toEqual([]);
    expect(recall('f')).toBeNull();
  });

  it('goes when it is too old for the server to know it', () => {
    const store = Store.of({});
    vi.stubGlobal('localStorage', store);
    remember(upload({ sessionId: 'a session that nobody opens again' }));

    expect(leftBehind('churn', 40 * DAY_MS)).toEqual([]);

    expect(Object.keys(store)).toEqual([]);
  });
});
