/** Where one stands in a channel: what makes each frame come once, in order, across reconnects.
 *
 * An entry may cause several frames, which share its `seq`, each of another `type`. A connection can end between them, so
 * the newest entry is never taken for complete: it is resumed from the entry before, and what was had of it is left out. */

/** A place in a channel. */
export interface Position {
  epoch: number;
  seq: number;
}

/** What places of a frame are judged by. */
export interface Numbered extends Position {
  type: string;
  /** The frame stands for the entries from here to `seq`. */
  from_seq?: number | null;
}

/** `take`: it is next. `known`: it was had. `gap`: something is missing before it. */
export type Verdict = "take" | "known" | "gap";

export class Place {
  #at: Position | undefined;
  /** Types of frames that were had of the newest entry; empty: it is complete. */
  #had = new Set<string>();

  constructor(at?: Position) {
    this.#at = at && { epoch: at.epoch, seq: at.seq };
  }

  /** The newest entry that was had, or the snapshot's. */
  get at(): Position | undefined {
    return this.#at && { ...this.#at };
  }

  /** From where to resume. */
  since(): Position | undefined {
    if (this.#at === undefined || this.#had.size === 0) return this.at;
    return { epoch: this.#at.epoch, seq: this.#at.seq - 1 };
  }

  /** A snapshot was had: all before it is of no use any more. */
  begin(at: Position): void {
    this.#at = { epoch: at.epoch, seq: at.seq };
    this.#had.clear();
  }

  /** Judges a frame, and notes one that is taken. */
  offer(frame: Numbered): Verdict {
    const at = this.#at;
    if (at === undefined || frame.epoch !== at.epoch) return "gap";
    if (frame.seq < at.seq) return "known";
    if (frame.seq === at.seq) {
      if (this.#had.size === 0 || this.#had.has(frame.type)) return "known";
    } else {
      if ((frame.from_seq ?? frame.seq) > at.seq + 1) return "gap";
      at.seq = frame.seq;
      this.#had.clear();
    }
    this.#had.add(frame.type);
    return "take";
  }
}
