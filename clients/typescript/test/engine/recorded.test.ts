/** A session in which everything happens that can be made to, each message held against the document. */

import assert from "node:assert/strict";
import test from "node:test";
import { WebSocket } from "ws";
import { KeyWallet, Session, sign, type Built } from "../../src/index.js";
import { Arena, within } from "./arena.js";
import { Contract } from "./contract.js";

/** A raw socket that writes down all that is said on it. */
class Recorder {
  readonly texts: string[] = [];
  readonly said: string[] = [];
  readonly socket: WebSocket;
  #looks: (() => void)[] = [];

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data: Buffer) => {
      this.texts.push(data.toString());
      for (const look of this.#looks.splice(0)) look();
    });
    this.socket.on("close", () => {
      for (const look of this.#looks.splice(0)) look();
    });
  }

  say(message: object): void {
    const text = JSON.stringify(message);
    this.said.push(text);
    this.socket.send(text);
  }

  /** Waits until something that was heard is like this. */
  async heard(what: string, like: RegExp): Promise<void> {
    await within(what, (async () => {
      while (!this.texts.some((text) => like.test(text))) await new Promise<void>((resolve) => this.#looks.push(resolve));
    })());
  }
}

/** What this session can't bring about, and why. */
const NOT_PROVOKED = new Set([
  "config.rollback", // the fork would have to take a change of the config with it
]);

test("every message of a session in which everything happens is as the document says", async () => {
  const arena = await Arena.open({ WS_HEARTBEAT_MS: "1000" });
  const contract = new Contract();
  try {
    const client = arena.client();
    const wallet = await KeyWallet.generate();
    await arena.say(`fund ${wallet.address}`);
    const session = await Session.signIn(client.rest, wallet);
    const token = await session.token();
    const { market, proposal } = arena;

    const recorder = new Recorder(arena.ws);
    await recorder.heard("welcome", /"welcome"/);
    recorder.say({ id: 1, action: "subscribe", channels: [`market:${market}`, `market:${proposal}`, "config"] });
    await recorder.heard("subscribed", /"subscribed","id":1/);
    // Prices for several come only to who asks for them: on a connection of its own.
    const patient = new Recorder(arena.ws);
    await patient.heard("welcome", /"welcome"/);
    patient.say({ id: 1, action: "subscribe", market_id: market, conflate: true, interval_ms: 5000 });
    patient.say({ id: 3, action: "auth", token });
    await patient.heard("sign-in", /"reply","id":3/);
    patient.say({ id: 2, action: "subscribe", channels: ["trades", "markets", "ticker", `wallet:${wallet.address}`] });
    await patient.heard("subscribed", /"subscribed","id":2/);
    recorder.say({ id: { a: [1] }, action: "ping" });
    recorder.say({ id: 2, action: "list" });
    recorder.say({ id: 3, action: "no such action" });
    recorder.say({ id: 4, action: "subscribe", channels: ["market:11111111111111111111111111111111"] });
    recorder.say({ id: 5, action: "auth", token });
    await recorder.heard("an answer to auth", /"id":5/);

    const trade = { market_id: market, outcome: "YES", spend: "10000000" };
    recorder.say({ id: "q", action: "quote", ...trade, trade_type: "buy", stream: true });
    await recorder.heard("a quote", /"quote","id":"q"/);
    recorder.say({ id: 10, action: "build", op: "buy", ...trade, accept_unsound: true });
    await recorder.heard("a transaction", /"reply","id":10/);
    const built = JSON.parse(recorder.texts.find((text) => text.includes('"id":10,')) ?? "{}") as { data: Built };
    const signed = await sign(built.data, wallet);
    recorder.say({ id: 11, action: "submit", transaction: signed.transaction, client_ref: built.data.client_ref });
    await recorder.heard("that it was taken", /"reply","id":11/);
    const questions = ["market", "markets", "config", "votes", "positions", "portfolio", "trades", "transaction"];
    for (const what of questions) {
      const about = ["market", "votes"].includes(what) ? { market_id: market } : {};
      const which = what === "transaction" ? { signature: signed.signature } : {};
      recorder.say({ id: what, action: "get", what, ...about, ...which });
      await recorder.heard(what, new RegExp(`"reply","id":"${what}"`));
    }

    await arena.say(`buy ${market} 3`);
    await recorder.heard("another quote", /"quote","stream":"q"/);
    await recorder.heard("a trade", /"trade_executed"/);
    await patient.heard("a price for several", /"conflated":/);
    recorder.say({ id: 12, action: "vote", vote_type: "proposal", market_id: proposal, vote: true });
    await recorder.heard("that it was counted", /"reply","id":12/);
    await arena.say(`vote ${proposal}`);
    await recorder.heard("a vote on the chain", /"source":"onchain"/);
    const body = { market_id: market, content: "It will." };
    const comment = await client.rest.ask("post", "/api/discussions", { token, body });
    await client.rest.ask("delete", "/api/discussions/{market}", { token, path: { market: comment.id } });
    await recorder.heard("a comment that is deleted", /"action":"deleted"/);
    await arena.say("fee 310");
    // Only with ten percent in all the program buys what it quotes.
    await arena.say("fee 300");
    await recorder.heard("the config", /"config_updated"/);
    await arena.say(`finalize ${market}`);
    await recorder.heard("the end of a market", /"market_finalized"/);

    // A place that is known is resumed, one that is not is answered with a snapshot.
    const { epoch } = JSON.parse(recorder.texts.find((text) => text.includes('"subscribed","id":1,')) ?? "{}") as { epoch: number };
    const since = { [`market:${market}`]: { epoch, seq: 1 }, config: { epoch: 9, seq: 1 } };
    recorder.say({ id: 6, action: "subscribe", channels: [`market:${market}`, "config"], since });
    await recorder.heard("a resume", /"subscribed","id":6/);
    await recorder.heard("a heartbeat", /"heartbeat"/);
    recorder.say({ id: 7, action: "unsubscribe", channels: ["config"] });
    await recorder.heard("a reply", /"id":7/);

    await session.signOut();
    await recorder.heard("that it is signed in no more", /"auth_expired"/);
    const other = await arena.say("market");
    recorder.say({ id: 8, action: "subscribe", market_id: other });
    await recorder.heard("another market", /"subscribed","id":8/);
    await arena.say(`rollback ${other}`);
    await recorder.heard("a roll-back", /"rollback"/);
    await arena.say("stop");
    await recorder.heard("a shutdown", /"shutdown"/);

    const texts = [...recorder.texts, ...patient.texts];
    for (const text of texts) contract.judge(text);
    for (const text of [...recorder.said, ...patient.said].filter((said) => !said.includes("no such action"))) contract.judgeAction(text);
    const missing = contract.keys.filter((key) => !contract.seen.has(key) && !NOT_PROVOKED.has(key));
    assert.deepEqual(missing, [], "told by the document and not heard");
    assert.throws(() => {
      contract.judge(JSON.stringify({ ...(JSON.parse(recorder.texts[0] ?? "") as object), surprise: 1 }));
    }, /not as documented/);
  } finally {
    await arena.close();
  }
});
