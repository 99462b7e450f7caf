/** How long to wait before the next connection: exponential, with full jitter, so that clients that lost a server together
 * do not come back together. */

/** Bounds of the wait, in milliseconds. */
export interface BackoffOptions {
  /** Before the second try, at most. */
  base: number;
  /** However often it failed, at most. */
  cap: number;
}

/** The waits of a run of failures. */
export class Backoff {
  #failures = 0;

  constructor(
    private readonly options: BackoffOptions,
    private readonly random: () => number = Math.random,
  ) {}

  /** The next wait: anywhere from nothing to the bound, which doubles each time. */
  next(): number {
    const bound = Math.min(this.options.cap, this.options.base * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    return Math.floor(this.random() * bound);
  }

  /** A connection held. */
  reset(): void {
    this.#failures = 0;
  }
}
