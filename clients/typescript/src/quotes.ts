/** A quote stream, as an async iterator that outlives connections. A quote replaces the one before: only the newest waits. */

import type { Heard } from "./connection.js";
import type { ErrorMessage, QuoteMessage } from "./generated/asyncapi.js";
import { Refused, type Stopped } from "./errors.js";

/** A quote, or why there is none now: the stream goes on. */
export type QuoteEvent = QuoteMessage | ErrorMessage;

type Waiting = { resolve: (result: IteratorResult<QuoteEvent, undefined>) => void; reject: (error: Error) => void };

export class Quotes implements AsyncIterableIterator<QuoteEvent, undefined> {
  #newest: QuoteEvent | undefined;
  #waiting: Waiting[] = [];
  #end: { error: Error | undefined } | undefined;
  /** What the client does when the reader leaves. */
  left: () => void = () => undefined;

  constructor(readonly request: Readonly<Record<string, unknown>>) {}

  /** A message of the stream, or a refusal of it. */
  heard(message: Heard): void {
    if (message.type === "error" && message.stream === undefined && !message.retryable) {
      this.end(new Refused(message.code, message.message, false, message));
    } else if (message.type === "quote" || message.type === "error") {
      const reader = this.#waiting.shift();
      if (reader) reader.resolve({ done: false, value: message });
      else this.#newest = message;
    }
  }

  /** No more of it. */
  end(error?: Refused | Stopped): void {
    this.#end ??= { error };
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#end.error) reject(this.#end.error);
      else resolve({ done: true, value: undefined });
    }
  }

  next(): Promise<IteratorResult<QuoteEvent, undefined>> {
    const value = this.#newest;
    this.#newest = undefined;
    if (value) return Promise.resolve({ done: false, value });
    if (this.#end) return this.#end.error ? Promise.reject(this.#end.error) : Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  return(): Promise<IteratorResult<QuoteEvent, undefined>> {
    this.#newest = undefined;
    if (!this.#end) this.left();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
