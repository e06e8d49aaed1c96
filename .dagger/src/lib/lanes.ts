/** Lets a few pieces of work run side by side; the others wait in the order in which they came. */
export class Lanes {
  private free: number;
  private readonly queue: (() => void)[] = [];

  /** @param count how many run at once, at least one */
  constructor(count: number) {
    this.free = Math.max(1, count);
  }

  /** Work that waits for its turn. */
  get waiting(): number {
    return this.queue.length;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((resolve) => this.queue.push(resolve));
    try {
      return await work();
    } finally {
      // The turn is handed on, so that nobody who comes now goes before those who wait.
      const next = this.queue.shift();
      if (next) next();
      else this.free++;
    }
  }
}
