/** Trades, from a quote to what became of them. The server holds no key: it builds, the wallet signs, it sends. */

import type { Heard } from "./connection.js";
import { Disconnected, NotLanded, Refused } from "./errors.js";
import type { QuoteMessage, StepReply, WalletOrderUpdateFrame as OrderUpdate } from "./generated/asyncapi.js";
import { Quotes, type QuoteEvent } from "./quotes.js";
import type { Schemas } from "./rest.js";
import { sign, type Signed, type Unsigned } from "./transaction.js";
import type { Wallet } from "./wallet.js";

/** What a trade is to do. */
export interface QuoteRequest {
  market_id: string;
  trade_type: "buy" | "sell";
  outcome: "YES" | "NO";
  /** Base units, a decimal string; or `spend`. */
  shares?: string;
  /** Lamports, a decimal string; buys only. */
  spend?: string;
}

export type Quote = QuoteMessage["data"];
export type Submission = Schemas["SubmissionView"];

/** How sure a trade is to be. */
export type Commitment = "confirmed" | "finalized";

/** An unsigned transaction, with the name of its intent. */
export type Built = Unsigned & { client_ref: string };

/** What each operation takes and gives; `market_id` names the market where a route has it in its path. */
export interface Operations {
  buy: { takes: Schemas["BuyBody"]; gives: Schemas["BuyReply"] };
  sell: { takes: Schemas["SellBody"]; gives: Schemas["SellReply"] };
  create_market: { takes: Schemas["CreateBody"]; gives: Schemas["CreateReply"] };
  resolve: { takes: Schemas["ResolveBody"] & { market_id: string }; gives: Schemas["ResolveReply"] };
  dispute: { takes: Schemas["StepBody"] & { market_id: string }; gives: StepReply };
  activate: { takes: Schemas["StepBody"] & { market_id: string }; gives: StepReply };
  claim: { takes: Schemas["StepBody"] & { market_id: string }; gives: StepReply };
  withdraw: { takes: Schemas["StepBody"] & { market_id: string }; gives: StepReply };
}

/** What trades are made through. */
export interface Desk {
  request(action: string, fields?: Record<string, unknown>): Promise<Heard>;
  /** Begins a quote stream, again after each reconnect. */
  stream(quotes: Quotes): void;
  opened(): Promise<void>;
}

/** Between two looks at a transaction, in milliseconds. */
const LOOK = 250;
/** The same where the wallet's own channel tells what became of it. */
const LOOK_BESIDE_NEWS = 2_000;
/** An answer to `submit` that was lost with its connection, or may be another one a little later, is asked for so often. */
const SUBMITS = 5;
/** What was refused, and may succeed a little later, is said again after so long, in milliseconds. */
const RETRY = 1_000;

export class Trading {
  /** Who waits for news of which transaction. */
  readonly #waiting = new Map<string, (news: Submission | undefined) => void>();
  #hasNews = false;

  constructor(private readonly desk: Desk) {}

  /** What the wallet's own channel tells, if the application reads it. */
  heard(news: OrderUpdate): void {
    this.#hasNews = true;
    this.#waiting.get(news.data.signature)?.(news.data);
  }

  /** What a trade would do now, to the unit. */
  async quote(request: QuoteRequest): Promise<Quote> {
    const answer = await this.desk.request("quote", { ...request });
    if (answer.type !== "quote") throw new Error(`no quote: ${answer.type}`);
    return answer.data;
  }

  /** The same again whenever it is another one: the newest, if the reader is slower. */
  quotes(request: QuoteRequest): AsyncIterableIterator<QuoteEvent, undefined> {
    const quotes = new Quotes({ ...request });
    this.desk.stream(quotes);
    return quotes;
  }

  /** A trade or a step of a market as an unsigned transaction, rehearsed on the chain's newest state. */
  async build<O extends keyof Operations>(op: O, body: Operations[O]["takes"]): Promise<Operations[O]["gives"]> {
    return this.#data<Operations[O]["gives"]>("build", { op, ...body });
  }

  /** The wallet signs it. */
  sign(unsigned: Unsigned, wallet: Wallet): Promise<Signed> {
    return sign(unsigned, wallet);
  }

  /** Hands it in; again, if the answer was lost with its connection, or the refusal passes: the same transaction has its
   * effect once, and the server may have taken what it did not answer. */
  async submit(signed: Signed, clientRef: string): Promise<Schemas["SubmitReply"]> {
    for (let left = SUBMITS; ; left -= 1) {
      try {
        return await this.#data("submit", { transaction: signed.transaction, client_ref: clientRef });
      } catch (error) {
        if (!passes(error) || left <= 1) throw error;
        if (error instanceof Refused) await new Promise((resolve) => setTimeout(resolve, RETRY));
        await this.desk.opened();
      }
    }
  }

  /** Waits until it is as sure as that. Throws NotLanded if it had no effect and can't have one any more. It looks again and
   * again, also where the server can't tell for now: what was handed in is not given up; who reads `wallet:<own>` beside it has it as soon as the server knows it. */
  async landed(signature: string, commitment: Commitment = "confirmed"): Promise<Submission> {
    let found: Submission | undefined;
    for (;;) {
      let pause = this.#hasNews ? LOOK_BESIDE_NEWS : LOOK;
      try {
        found ??= await this.#data<Submission>("get", { what: "transaction", signature });
      } catch (error) {
        if (!passes(error)) throw error;
        if (error instanceof Refused) pause = Math.max(pause, RETRY);
      }
      if (found !== undefined) {
        if (found.status === "finalized" || found.status === commitment) return found;
        if (found.status === "expired" || (found.status === "failed" && found.settled)) {
          throw new NotLanded(signature, found.status, found.reason?.name);
        }
      }
      found = await new Promise((resolve) => {
        const settle = (news: Submission | undefined): void => {
          clearTimeout(timer);
          this.#waiting.delete(signature);
          resolve(news);
        };
        const timer = setTimeout(settle, pause);
        this.#waiting.set(signature, settle);
      });
    }
  }

  /** All of it: sign, submit, wait. */
  async trade(build: Promise<Built> | Built, wallet: Wallet, commitment?: Commitment): Promise<Submission> {
    const built = await build;
    const signed = await sign(built, wallet);
    await this.submit(signed, built.client_ref);
    return this.landed(signed.signature, commitment);
  }

  /** Votes on a proposal or a dispute. */
  vote(kind: "proposal" | "dispute", body: Schemas["VoteBody"]): Promise<Schemas["VoteReply"]> {
    return this.#data("vote", { vote_type: kind, ...body });
  }

  async #data<T>(action: string, fields: Record<string, unknown>): Promise<T> {
    const answer = await this.desk.request(action, fields);
    if (answer.type !== "reply" || !("data" in answer)) throw new Error(`no reply: ${answer.type}`);
    return answer.data as T;
  }
}

/** The same may be answered otherwise a little later. */
function passes(error: unknown): boolean {
  return error instanceof Disconnected || (error instanceof Refused && error.retryable);
}
