// The rules of the recomputation on a made-up market: it agrees with what follows from the votes, says what was bent, and
// accuses nobody where something can't be known.

import { fault } from "./form.mjs";
import { Judge } from "./judge.mjs";
import { judged } from "./judged.mjs";
import { DISPUTED, DUE, HOUR, T0, chainOf, madeUp, trailOf, undisputed } from "./made_up.mjs";
import { VOTERS_MAX } from "./trail.mjs";

const [APPROVED, FINALIZED] = [0, 1];
const without = (world, name) => {
  world.transactions = world.transactions.filter(({ signature }) => signature !== world.made.signature(name));
};
/** All that the trail tells begins after it. */
const forget = (world, at) => {
  without(world, world.decisions[at].purpose);
  world.decisions.splice(at, 1);
};

/** What is bent, what has to be said of it, and how it ends. */
const BENT = [
  // The counts, the votes, the marks.
  ["WRONG", "the transaction reports 4 : 1, the trail 5 : 1", (w) => { w.decisions[APPROVED].counts.likes = 5; }],
  ["WRONG", "reported 4 : 1, but the votes up to entry 12 are 3 : 2", (w) => { w.votes[2].vote = false; }],
  ["WRONG", "the signature is not", (w) => { w.votes[4].vote = false; }],
  ["WRONG", "is told out of order", (w) => { w.votes.reverse(); }],
  ["WRONG", "is marked as counted: true", (w) => { w.votes[0].counted = true; }],
  ["WRONG", "is on the chain, and left out", (w) => { w.untold = w.votes.splice(7, 1); }],
  ["unknown", "this node has forgotten its transaction, too", (w) => {
    w.untold = [{ ...w.votes[6], user_wallet: w.votes[9].user_wallet, vote_record: w.made.text("record") }];
    w.forgotten = [w.made.text("record")];
  }],
  // The market.
  ["WRONG", "the server tells of another market", (w) => { w.asked = w.made.text("another"); }],
  ["WRONG", "the server tells of another market", (w) => { w.asked = "ab".repeat(32); }],
  ["WRONG", "the server tells of another market", (w) => { w.asked = "my-market"; }],
  ["ok", "", (w) => { w.asked = w.account.seed.toString("hex"); }],
  // The place up to which was counted: hour 2 of 72, by the time of hour 72.
  ["WRONG", "2 votes came in time and were not waited for, entry 18 is the first", (w) => {
    Object.assign(w.decisions[FINALIZED], { counts: { likes: 2, dislikes: 0 } });
    w.decisions[FINALIZED].grounds.seq = 16;
    for (const vote of w.votes.slice(8)) vote.counted = false;
  }],
  ["ok", "", (w) => {
    // Cast at the end of the window, by the second.
    w.made.vote("dispute", "f", "offchain", false, DUE, 4_000).counted = false;
    w.made.vote("dispute", "g", "onchain", false, DUE, 4_000).counted = false;
  }],
  ["note", "1 votes were on the chain by then, from entry 22 on, and final only later", (w) => {
    w.made.vote("proposal", "f", "onchain", false, T0 + 69, 110).counted = false;
  }],
  // The window.
  ["WRONG", "no time was left to vote", (w) => { w.decisions[FINALIZED].grounds.due_at = w.made.iso(DISPUTED); }],
  ["WRONG", "no time was left to vote", (w) => {
    w.decisions[FINALIZED].grounds.due_at = w.made.iso(DISPUTED);
    w.page.rules.dispute_voting_seconds = 0;
  }],
  ["unknown", "the time to vote: 60 h, and the server's rule is 72 h", (w) => {
    w.decisions[FINALIZED].grounds.due_at = w.made.iso(DISPUTED + 60 * HOUR);
  }],
  ["WRONG", "but the votes up to entry 20 are 2 : 2, without 1 that came after the window", (w) => {
    w.decisions[FINALIZED].grounds.due_at = w.made.iso(DISPUTED + 2 * HOUR);
    w.votes[7].counted = false;
    w.made.vote("dispute", "b", "offchain", false, DISPUTED + HOUR, 2_000).seq = 17;
    w.votes.splice(8, 0, w.votes.pop());
  }],
  ["unknown", "the time to vote: 72 h, and the server's rule is 48 h", (w) => { w.page.rules.dispute_voting_seconds = 48 * HOUR; }],
  ["unknown", "votes asked for: 3, and the server's rule is 10", (w) => { w.page.rules.min_votes = 10; }],
  ["WRONG", "decided before it was due", (w) => { w.decisions[FINALIZED].grounds.chain_time = w.made.iso(DUE - 1); }],
  ["WRONG", "finalized on the chain before it was due", (w) => { w.account.times[5] = DUE - 1; }],
  ["WRONG", "no time was waited for", (w) => { w.decisions[FINALIZED].grounds.due_at = null; }],
  // The thresholds.
  ["WRONG", "held against 80.00 %, in force was 70.00 %", (w) => { w.decisions[APPROVED].grounds.threshold_bps = 8_000; }],
  ["WRONG", "changes are left out", (w) => { w.page.thresholds.changes.shift(); }],
  ["unknown", "no change of the config is told", (w) => { w.page.thresholds = null; }],
  ["unknown", "no change of the config is told", (w) => { w.page.thresholds.changes = []; }],
  ["unknown", "held against 70.00 %; what was in force in slot 110 can't be shown", (w) => { w.page.thresholds.changes.pop(); }],
  ["unknown", "held against 70.00 %; what was in force in slot 110 can't be shown", (w) => { without(w, "start"); }],
  ["unknown", "this node does not know it", (w) => { without(w, "update"); }],
  ["WRONG", "in slot 1000 is told with other thresholds", (w) => { w.page.thresholds.changes[0].proposal_approval_bps = 7_000; }],
  // What the account says.
  ["WRONG", "the votes decide false, the account says true", (w) => { w.account.final = true; }],
  ["WRONG", "the account counts 5 : 1 on the proposal", (w) => { w.account.proposal = [5, 1]; }],
  ["WRONG", "the market is approved, and no decision about it is told", (w) => { w.decisions.shift(); }],
  ["WRONG", "the market is finalized, and no decision about it is told", (w) => { w.decisions.pop(); }],
  ["unknown", "the market is approved, and no decision about it is told", (w) => { forget(w, APPROVED); }],
  ["unknown", "the market is finalized, and no decision about it is told", (w) => { forget(w, FINALIZED); }],
  // Decisions of others.
  ["ok", "", (w) => { Object.assign(w.decisions[FINALIZED], { by: "other", grounds: null, counts: null }); }],
  ["unknown", "past the engine): the time to vote: 52 h, and the server's rule is 72 h", (w) => {
    Object.assign(w.decisions[FINALIZED], { by: "other", grounds: null, counts: null });
    w.account.times[5] = DISPUTED + 52 * HOUR;
  }],
  ["unknown", "past the engine): votes: 5, and the server's rule is 6", (w) => {
    Object.assign(w.decisions[APPROVED], { by: "other", grounds: null });
    w.page.rules.min_votes = 6;
  }],
  ["WRONG", "reported 3 : 1, but the votes up to entry 20 are 2 : 2", (w) => {
    Object.assign(w.decisions[FINALIZED], { by: "other", grounds: null, counts: null });
    w.votes[8].vote = false;
  }],
  // Told as they were written down: another's, which landed before, was heard of after ours was signed.
  ["ok", "", (w) => {
    const first = { ...w.decisions[APPROVED], id: "entry-1-11", by: "other", purpose: "aggregate_proposal", grounds: null, counts: { likes: 4, dislikes: 0 } };
    const [{ signers, keys, instructions: [aggregate], ...rest }] = w.transactions.filter(({ slot }) => slot === 111);
    const data = Buffer.from(aggregate.data);
    data.writeUInt32LE(0, 12);
    w.transactions.push({ ...rest, signature: w.made.signature("others"), signers, keys, slot: 109, instructions: [{ ...aggregate, data }] });
    w.decisions.splice(1, 0, { ...first, signature: w.made.signature("others"), events: [{ epoch: 1, seq: 11 }] });
  }],
];

