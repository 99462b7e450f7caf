/** What waits for a reader: bounded, and nothing is thrown away. At the bound the writer is told to stop, and when half of it
 * was read, to go on: what came meanwhile is the writer's to fetch again. */

export interface QueueEvents {
  /** The bound was reached: push no more. */
  full(): void;
  /** Half of it was read. */
  drained(): void;
  /** The reader left. */
  left(): void;
}

type Waiting<T> = { resolve: (result: IteratorResult<T, undefined>) => void; reject: (error: Error) => void };

export class Queue<T> {
  #items: T[] = [];
  #waiting: Waiting<T>[] = [];
  #end: { error: Error | undefined } | undefined;
  #isFull = false;

  constructor(
    private readonly bound: number,
    private readonly events: QueueEvents,
  ) {}

  /** Nothing is taken now. */
  get isFull(): boolean {
    return this.#isFull;
  }

  /** Adds one; the caller heeds `full`. */
  push(item: T): void {
    if (this.#end !== undefined) return;
    const reader = this.#waiting.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: item });
      return;
    }
    this.#items.push(item);
    if (this.#items.length >= this.bound && !this.#isFull) {
      this.#isFull = true;
      this.events.full();
    }
  }

  /** No more comes; what waits is read first. */
  end(error?: Error): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (error === undefined) resolve({ done: true, value: undefined });
      else reject(error);
    }
  }

  /** The next one. */
  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) {
      if (this.#isFull && this.#items.length * 2 <= this.bound) {
        this.#isFull = false;
        this.events.drained();
      }
      return Promise.resolve({ done: false, value: item });
    }
    if (this.#end !== undefined) {
      return this.#end.error === undefined
        ? Promise.resolve({ done: true, value: undefined })
        : Promise.reject(this.#end.error);
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The reader leaves: what waits is of no use any more. */
  leave(): void {
    this.#items = [];
    const wasOpen = this.#end === undefined;
    this.end();
    if (wasOpen) this.events.left();
  }
}
