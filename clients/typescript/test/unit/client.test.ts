import assert from "node:assert/strict";
import test from "node:test";
import { Disconnected, Refused, Stopped } from "../../src/errors.js";
import { KeyWallet } from "../../src/wallet.js";
import { frame, MARKET, play, subscribed, tick } from "./fake.js";

async function take(iterator: AsyncIterator<unknown>, count: number): Promise<(string | number)[][]> {
  const taken = [];
  for (let n = 0; n < count; n += 1) {
    const { value } = (await iterator.next()) as { value: { type: string; seq: number } };
    taken.push([value.type, value.seq]);
  }
  return taken;
}

test("a cut between two frames of one entry loses none and repeats none", async () => {
  const { client, socket } = play();
  const events = client.subscribe(MARKET);
  const first = await socket(1);
  first.welcome();
  await tick();
  assert.equal(first.newest("subscribe").since, undefined);
  first.hear(subscribed(first.newest("subscribe").id, 4, false));
  first.hear(frame(5, "trade_executed"));
  first.end(1006);
  const second = await socket(2);
  second.welcome();
  await tick();
  assert.deepEqual(second.newest("subscribe").since, { [MARKET]: { epoch: 1, seq: 4 } });
  second.hear(frame(3)); // of before: not heeded
  second.hear(subscribed(second.newest("subscribe").id, 4, true));
  second.hear(frame(5, "trade_executed"));
  second.hear(frame(5, "price_update"));
  second.hear(frame(6));
  assert.deepEqual(await take(events, 4), [["subscribed", 4], ["trade_executed", 5], ["price_update", 5], ["vote_update", 6]]);
  client.close();
  assert.equal((await events.next()).done, true);
});

test("what can't be resumed is surfaced as a snapshot, also one that comes by itself", async () => {
  const { client, socket } = play();
  const events = client.subscribe(MARKET, { since: { epoch: 1, seq: 2 } });
  const first = await socket(1);
  first.welcome();
  await tick();
  assert.deepEqual(first.newest("subscribe").since, { [MARKET]: { epoch: 1, seq: 2 } });
  first.hear(subscribed(first.newest("subscribe").id, 40, false));
  first.hear({ ...subscribed(0, 1, false, { epoch: 2 }), id: undefined });
  first.hear(frame(2, "vote_update", { epoch: 2 }));
  assert.deepEqual(await take(events, 3), [["subscribed", 40], ["subscribed", 1], ["vote_update", 2]]);
  client.close();
});

test("a hole, in the frames or by the heartbeat's word, is fetched; a server that can't close it is asked for a snapshot", async () => {
  const { client, socket } = play();
  client.subscribe(MARKET);
  const first = await socket(1);
  first.welcome();
  await tick();
  first.hear(subscribed(first.newest("subscribe").id, 4, false));
  first.hear(frame(6));
  assert.deepEqual(first.newest("subscribe").since, { [MARKET]: { epoch: 1, seq: 4 } });
  first.hear(subscribed(first.newest("subscribe").id, 4, true));
  first.hear({ type: "heartbeat", timestamp: "", counter: 1, slot: 1, channels: { [MARKET]: { epoch: 1, seq: 4 } } });
  assert.equal(first.said.length, 2, "nothing is missing by this");
  first.hear({ type: "heartbeat", timestamp: "", counter: 2, slot: 1, channels: { [MARKET]: { epoch: 1, seq: 6 } } });
  assert.equal(first.said.length, 3);
  first.hear(subscribed(first.newest("subscribe").id, 4, true));
  first.hear(frame(6));
  first.hear(subscribed(first.newest("subscribe").id, 4, true));
  first.hear(frame(6));
  assert.equal(first.newest("subscribe").since, undefined);
  client.close();
});

