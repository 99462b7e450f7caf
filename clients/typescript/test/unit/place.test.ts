import assert from "node:assert/strict";
import test from "node:test";
import { Place } from "../../src/place.js";

const frame = (seq: number, type = "vote_update", more: { from_seq?: number; epoch?: number } = {}) => ({ epoch: 1, seq, type, ...more });

test("frames of one entry come once each, and an entry that may be incomplete is resumed from the one before", () => {
  const place = new Place();
  assert.equal(place.offer(frame(1)), "gap", "nothing is taken before a snapshot");
  place.begin({ epoch: 1, seq: 4 });
  assert.deepEqual(place.since(), { epoch: 1, seq: 4 }, "a snapshot is complete");
  assert.equal(place.offer(frame(4)), "known");
  assert.equal(place.offer(frame(5, "trade_executed")), "take");
  assert.deepEqual(place.since(), { epoch: 1, seq: 4 }, "the price may still be missing");
  assert.equal(place.offer(frame(5, "trade_executed")), "known", "replayed");
  assert.equal(place.offer(frame(5, "price_update")), "take", "and this one was missing");
  assert.equal(place.offer(frame(6)), "take");
  assert.deepEqual(place.since(), { epoch: 1, seq: 5 });
  assert.equal(place.offer(frame(5)), "known");
});

test("a hole and another epoch are gaps, and what stands for a hole is none", () => {
  const place = new Place({ epoch: 1, seq: 4 });
  assert.equal(place.offer(frame(6)), "gap");
  assert.equal(place.offer(frame(5, "vote_update", { epoch: 2 })), "gap");
  assert.deepEqual(place.at, { epoch: 1, seq: 4 }, "a gap moves nothing");
  assert.equal(place.offer(frame(8, "price_update", { from_seq: 6 })), "gap");
  assert.equal(place.offer(frame(8, "price_update", { from_seq: 5 })), "take");
  assert.equal(place.offer(frame(9)), "take");
});

test("whatever is cut off and replayed, every frame of a random life is taken once and in order", () => {
  for (let life = 0; life < 200; life += 1) {
    const all = Array.from({ length: 60 }, (_, at) => at + 1).flatMap((seq) =>
      Math.random() < 0.5 ? [frame(seq, "trade_executed"), frame(seq, "price_update")] : [frame(seq)],
    );
    const place = new Place({ epoch: 1, seq: 0 });
    const taken: typeof all = [];
    for (let tries = 0; taken.length < all.length; tries += 1) {
      assert.ok(tries < 1_000);
      const since = place.since()?.seq ?? 0;
      const replay = all.filter(({ seq }) => seq > since);
      for (const one of replay.slice(0, Math.floor(Math.random() * 12))) {
        const verdict = place.offer(one);
        assert.notEqual(verdict, "gap");
        if (verdict === "take") taken.push(one);
      }
    }
    assert.deepEqual(taken, all);
  }
});
