/** First pause, in milliseconds. */
const FIRST_MS = 500;
/** Longest pause, in milliseconds. */
const LONGEST_MS = 30_000;

/**
 * How long to wait before attempt number `attempt` (from 0), in milliseconds: doubling, and by chance
 * half of it less, so that the pages of a class do not come back in one moment.
 */
export function pauseBefore(attempt: number, chance: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  return full * (1 - chance() / 2);
}

/** Waits; rejects with an `AbortError` when the signal fires. */
export function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(new DOMException('Called off.', 'AbortError'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted === true) {
      stop();
      return;
    }
    signal?.addEventListener('abort', stop, { once: true });
  });
}
