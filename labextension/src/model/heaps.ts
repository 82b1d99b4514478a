/** Hands things on at once when they are few; of a stream, one heap a pause. */
export class Heaps<T> {
  constructor(
    private readonly take: (heap: readonly T[]) => void,
    private readonly pauseMs: number
  ) {}

  /** Adds things to the heap, in their order. */
  add(things: readonly T[]): void {
    this.heap = [...this.heap, ...things];
    if (this.timer === undefined) {
      this.flush();
    }
  }

  /** Forgets what was not handed on yet. */
  clear(): void {
    this.heap = [];
  }

  private flush(): void {
    this.timer = undefined;
    const { heap } = this;
    if (heap.length > 0) {
      this.heap = [];
      this.timer = setTimeout(() => this.flush(), this.pauseMs);
      this.take(heap);
    }
  }

  private heap: readonly T[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
}
