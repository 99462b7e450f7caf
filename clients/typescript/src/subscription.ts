/** One channel, as an async iterator: snapshots and frames, each once and in order, however often the connection is lost.
 *
 * It holds its place and a bounded queue. A reader that lets the queue fill is never dropped, and nothing of its channel is
 * thrown away: the channel is left, and resumed from the place when half of the queue was read. */

import type { Heard } from "./connection.js";
import { Refused } from "./errors.js";
import type { CommitmentMessage, Frame, FramesOf, SubscribedMessage } from "./generated/asyncapi.js";
import { Place, type Numbered, type Position } from "./place.js";
import { Queue } from "./queue.js";

/** Where a subscription begins anew: at first, and wherever what was missed can't be had any more (`recovered: false`). With
 * `recovered: true` only where prices are told for several: its `price` is the one that holds. */
export type Snapshot = SubscribedMessage;

/** What an iterator of a channel gives. */
export type EventOf<C extends string> =
  | Snapshot
  | CommitmentMessage
  | (C extends `${infer K}:${string}` ? (K extends keyof FramesOf ? FramesOf[K] : Frame) : C extends keyof FramesOf ? FramesOf[C] : Frame);

export interface SubscribeOptions {
  /** Resume from here: the `epoch` and `seq` of the newest frame that was had in an earlier life. */
  since?: Position;
  /** Events that may wait for the reader; 10,000 unless said otherwise. */
  queue?: number;
  /** One price for several, at most every so many milliseconds (50 to 5,000); everything else as it comes. */
  conflate?: number;
}

/** The way to the server. */
export interface Line {
  /** Subscribe; answered once, or never if the connection is lost before. */
  join(channel: string, since: Position | undefined, conflate: number | undefined, answered: (answer: Heard) => void): void;
  /** Unsubscribe. */
  leave(channel: string): void;
  /** The channel has no reader any more. */
  forget(channel: string): void;
}

/** `off`: no connection. `joining`: what comes is of before. `paused`: the queue is full. */
type State = "off" | "joining" | "live" | "paused" | "ended";

/** Waits this long, and half as long again at most, after an answer that says "try again". */
const RETRY = 1_000;
/** After so many gaps in a row that a resume did not close, a snapshot is taken. */
const GAPS = 3;

export class Subscription<E = Snapshot | CommitmentMessage | Frame> implements AsyncIterableIterator<E, undefined> {
  readonly #queue: Queue<E>;
  readonly #place: Place;
  #state: State = "off";
  #joins = 0;
  #gaps = 0;
  /** Prices were told for several: one that waited may be lost with a connection. */
  #isConflated: boolean;
  #name: string;

  constructor(
    /** As the reader names it. */
    readonly channel: string,
    private readonly line: Line,
    private readonly options: SubscribeOptions,
  ) {
    this.#isConflated = options.conflate !== undefined;
    this.#name = channel;
    this.#place = new Place(options.since);
    this.#queue = new Queue(options.queue ?? 10_000, {
      full: () => {
        this.#pause();
      },
      drained: () => {
        if (this.#state === "paused") this.#join();
      },
      left: () => {
        const wasOn = this.#state === "joining" || this.#state === "live";
        this.#state = "ended";
        if (wasOn) this.line.leave(this.channel);
        this.line.forget(this.channel);
      },
    });
  }

  /** As the server names it. */
  get name(): string {
    return this.#name;
  }

  /** The newest entry that was put in the queue. */
  get position(): Position | undefined {
    return this.#place.at;
  }

  /** There is a connection. */
  connected(): void {
    if (this.#state === "off" || this.#state === "joining") this.#join();
  }

  /** It is lost. */
  disconnected(): void {
    if (this.#state === "joining" || this.#state === "live") this.#state = "off";
    this.#joins += 1;
  }

  /** What it had of the channel is taken up again: its stream was stopped on an open connection. */
  again(): void {
    if (this.#state === "live" || this.#state === "joining") this.#join();
  }

  /** A frame, or a snapshot that came by itself. */
  heard(message: Heard): void {
    if (this.#state !== "live") return;
    if (message.type === "subscribed") {
      this.#begun(message);
    } else if (!isNumbered(message)) {
      this.#queue.push(message as E);
    } else {
      const verdict = this.#place.offer(message);
      if (verdict === "take") {
        this.#gaps = 0;
        this.#isConflated ||= "from_seq" in message;
        this.#queue.push(message as E);
      } else if (verdict === "gap") {
        this.#gap();
      }
    }
  }

  /** The newest of the channel that the server sent on this connection: what of it did not come is fetched. */
  shouldHave(sent: Position): void {
    const at = this.#place.at;
    if (this.#state === "live" && at?.epoch === sent.epoch && at.seq < sent.seq) this.#gap();
  }

  /** No more of it. */
  end(error?: Error): void {
    this.#state = "ended";
    this.#queue.end(error);
  }

  next(): Promise<IteratorResult<E, undefined>> {
    return this.#queue.next();
  }

  /** The reader leaves: `break` does this. */
  return(): Promise<IteratorResult<E, undefined>> {
    this.#queue.leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #gap(): void {
    this.#gaps += 1;
    this.#join(this.#gaps > GAPS);
  }

  #pause(): void {
    if (this.#state !== "live") return;
    this.#state = "paused";
    this.line.leave(this.channel);
  }

  #join(anew = false): void {
    this.#state = "joining";
    this.#joins += 1;
    const join = this.#joins;
    this.line.join(this.channel, anew ? undefined : this.#place.since(), this.options.conflate, (answer) => {
      if (join === this.#joins && this.#state === "joining") this.#answered(answer, join);
    });
  }

  #answered(answer: Heard, join: number): void {
    if (answer.type === "subscribed") {
      this.#state = "live";
      this.#name = answer.channel;
      this.#begun(answer);
    } else if (answer.type === "error" && answer.retryable) {
      setTimeout(() => {
        if (join === this.#joins && this.#state === "joining") this.#join();
      }, RETRY * (1 + Math.random() / 2));
    } else if (answer.type === "error") {
      this.line.forget(this.channel);
      this.end(new Refused(answer.code, answer.message, false, answer));
    }
  }

  #begun(answer: SubscribedMessage): void {
    // Channels without numbers have no places: they begin anew each time.
    if (!answer.recovered && typeof answer.seq === "number") this.#place.begin({ epoch: answer.epoch, seq: answer.seq });
    if (!answer.recovered || (this.#isConflated && answer.price)) this.#queue.push(answer as E);
  }
}

function isNumbered(message: Heard): message is Heard & Numbered {
  return "seq" in message && "epoch" in message && message.type !== "commitment";
}
