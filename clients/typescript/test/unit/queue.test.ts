import assert from "node:assert/strict";
import test from "node:test";
import { Queue } from "../../src/queue.js";

function queue(bound: number) {
  const told: string[] = [];
  const events = { full: () => told.push("full"), drained: () => told.push("drained"), left: () => told.push("left") };
  return { told, queue: new Queue<number>(bound, events) };
}

test("at its bound it says so once, and again when half of it was read", async () => {
  const { told, queue: items } = queue(4);
  for (const item of [1, 2, 3]) items.push(item);
  assert.deepEqual(told, []);
  items.push(4);
  assert.deepEqual(told, ["full"]);
  await items.next();
  assert.deepEqual(told, ["full"]);
  await items.next();
  assert.deepEqual(told, ["full", "drained"]);
  assert.deepEqual([(await items.next()).value, (await items.next()).value], [3, 4], "nothing was lost");
});

test("a reader that waits is served at once, and what waits is read before the end", async () => {
  const { queue: items } = queue(4);
  const first = items.next();
  items.push(1);
  assert.equal((await first).value, 1);
  items.push(2);
  items.end(new Error("over"));
  items.push(3);
  assert.equal((await items.next()).value, 2);
  await assert.rejects(items.next(), /over/);
});

test("who leaves is told of once, and reads no more", async () => {
  const { told, queue: items } = queue(4);
  items.push(1);
  items.leave();
  items.leave();
  assert.deepEqual(told, ["left"]);
  assert.equal((await items.next()).done, true);
});
