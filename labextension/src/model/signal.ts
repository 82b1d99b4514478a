/** Something to look at that may change. */
export interface Readable<T> {
  /** What it is now. */
  readonly get: () => T;
  /** Calls `listener` after each change, until the returned function is called. */
  readonly subscribe: (listener: () => void) => () => void;
}

/** A value that tells those who look at it when it becomes another. */
export class Signal<T> implements Readable<T> {
  constructor(private value: T) {}

  readonly get = (): T => this.value;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Becomes another value; the same one again is no change. */
  set(value: T): void {
    if (!Object.is(value, this.value)) {
      this.value = value;
      for (const listener of [...this.listeners]) {
        listener();
      }
    }
  }

  private readonly listeners = new Set<() => void>();
}

/** A value made from others; made again only after one of them has changed. */
export function computed<T>(sources: readonly Readable<unknown>[], make: () => T): Readable<T> {
  let seen: readonly unknown[] = [];
  let value: T;
  return {
    get: () => {
      const now = sources.map(source => source.get());
      if (now.length !== seen.length || now.some((one, index) => !Object.is(one, seen[index]))) {
        seen = now;
        value = make();
      }
      return value;
    },
    subscribe: listener => {
      const leave = sources.map(source => source.subscribe(listener));
      return () => leave.forEach(stop => stop());
    }
  };
}