test("a reader that lets its queue fill loses nothing: the channel is left, and resumed when half was read", async () => {
  const { client, socket } = play();
  const events = client.subscribe(MARKET, { queue: 4 });
  const first = await socket(1);
  first.welcome();
  await tick();
  first.hear(subscribed(first.newest("subscribe").id, 1, false));
  for (const seq of [2, 3, 4, 5, 6]) first.hear(frame(seq));
  first.newest("unsubscribe");
  assert.deepEqual(await take(events, 1), [["subscribed", 1]]);
  first.newest("unsubscribe");
  assert.deepEqual(await take(events, 1), [["vote_update", 2]]);
  const again = first.newest("subscribe");
  assert.deepEqual(again.since, { [MARKET]: { epoch: 1, seq: 3 } });
  first.hear(subscribed(again.id, 3, true));
  for (const seq of [4, 5, 6]) first.hear(frame(seq));
  assert.deepEqual(await take(events, 4), [["vote_update", 3], ["vote_update", 4], ["vote_update", 5], ["vote_update", 6]]);
  client.close();
});

test("a refusal ends its iterator, one that passes is tried again, and leaving unsubscribes", async () => {
  const { client, socket } = play();
  const events = client.subscribe(MARKET);
  const first = await socket(1);
  first.welcome();
  await tick();
  const refusal = { type: "error", code: "NOT_FOUND", message: "no such market", retryable: false };
  first.hear({ ...refusal, id: first.newest("subscribe").id });
  await assert.rejects(events.next(), (error) => error instanceof Refused && error.code === "NOT_FOUND");
  const again = client.subscribe(MARKET);
  first.hear({ ...refusal, code: "UNAVAILABLE", retryable: true, id: first.newest("subscribe").id });
  const before = first.said.length;
  for (let looks = 0; first.said.length === before && looks < 3_000; looks += 1) await tick();
  first.hear(subscribed(first.newest("subscribe").id, 1, false));
  for await (const event of again) {
    assert.equal(event.type, "subscribed");
    break;
  }
  first.newest("unsubscribe");
  client.close();
});

test("40xx, 1006 and 1012 are come back from, at the time that the server said; 45xx and our own faults stop", async () => {
  for (const code of [1006, 1012, 4008, 4012, 4013]) {
    const waits: number[] = [];
    const { client, socket } = play({ observer: { disconnected: (_, wait) => waits.push(wait) } });
    const first = await socket(1);
    first.welcome();
    if (code === 1012) first.hear({ type: "shutdown", reconnect_after_ms: 7 });
    first.end(code);
    (await socket(2)).welcome();
    assert.deepEqual(waits, [code === 1012 ? 7 : 0], `${code}`);
    client.close();
  }
  for (const code of [1002, 1009, 4502]) {
    const { client, socket, sockets } = play();
    const events = client.subscribe(MARKET);
    (await socket(1)).end(code);
    await assert.rejects(events.next(), (error) => error instanceof Stopped && error.code === code);
    assert.throws(() => client.subscribe("config"), Stopped);
    await tick();
    assert.equal(sockets.length, 1);
  }
});

test("after 4009 it waits at least five seconds", async () => {
  const waits: number[] = [];
  const { client, socket } = play({ observer: { disconnected: (_, wait) => waits.push(wait) } });
  (await socket(1)).end(4009);
  assert.deepEqual(waits, [5_000]);
  client.close();
});

test("a server that falls silent is left", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const ends: string[] = [];
  const { client, sockets } = play({ observer: { disconnected: ({ reason }) => ends.push(reason) } });
  sockets[0]?.welcome();
  context.mock.timers.tick(24_000);
  sockets[0]?.hear({ type: "heartbeat", timestamp: "", counter: 1, slot: 1, channels: {} });
  context.mock.timers.tick(24_000);
  assert.deepEqual(ends, []);
  context.mock.timers.tick(1_001);
  assert.deepEqual(ends, ["the server is silent"]);
  assert.ok(sockets[0]?.isClosed);
  client.close();
});

