/** A bot: follows a market, and buys the cheaper outcome for 0.01 SOL whenever it costs less than a limit.
 *
 *   node dist/examples/bot.js http://HOST:4000 ws://HOST:4001 MARKET KEYFILE [LIMIT]
 *
 * KEYFILE is that of `solana-keygen`; LIMIT a price, 0.4 unless said otherwise. It trades until it is stopped. */

import { readFileSync } from "node:fs";
import { WebSocket } from "ws";
import { KeyWallet, NotLanded, Refused, ZmartClient } from "../src/index.js";

const [api, ws, market, keyFile, limit = "0.4"] = process.argv.slice(2);
if (!api || !ws || !market || !keyFile) throw new Error("usage: bot API WS MARKET KEYFILE [LIMIT]");

const client = new ZmartClient({ api, ws, WebSocket });
process.once("SIGINT", () => {
  client.close();
});
const wallet = await KeyWallet.fromKeyFile(Uint8Array.from(JSON.parse(readFileSync(keyFile, "utf8")) as number[]));
await client.signIn(wallet);

async function buy(outcome: "YES" | "NO", price: string): Promise<void> {
  try {
    const build = client.trading.build("buy", { market_id: market ?? "", outcome, spend: "10000000" });
    const { signature, status } = await client.trading.trade(build, wallet);
    console.log(`bought ${outcome} at ${price}: ${status} ${signature}`);
  } catch (error) {
    // What the chain or the server refuses now may be right at the next price.
    if (!(error instanceof Refused || error instanceof NotLanded)) throw error;
    console.log(`not bought: ${error.message}`);
  }
}

let trading: Promise<void> | undefined;
for await (const event of client.subscribe(`market:${market}`)) {
  const state =
    event.type === "price_update" ? event.data : event.type === "subscribed" && event.snapshot && "state" in event.snapshot
      ? { price_yes: event.snapshot.current_price_yes, price_no: event.snapshot.current_price_no }
      : undefined;
  if (!state?.price_yes || !state.price_no || trading) continue;
  const [outcome, price] = state.price_yes < state.price_no ? (["YES", state.price_yes] as const) : (["NO", state.price_no] as const);
  // Prices have nine decimals each: their texts are in the order of their values.
  if (price < limit) trading = buy(outcome, price).finally(() => (trading = undefined));
}
