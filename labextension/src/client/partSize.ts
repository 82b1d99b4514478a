const KIB = 1024;
const MIB = 1024 * KIB;

/** What a first part has: enough to be quick, little enough to be sent again. */
const FIRST = 8 * MIB;
const LARGEST = 64 * MIB;
const SMALLEST = 64 * KIB;
/** Many proxies refuse a body over 1 MiB; a part just below it passes. */
const BELOW_PROXY = 960 * KIB;
/** A part that is through within this time may grow; one that takes longer than SLOW shrinks. */
const QUICK_MS = 2000;
const SLOW_MS = 15_000;

/** How many bytes the next part has: learnt from how the last ones went. */
export class PartSize {
  constructor(largest = 0) {
    this.largest = largest > 0 ? Math.min(largest, LARGEST) : LARGEST;
    this.bytes = Math.min(FIRST, this.largest);
  }

  /** The size of the next part, in bytes. */
  bytes: number;

  /** A part went through in so many milliseconds. */
  passed(milliseconds: number): void {
    if (milliseconds < QUICK_MS) {
      this.bytes = Math.min(this.bytes * 2, this.ceiling ?? this.largest);
    } else if (milliseconds > SLOW_MS) {
      this.bytes = Math.max(this.bytes / 2, SMALLEST);
    }
  }

  /** Something on the way refused a part of `sent` bytes as too large. False when it cannot shrink. */
  refused(sent: number): boolean {
    if (sent <= SMALLEST) {
      return false;
    }
    const half = Math.floor(sent / 2);
    this.bytes = Math.max(SMALLEST, half > MIB ? BELOW_PROXY : Math.min(half, BELOW_PROXY));
    this.ceiling = this.bytes;
    return true;
  }

  private readonly largest: number;
  private ceiling: number | null = null;
}
