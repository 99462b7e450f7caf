import assert from "node:assert/strict";
import test from "node:test";
import { Backoff } from "../../src/backoff.js";

test("the bound doubles up to the cap, the wait is anywhere below it, and a held connection begins anew", () => {
  const highest = new Backoff({ base: 100, cap: 1_000 }, () => 0.999999);
  assert.deepEqual([1, 2, 3, 4, 5, 6].map(() => highest.next()), [99, 199, 399, 799, 999, 999]);
  highest.reset();
  assert.equal(highest.next(), 99);
  const lowest = new Backoff({ base: 100, cap: 1_000 }, () => 0);
  assert.deepEqual([1, 2, 3].map(() => lowest.next()), [0, 0, 0]);
  const long = new Backoff({ base: 100, cap: 1_000 });
  for (let failure = 0; failure < 5_000; failure += 1) assert.ok(long.next() < 1_000);
});