test("it says no more at once than the server takes, and all of it in time", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { client, sockets } = play();
  const socket = sockets[0];
  assert.ok(socket);
  socket.welcome({ message_burst: 10, messages_per_second: 10 });
  await Promise.resolve();
  for (let n = 0; n < 12; n += 1) client.subscribe(`market:${n}`);
  await Promise.resolve();
  assert.equal(socket.said.length, 8, "four fifths of the burst");
  for (let n = 0; n < 8; n += 1) context.mock.timers.tick(125);
  assert.equal(socket.said.length, 12);
  client.close();
});

test("after a reconnect nothing is asked before the answer to sign-in", async () => {
  const tokens = { token: "t", refresh_token: "r", token_type: "Bearer", expires_at: new Date(Date.now() + 3_600_000).toISOString() };
  const fetch = () => Promise.resolve(new Response(JSON.stringify({ message: "sign me", ...tokens })));
  const { client, socket } = play({ fetch });
  const first = await socket(1);
  first.welcome();
  const wallet = await KeyWallet.generate();
  const signedIn = client.signIn(wallet);
  for (let looks = 0; first.said.length === 0 && looks < 2_000; looks += 1) await tick();
  first.hear({ type: "reply", id: first.newest("auth").id, action: "auth", data: {} });
  await signedIn;
  const events = client.subscribe(`wallet:${wallet.address}`);
  first.newest("subscribe");
  first.end(1006);
  const second = await socket(2);
  second.welcome();
  const asked = client.request("list");
  await tick();
  assert.deepEqual(second.said.map(({ action }) => action), ["auth"]);
  second.hear({ type: "error", id: second.newest("auth").id, code: "UNAVAILABLE", message: "", retryable: true });
  for (let looks = 0; second.said.length < 2 && looks < 3_000; looks += 1) await tick();
  second.hear({ type: "reply", id: second.newest("auth").id, action: "auth", data: {} });
  await tick();
  assert.deepEqual(second.said.map(({ action }) => action), ["auth", "auth", "subscribe", "list"]);
  second.hear({ type: "reply", id: second.newest("list").id, action: "list", channels: [] });
  assert.equal((await asked).type, "reply");
  client.close();
  assert.equal((await events.next()).done, true);
});

test("a sign-in that is not answered is said again on the same connection, and the token is renewed in time", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let logins = 0;
  const fetch = (url: RequestInfo | URL) => {
    if (JSON.stringify(url).includes("/api/auth/refresh")) logins += 1;
    const tokens = { token: `t${logins}`, refresh_token: "r", token_type: "Bearer", expires_at: new Date(Date.now() + 100_000).toISOString() };
    return Promise.resolve(new Response(JSON.stringify({ message: "sign me", ...tokens })));
  };
  const failures: unknown[] = [];
  const { client, sockets } = play({ fetch, observer: { signInFailed: (error) => failures.push(error) } });
  const socket = sockets[0];
  assert.ok(socket);
  socket.welcome();
  const until = async (holds: () => boolean): Promise<void> => {
    for (let looks = 0; !holds() && looks < 5_000; looks += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(holds());
  };
  const pass = (seconds: number): void => {
    for (let n = 0; n < seconds; n += 1) {
      context.mock.timers.tick(1_000);
      socket.hear({ type: "heartbeat", timestamp: "", counter: 1, slot: 1, channels: {} });
    }
  };
  const signedIn = client.signIn(await KeyWallet.generate());
  await until(() => socket.said.length === 1);
  pass(20);
  await signedIn;
  assert.ok(failures.length === 1 && failures[0] instanceof Disconnected);
  pass(1);
  await until(() => socket.said.length === 2);
  socket.hear({ type: "reply", id: socket.newest("auth").id, action: "auth", data: {} });
  await new Promise((resolve) => setImmediate(resolve));
  pass(80);
  await until(() => socket.said.length === 3);
  assert.equal((socket.newest("auth") as unknown as { token: string }).token, "t1");
  assert.equal(sockets.length, 1);
  client.close();
});

