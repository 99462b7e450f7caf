/** Trades, from a quote to what became of them. The server holds no key: it builds, the wallet signs, it sends. */

import { NotLanded } from "./errors.js";
import type { Rest, Schemas } from "./rest.js";
import type { Session } from "./session.js";
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

export type Quote = Schemas["QuoteView"];
export type Submission = Schemas["SubmissionView"];

/** How sure a trade is to be. */
export type Commitment = "confirmed" | "finalized";

/** What trades are made through. */
export interface Desk {
  readonly rest: Rest;
  readonly session: Session | undefined;
}

/** Between two looks at a transaction, in milliseconds. */
const LOOK = 250;

export class Trading {
  constructor(private readonly desk: Desk) {}

  /** What a trade would do now, to the unit. */
  quote(request: QuoteRequest): Promise<Quote> {
    return this.desk.rest.ask("get", "/api/trades/estimate", { query: request });
  }

  /** A buy as an unsigned transaction, rehearsed on the chain's newest state. */
  async buy(body: Schemas["BuyBody"]): Promise<Schemas["BuyReply"]> {
    return this.desk.rest.ask("post", "/api/trades/buy", { body, token: await this.#token() });
  }

  /** A sell, in the same way. */
  async sell(body: Schemas["SellBody"]): Promise<Schemas["SellReply"]> {
    return this.desk.rest.ask("post", "/api/trades/sell", { body, token: await this.#token() });
  }

  /** The wallet signs it. */
  sign(unsigned: Unsigned, wallet: Wallet): Promise<Signed> {
    return sign(unsigned, wallet);
  }

  /** Hands it in. It may be handed in again after any failure: the same transaction has its effect once. */
  async submit(signed: Signed, clientRef: string): Promise<Schemas["SubmitReply"]> {
    const body = { transaction: signed.transaction, client_ref: clientRef };
    return this.desk.rest.ask("post", "/api/transactions", { body, token: await this.#token() });
  }

  /** Waits until it is as sure as that. Throws NotLanded if it had no effect and can't have one any more. */
  async landed(signature: string, commitment: Commitment = "confirmed"): Promise<Submission> {
    for (;;) {
      const token = await this.#token();
      const found = await this.desk.rest.ask("get", "/api/transactions/{signature}", { path: { signature }, token });
      if (found.status === "finalized" || found.status === commitment) return found;
      if (found.status === "expired" || (found.status === "failed" && found.settled)) {
        throw new NotLanded(signature, found.status, found.reason?.name);
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  /** All of it: build, sign, submit, wait. */
  async trade(build: Promise<Unsigned & { client_ref: string }>, wallet: Wallet, commitment?: Commitment): Promise<Submission> {
    const built = await build;
    const signed = await sign(built, wallet);
    await this.submit(signed, built.client_ref);
    return this.landed(signed.signature, commitment);
  }

  #token(): Promise<string> {
    if (this.desk.session === undefined) return Promise.reject(new Error("sign in first"));
    return this.desk.session.token();
  }
}
