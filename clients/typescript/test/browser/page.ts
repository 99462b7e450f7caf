/** What runs in the page: the client as an application has it, nothing of Node. The test calls these by name. */

import { KeyWallet, ZmartClient, type EventOf } from "../../src/index.js";

type MarketEvent = EventOf<`market:${string}`>;

let client: ZmartClient | undefined;
let wallet: KeyWallet | undefined;
const heard: MarketEvent[] = [];
const ends: number[] = [];

const page = {
  /** Connects, signs in with a key made here, and listens. The wallet's address. */
  async begin(api: string, ws: string, market: string): Promise<string> {
    client = new ZmartClient({ api, ws, backoff: { base: 100, cap: 1_000 }, observer: { disconnected: ({ code }) => ends.push(code) } });
    wallet = await KeyWallet.generate();
    await client.signIn(wallet);
    const events = client.subscribe(`market:${market}`);
    void (async () => {
      for await (const event of events) if (event.type !== "commitment") heard.push(event);
    })();
    return wallet.address;
  },

  /** Trades; the signature, once it is confirmed. */
  async trade(market: string, spend: string): Promise<string> {
    if (!client || !wallet) throw new Error("begin first");
    const build = client.trading.build("buy", { market_id: market, outcome: "NO", spend, accept_unsound: true });
    return (await client.trading.trade(build, wallet)).signature;
  },

  /** What was heard so far. */
  heard(): { type: string; seq: number; signature: string | undefined }[] {
    return heard.map((event) => ({
      type: event.type,
      seq: event.seq ?? 0,
      signature: event.type === "trade_executed" ? event.data.tx_signature : undefined,
    }));
  },

  /** Codes with which connections ended. */
  ends: (): number[] => ends,
};

export type Page = typeof page;
(globalThis as { zmart?: Page }).zmart = page;