test("a trade that was handed in is asked for through refusals that pass, and given up by one that does not", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, sockets } = play();
  const socket = sockets[0];
  assert.ok(socket);
  socket.welcome();
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const refuse = async (action: string, code: string, retryable: boolean): Promise<void> => {
    await settled();
    socket.hear({ type: "error", id: socket.newest(action).id, code, message: "", retryable });
    await settled();
    context.mock.timers.tick(1_000);
  };
  const submitted = client.trading.submit({ transaction: "T", signature: "S" }, "ref");
  await refuse("submit", "UNAVAILABLE", true);
  await settled();
  socket.hear({ type: "reply", id: socket.newest("submit").id, action: "submit", data: { signature: "S" } });
  assert.equal((await submitted).signature, "S");

  const landed = client.trading.landed("S");
  await refuse("get", "UNAVAILABLE", true);
  await refuse("get", "RATE_LIMITED", true);
  await settled();
  assert.equal(socket.said.length, 5);
  socket.hear({ type: "reply", id: socket.newest("get").id, action: "get", data: { signature: "S", status: "confirmed" } });
  assert.equal((await landed).status, "confirmed");

  const unknown = assert.rejects(client.trading.landed("X"), (error) => error instanceof Refused && error.code === "NOT_FOUND");
  await refuse("get", "NOT_FOUND", false);
  await unknown;
  client.close();
});

test("what became of a transaction is taken from the wallet's own channel, where it is told there", async () => {
  const { client, socket } = play();
  const first = await socket(1);
  first.welcome();
  const order = (status: string): object => ({ type: "order_update", channel: "wallet:W", market_id: "M", timestamp: "", data: { signature: "S", status } });
  const reply = (status: string): void => {
    first.hear({ type: "reply", id: first.newest("get").id, action: "get", data: { signature: "S", status } });
  };
  const landed = client.trading.landed("S", "finalized");
  await tick();
  first.hear(order("confirmed"));
  reply("received");
  await tick();
  first.hear(order("confirmed"));
  await tick();
  first.hear(order("finalized"));
  assert.equal((await landed).status, "finalized");
  assert.equal(first.said.length, 1, "it was looked for once");
  client.close();
});

test("a quote stream begins again with each connection, tells the newest, and ends with its reader", async () => {
  const { client, socket } = play();
  const quotes = client.trading.quotes({ market_id: "M", trade_type: "buy", outcome: "YES", spend: "1" });
  const first = await socket(1);
  first.welcome();
  await tick();
  const quote = (stream: number, seq: number, id?: number): object => ({ type: "quote", id, stream, market_id: "M", epoch: 1, seq, slot: 1, data: {} });
  const begun = first.newest("quote").id;
  first.hear(quote(begun, 1, begun));
  first.hear(quote(begun, 2));
  first.hear(quote(begun, 3));
  assert.deepEqual(await take(quotes, 1), [["quote", 3]]);
  first.end(1006);
  const second = await socket(2);
  second.welcome();
  await tick();
  const again = second.newest("quote").id;
  assert.notEqual(again, begun);
  second.hear(quote(begun, 9));
  second.hear(quote(again, 4, again));
  assert.deepEqual(await take(quotes, 1), [["quote", 4]]);
  second.hear({ type: "error", stream: again, code: "CHAIN_REFUSED", message: "", retryable: false });
  assert.equal(((await quotes.next()).value as { type: string }).type, "error", "and it goes on");
  await quotes.return?.();
  assert.deepEqual(second.said.at(-1), { action: "unsubscribe", quote: again });
  client.close();
});

test("an answer that is lost with its connection is told as that", async () => {
  const { client, socket } = play();
  const first = await socket(1);
  first.welcome();
  const asked = client.request("list");
  await tick();
  first.newest("list");
  first.end(1006);
  await assert.rejects(asked, Disconnected);
  client.close();
  await assert.rejects(client.request("list"), Stopped);
});
