/** Over how long the speed is averaged, in milliseconds. */
const WINDOW_MS = 5000;

/** The speed of the last seconds. */
export class Rate {
  /** Bytes a second, now that `sent` bytes are through at `now` milliseconds. */
  at(sent: number, now: number): number {
    const last = this.marks[this.marks.length - 1];
    // Going on from another offset is no speed.
    if (last !== undefined && sent < last.sent) {
      this.marks = [];
    }
    this.marks = [...this.marks.filter(mark => now - mark.now < WINDOW_MS), { sent, now }];
    const first = this.marks[0] ?? { sent, now };
    return now > first.now ? ((sent - first.sent) / (now - first.now)) * 1000 : 0;
  }

  private marks: readonly { readonly sent: number; readonly now: number }[] = [];
}
