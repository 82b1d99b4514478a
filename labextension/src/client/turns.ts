/** Lets a few begin at once; the others wait for their turn, in the order in which they asked. */
export class Turns {
  constructor(private readonly limit: number) {}

  /** Calls `begin` when the turn comes, perhaps at once. The returned function ends the turn, or the wait. */
  take(begin: () => void): () => void {
    this.waiting = [...this.waiting, begin];
    this.next();
    return () => {
      this.waiting = this.waiting.filter(one => one !== begin);
      this.taken.delete(begin);
      this.next();
    };
  }

  private next(): void {
    while (this.taken.size < this.limit && this.waiting.length > 0) {
      const [first, ...rest] = this.waiting as readonly [() => void, ...(() => void)[]];
      this.waiting = rest;
      this.taken.add(first);
      first();
    }
  }

  private waiting: readonly (() => void)[] = [];
  private readonly taken = new Set<() => void>();
}
