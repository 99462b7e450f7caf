// Holds what the recomputation reads bytes by against recorded bytes of the deployed program: the file is the first argument
// (tests/fixtures/codec.jsonl); then its rules, on a made-up market. Needs no server.

import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { configAccount, instruction, marketAccount, voteRecord } from "./chain.mjs";
import { checkRules } from "./check_rules.mjs";
import { derive, fromBase58, signed, toBase58 } from "./keys.mjs";
import { approval, ballots, count } from "./trail.mjs";

let passed = 0;

function equal(found, expected, what) {
  if (JSON.stringify(found) !== JSON.stringify(expected)) {
    console.log(`FAILED  ${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
    process.exit(1);
  }
  passed += 1;
}

const number = (text) => Number(text);
const argumentsOf = (row, read) => {
  const found = { instructions: [{ program: 0, accounts: [], data: Buffer.from(row.hex, "hex") }], keys: ["p"] };
  return read(instruction(found, "p", row.name).args);
};
const READ = {
  "account GlobalConfig": (row, f) => [configAccount(Buffer.from(row.hex, "hex")), {
    admin: f.admin, backend: f.backend_authority, proposal: f.proposal_approval_threshold,
    dispute: f.dispute_success_threshold, disputePeriod: number(f.dispute_period),
  }],
  "account MarketAccount": (row, f) => {
    const { seed, ...found } = marketAccount(Buffer.from(row.hex, "hex"));
    return [{ seed: seed.toString("hex"), ...found }, {
      seed: f.market_id, state: f.state, createdAt: number(f.created_at), approvedAt: number(f.approved_at),
      resolutionProposedAt: number(f.resolution_proposed_at), finalizedAt: number(f.finalized_at),
      disputeInitiatedAt: number(f.dispute_initiated_at), proposed: f.proposed_outcome, final: f.final_outcome,
      proposal: [f.proposal_likes, f.proposal_dislikes], dispute: [f.dispute_agree, f.dispute_disagree],
      wasDisputed: f.was_disputed,
    }];
  },
  "account VoteRecord": (row, f) => [voteRecord(Buffer.from(row.hex, "hex")), {
    market: f.market, user: f.user, type: f.vote_type, vote: f.vote, time: number(f.voted_at),
  }],
  "instruction aggregate_proposal_votes": (row, f) =>
    [argumentsOf(row, (args) => [args.u32(), args.u32()]), [f.final_likes, f.final_dislikes]],
  "instruction finalize_market": (row, f) =>
    [argumentsOf(row, (args) => [args.option(args.u32), args.option(args.u32)]), [f.dispute_agree, f.dispute_disagree]],
};

for (const line of readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  const row = JSON.parse(line);
  const name = `${row.kind} ${row.name}`;
  if (row.kind === "pda") {
    const seeds = row.seeds_hex.map((hex) => Buffer.from(hex, "hex"));
    const { address, bump } = derive(fromBase58(row.fields.program_id, 32), ...seeds);
    equal([toBase58(address), bump], [row.address, row.bump], name);
  } else if (READ[name]) {
    equal(...READ[name](row, row.fields), name);
  }
}

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const key = publicKey.export({ format: "der", type: "spki" }).subarray(12);
const text = Buffer.from("zmart vote");
equal(signed(key, sign(null, text, privateKey), text), true, "a signature");
equal(signed(key, sign(null, text, privateKey), Buffer.from("zmart votes")), false, "a signature of another text");
equal(signed(Buffer.alloc(32), Buffer.alloc(64), text), false, "a key of small order");
equal(fromBase58("1".repeat(31), 32), undefined, "too few bytes");
equal(fromBase58("0".repeat(32), 32), undefined, "no digit of base58");

const vote = (seq, user_wallet, source, side) => ({ epoch: 1, seq, vote_type: "proposal", user_wallet, source, vote: side });
const votes = [
  vote(1, "a", "offchain", false), vote(2, "b", "onchain", true), vote(3, "a", "onchain", true), vote(4, "b", "offchain", false),
];
equal(count(ballots(votes, "proposal", { epoch: 1, seq: 4 })), [2, 0], "the vote on the chain counts");
equal(count(ballots(votes, "proposal", { epoch: 1, seq: 2 })), [1, 1], "up to an entry");
equal(count(ballots(votes, "dispute", { epoch: 2, seq: 0 })), [0, 0], "of the other kind");
const disputed = votes.map((one, at) => ({ ...one, vote_type: "dispute", voted_at: `1970-01-01T00:00:0${at}.000Z` }));
equal(count(ballots(disputed, "dispute", { epoch: 1, seq: 4 }, 3)), [2, 0], "all on the chain are in time");
equal(count(ballots(disputed, "dispute", { epoch: 1, seq: 4 }, 2)), [1, 1], "at the end of the window is too late, and the vote here counts");
equal(count(ballots(disputed, "dispute", { epoch: 1, seq: 4 }, 1)), [0, 2], "none on the chain is in time");
equal(count(ballots(votes.map((one, at) => ({ ...disputed[at], vote_type: one.vote_type })), "proposal", { epoch: 1, seq: 4 }, 0)), [2, 0], "a proposal has no window");
equal([approval([69_999, 30_001]), approval([0, 0])], [6_999, undefined], "rounded down");
equal(count(ballots(votes, "proposal", { epoch: 1, seq: 4 }, undefined, 1)), [1, 0], "a wallet more than are counted");
await checkRules(equal);
console.log(`${passed} passed`);
