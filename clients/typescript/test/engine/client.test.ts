/** The client against a real engine: what an application does, through kills. */

import assert from "node:assert/strict";
import test, { after, before } from "node:test";
import { KeyWallet, NotLanded, Refused, type EventOf } from "../../src/index.js";
import { Arena, within } from "./arena.js";

let arena: Arena;
before(async () => {
  arena = await Arena.open();
});
after(async () => {
  await arena.close();
});

type MarketEvent = EventOf<`market:${string}`>;

/** Reads until so many trades were had; everything that came. */
async function read(events: AsyncIterable<MarketEvent>, trades: number): Promise<MarketEvent[]> {
  const had: MarketEvent[] = [];
  let left = trades;
  for await (const event of events) {
    // What is final is told at its own time.
    if (event.type !== "commitment") had.push(event);
    if (event.type === "price_update") left -= 1;
    if (left === 0) break;
  }
  return had;
}

/** One snapshot, then every entry once, in order, a trade with its price. */
function isWhole(events: MarketEvent[], trades: number): void {
  assert.deepEqual(events.map(({ type }) => type).filter((type) => type === "subscribed").length, 1);
  assert.equal(events[0]?.type, "subscribed");
  const first = events[0].seq ?? 0;
  const expected = Array.from({ length: trades }, (_, n) => [first + n + 1, first + n + 1]).flat();
  assert.deepEqual(events.slice(1).map(({ seq }) => seq), expected);
  const types = Array.from({ length: trades }, () => ["trade_executed", "price_update"]).flat();
  assert.deepEqual(events.slice(1).map(({ type }) => type), types);
}

test("every frame comes once and in order, while the engine is killed, stopped and started under it", async () => {
  const market = await arena.say("market");
  const client = arena.client();
  const reading = read(client.subscribe(`market:${market}`), 40);
  // Read slowly, with a queue that fills: nothing is lost by that either.
  const slow = arena.client();
  const late = read(slowly(slow.subscribe(`market:${market}`, { queue: 8 })), 40);
  await client.opened();
  await arena.say(`buy ${market} 1`);
  for (const end of ["kill", "stop", "kill"]) {
    await arena.say(`buy ${market} 6`);
    await arena.say(end);
    await arena.say(`buy ${market} 6`);
    await arena.say("start");
  }
  await arena.say("crash hub");
  await arena.say(`buy ${market} 3`);
  isWhole(await within("40 trades", reading), 40);
  isWhole(await within("40 trades, slowly", late), 40);
});

async function* slowly(events: AsyncIterable<MarketEvent>): AsyncIterable<MarketEvent> {
  for await (const event of events) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    yield event;
  }
}

test("a place that was kept is resumed by another client, and a market is named by its seed as well", async () => {
  const client = arena.client();
  const { market_seed: seed } = await client.rest.ask("get", "/api/markets/{market}", { path: { market: arena.market } });
  await arena.say(`buy ${arena.market} 1`);
  const events = client.subscribe(`market:${seed}`);
  const { value: snapshot } = await within("a snapshot", events.next());
  assert.ok(snapshot?.type === "subscribed");
  await events.return();
  await arena.say(`buy ${arena.market} 2`);
  const later = arena.client();
  const since = { epoch: snapshot.epoch, seq: snapshot.seq ?? 0 };
  const had = await within("what was missed", read(later.subscribe(`market:${arena.market}`, { since }), 2));
  assert.deepEqual(had.map(({ seq }) => (seq ?? 0) - since.seq), [1, 1, 2, 2]);
});

test("sign in, quote, build, sign, submit, wait: a trade from beginning to end", async () => {
  const client = arena.client();
  const wallet = await KeyWallet.generate();
  await arena.say(`fund ${wallet.address}`);
  await client.signIn(wallet);
  const events = client.subscribe(`market:${arena.market}`);
  await within("a snapshot", events.next());
  const own = client.subscribe(`wallet:${wallet.address}`);
  await within("what the wallet has", own.next());
  const spend = "50000000";
  const quote = await client.trading.quote({ market_id: arena.market, trade_type: "buy", outcome: "YES", spend });
  const build = client.trading.build("buy", { market_id: arena.market, outcome: "YES", spend, accept_unsound: true });
  const landed = await within("the trade", client.trading.trade(build, wallet));
  assert.ok(["confirmed", "finalized"].includes(landed.status), landed.status);
  for await (const event of events) {
    if (event.type !== "trade_executed" || event.data.user_wallet !== wallet.address) continue;
    assert.equal(event.data.tx_signature, landed.signature);
    assert.equal(event.data.shares, quote.shares, "to the unit");
    assert.equal(event.data.cost, quote.total);
    break;
  }
  const told = { order: false, position: false };
  for await (const event of own) {
    told.order ||= event.type === "order_update" && event.data.signature === landed.signature;
    told.position ||= event.type === "position_update" && event.data.shares_yes === quote.shares;
    if (told.order && told.position) break;
  }
  const quotes = client.trading.quotes({ market_id: arena.market, trade_type: "buy", outcome: "YES", spend });
  const { value: now } = await within("a quote", quotes.next());
  await arena.say(`buy ${arena.market} 1`);
  const { value: then } = await within("another quote", quotes.next());
  assert.ok(now?.type === "quote" && then?.type === "quote" && then.seq > now.seq);
  await assert.rejects(
    client.trading.build("buy", { market_id: arena.market, outcome: "YES", spend: "99999999999999999", accept_unsound: true }),
    (error) => error instanceof Refused && !(error instanceof NotLanded),
  );
});

test("a session is renewed once, however many ask, and one that was ended begins anew", async () => {
  const client = arena.client();
  const wallet = await KeyWallet.generate();
  const session = await client.signIn(wallet);
  const old = await session.token();
  const renewed = await Promise.all([session.renew(), session.renew(), session.renew()]);
  assert.equal(new Set(renewed).size, 1);
  assert.notEqual(renewed[0], old);
  await session.signOut();
  const token = await session.renew();
  assert.equal((await client.rest.ask("get", "/api/users/me", { token })).wallet, wallet.address);
});