/** Of one reading. */
async function reading(world, most = VOTERS_MAX) {
  const judge = new Judge(chainOf(world), trailOf(world));
  judge.most = most;
  await judge.judge();
  return judge;
}

const ENDS = ["ok", "unknown", "WRONG"];

/** The worst that was found; a note is no verdict. */
const end = ({ findings }) => findings.reduce((worst, { verdict }) => (ENDS.indexOf(verdict) > ENDS.indexOf(worst) ? verdict : worst), "ok");

export async function checkRules(equal) {
  for (const [expected, said, bend] of [["ok", "3 : 1, 75.00 %, 72 h to vote, slot 4001", () => {}], ...BENT]) {
    const world = madeUp();
    bend(world);
    const judge = await judged(chainOf(world), trailOf(world), 0);
    const found = judge.findings.map(({ verdict, what }) => `${verdict} ${what}`).join("\n");
    const is = end(judge) === (expected === "note" ? "ok" : expected) && judge.findings.some(({ what }) => what.includes(said));
    equal(is || found, true, `${expected} ${said}`);
  }

  // Disputes are waited for, for the chain's period and the server's own.
  const waited = async (period, due) => end(await reading(undisputed(period, due)));
  equal([await waited(60, 60), await waited(24, 48), await waited(60, 59), await waited(24, 24)], ["ok", "ok", "unknown", "unknown"],
    "the time to dispute");

  // More wallets than count: who came later is told, whatever its mark, and decides nothing.
  const crowd = madeUp();
  crowd.votes[5].seq = 11;
  crowd.made.vote("proposal", "f", "offchain", false, T0 + 66, 101).seq = 12;
  crowd.votes.splice(6, 0, crowd.votes.pop());
  const said = (judge) => judge.findings.some(({ what }) => what.includes("1 votes on the proposal are not counted: 5 wallets"));
  const [bounded, open] = [await reading(crowd, 5), await reading(crowd, 6)];
  equal([end(bounded), said(bounded), end(open), said(open)], ["ok", true, "WRONG", false], "a wallet more than are counted");

  // What is wrong in one reading alone is no proof.
  const passing = async (readings) => {
    const [world, behind] = [madeUp(), madeUp()];
    behind.decisions.pop();
    let count = 0;
    const trail = { ...trailOf(world), decisions: async () => (readings.includes(count += 1) ? behind : world).decisions };
    return end(await judged(chainOf(world), trail, 0));
  };
  equal([await passing([1]), await passing([1, 2]), await passing([1, 2, 3])], ["ok", "WRONG", "WRONG"], "what stays is wrong");

  const page = (bend) => {
    const { head, page: told, votes, decisions } = madeUp();
    const page = JSON.parse(JSON.stringify({ ...head, ...told, votes, decisions, next_cursor: null }));
    bend(page);
    return fault(page);
  };
  equal(page(() => {}), undefined, "the form of a trail");
  equal(page((told) => { delete told.votes[3].voted_at; }), "votes[3].voted_at is missing", "a vote without its time");
  equal(page((told) => { told.decisions[0].grounds.seq = "12"; }), 'decisions[0].grounds.seq is "12"', "a place in words");
  equal(page((told) => { told.market = null; }), "market is no object", "no market");
  equal(page((told) => { told.thresholds = {}; }), "thresholds.changes is no list", "no changes");
  equal(fault("x"), "the answer is no object", "no object");
}
