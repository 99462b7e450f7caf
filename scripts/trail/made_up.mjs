// A made-up market, its trail and its chain, for checks without servers: approved by 4 : 1, disputed, and turned round by
// 3 : 1. All of it is plain data, so that a check can bend it before it is judged.

import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { addresses } from "./chain.mjs";
import { name8, toBase58 } from "./keys.mjs";
import { KINDS, voteText } from "./trail.mjs";

const PROGRAM = createHash("sha256").update("program").digest();
export const T0 = 1_760_000_000;
export const HOUR = 3_600;
/** When the dispute began, when its votes were due, when it was finalized. */
export const DISPUTED = T0 + 200 * HOUR;
export const DUE = DISPUTED + 72 * HOUR;

const key = (name) => createHash("sha256").update(name).digest();
const text = (name) => toBase58(key(name));
const signature = (name) => toBase58(Buffer.concat([key(name), key(`${name}'`)]));
const iso = (seconds) => new Date(seconds * 1000).toISOString();
const u16 = (...values) => Buffer.concat(values.map((value) => Buffer.from(Uint16Array.of(value).buffer)));
const u32 = (...values) => Buffer.concat(values.map((value) => Buffer.from(Uint32Array.of(value).buffer)));
const i64 = (...values) => Buffer.concat(values.map((value) => Buffer.from(BigInt64Array.of(BigInt(value)).buffer)));

export const BACKEND = text("backend");
export const ADMIN = text("admin");

function marketBytes({ seed, state, times, proposed, final, disputedAt, proposal, dispute, wasDisputed }) {
  const option = (value) => (value === null ? Buffer.from([0]) : Buffer.from([1, Number(value)]));
  return Buffer.concat([
    name8("account", "MarketAccount"), seed, key("creator"), Buffer.from([state]), i64(0, 0, 0, 0, 0, 0), i64(...times), key("resolver"),
    option(proposed), option(final), Buffer.alloc(46), i64(disputedAt), key("disputer"), i64(0, 0, 0), u32(...proposal, 0),
    u32(0, 0, 0), u32(...dispute, 0), Buffer.from([Number(wasDisputed)]),
  ]);
}

function configBytes({ proposal, dispute }) {
  return Buffer.concat([
    name8("account", "GlobalConfig"), key("admin"), key("backend"), key("fees"), u16(0, 0, 0), u16(proposal, dispute), i64(0), i64(72 * HOUR),
  ]);
}

function recordBytes(market, { user_wallet, vote_type, vote, voted_at }, wallets) {
  return Buffer.concat([
    name8("account", "VoteRecord"), market, wallets.get(user_wallet), Buffer.from([KINDS.indexOf(vote_type), Number(vote)]),
    i64(Date.parse(voted_at) / 1000),
  ]);
}

/** An instruction of the program, as `Chain.transaction` gives it. */
function transaction(name, slot, signers, ...instructions) {
  const keys = [...signers];
  const place = (address) => {
    if (!keys.includes(address)) keys.push(address);
    return keys.indexOf(address);
  };
  const read = instructions.map(([called, accounts, ...args]) => ({
    program: place(toBase58(PROGRAM)), accounts: accounts.map(place), data: Buffer.concat([name8("global", called), ...args]),
  }));
  return { signature: signature(name), signers, keys, instructions: read, genuine: true, slot, failed: false };
}

/** A new one each time. */
export function madeUp() {
  const seed = key("seed");
  const market = addresses(PROGRAM).market(seed);
  const [address, config] = [toBase58(market), toBase58(addresses(PROGRAM).config())];
  const wallets = new Map();
  const votes = [];
  const vote = (vote_type, who, source, side, at, slot) => {
    wallets.set(text(who), key(who));
    const one = {
      epoch: 1, seq: 2 + votes.length * 2, slot, vote_type, source, user_wallet: text(who), vote: side, voted_at: iso(at), counted: true,
      signature: null, vote_record: null,
    };
    if (source === "onchain") one.vote_record = toBase58(addresses(PROGRAM).vote(market, key(who), KINDS.indexOf(vote_type)));
    votes.push(one);
    return one;
  };
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const signer = publicKey.export({ format: "der", type: "spki" }).subarray(12);

  vote("proposal", "a", "offchain", false, T0 + 60, 100).counted = false;
  vote("proposal", "a", "onchain", true, T0 + 61, 101);
  vote("proposal", "b", "offchain", true, T0 + 62, 101);
  vote("proposal", "c", "offchain", true, T0 + 63, 101);
  const signed = vote("proposal", "d", "offchain", true, T0 + 64, 101);
  Object.assign(signed, { user_wallet: toBase58(signer) });
  signed.signature = toBase58(sign(null, Buffer.from(voteText(address, signed)), privateKey));
  vote("proposal", "e", "offchain", false, T0 + 65, 101);
  vote("dispute", "a", "onchain", true, DISPUTED + HOUR, 2_000);
  vote("dispute", "b", "onchain", true, DISPUTED + 50 * HOUR, 3_000);
  vote("dispute", "c", "offchain", true, DISPUTED + 51 * HOUR, 3_000);
  vote("dispute", "e", "offchain", false, DUE - 1, 3_000);

  const counts = (likes, dislikes) => ({ likes, dislikes });
  const grounds = (seq, slot, chain_time, threshold_bps, min_votes, due_at) =>
    ({ epoch: 1, seq, slot, chain_time: iso(chain_time), threshold_bps, min_votes, due_at, config_read: true });
  const decision = (id, purpose, told, why, seq) => ({
    id, by: "engine", purpose, counts: told, grounds: why, signature: signature(purpose), status: "finalized", settled: true,
    events: [{ epoch: 1, seq }],
  });
  const changed = (name, slot, proposal_approval_bps) =>
    ({ signature: signature(name), slot, proposal_approval_bps, dispute_success_bps: 6_000 });
  const update = ["update_global_config", [ADMIN, config], u16(0, 0, 0), u16(8_000, 6_000), Buffer.from([0, 0])];

  return {
    asked: address,
    head: { epoch: 1, seq: 30 },
    page: {
      program_id: toBase58(PROGRAM), market: { address },
      rules: { min_votes: 3, dispute_voting_seconds: 72 * HOUR, finalization_delay_seconds: 48 * HOUR },
      // The newest first. It was changed between the two decisions.
      thresholds: { changes: [changed("update", 1_000, 8_000), changed("start", 1, 7_000)] },
    },
    votes,
    decisions: [
      decision("1", "approve_proposal", counts(4, 1), grounds(12, 110, T0 + 70, 7_000, 3, null), 13),
      decision("2", "finalize_dispute", counts(3, 1), grounds(20, 4_000, DUE + 1, 6_000, 0, iso(DUE)), 21),
    ],
    account: {
      seed, state: 5, times: [T0, T0 + 71, T0 + 72, DISPUTED - HOUR, 0, DUE + 2], proposed: true, final: false, disputedAt: DISPUTED,
      proposal: [4, 1], dispute: [3, 1], wasDisputed: true,
    },
    inForce: { proposal: 8_000, dispute: 6_000 },
    transactions: [
      transaction("start", 1, [ADMIN], ["initialize_global_config", [config, ADMIN]]),
      transaction("approve_proposal", 111, [BACKEND, ADMIN],
        ["aggregate_proposal_votes", [address, config, BACKEND], u32(4, 1)], ["approve_proposal", [ADMIN, address, config]]),
      transaction("update", 1_000, [ADMIN], update),
      transaction("finalize_dispute", 4_001, [BACKEND],
        ["finalize_market", [config, address, BACKEND], Buffer.from([1]), u32(3), Buffer.from([1]), u32(1)]),
    ],
    blockTimes: { [signature("approve_proposal")]: T0 + 71, [signature("finalize_dispute")]: DUE + 2 },
    /** Records on the chain that the trail does not tell. */
    untold: [],
    /** Addresses whose transactions the node has forgotten. */
    forgotten: [],
    made: { market, config, wallets, vote, signature, text, iso },
  };
}

/** The same, but nobody disputed the outcome; the dispute period was made longer or shorter before. */
export function undisputed(hours, due) {
  const world = madeUp();
  const { config, market, signature, iso } = world.made;
  world.votes = world.votes.filter(({ vote_type }) => vote_type === "proposal");
  Object.assign(world.account, { final: true, disputedAt: 0, dispute: [0, 0], wasDisputed: false });
  const decision = world.decisions[1];
  Object.assign(decision, { purpose: "finalize_undisputed", counts: null, signature: signature("finalize_undisputed") });
  decision.grounds.due_at = iso(DISPUTED - HOUR + due * HOUR);
  const [update] = world.transactions[2].instructions;
  update.data = Buffer.concat([update.data.subarray(0, -1), Buffer.from([1]), i64(hours * HOUR)]);
  world.transactions.push(transaction("finalize_undisputed", 4_001, [BACKEND],
    ["finalize_market", [config, toBase58(market), BACKEND], Buffer.from([0, 0])]));
  return world;
}

/** The chain that has it. */
export function chainOf(world) {
  const { market, config, wallets } = world.made;
  const onChain = () => [...world.votes.filter(({ source }) => source === "onchain"), ...world.untold];
  const owner = toBase58(PROGRAM);
  const accounts = () => new Map([
    [toBase58(market), marketBytes(world.account)], [config, configBytes(world.inForce)],
    ...onChain().map((vote) => [vote.vote_record, recordBytes(market, vote, wallets)]),
  ]);
  return {
    accounts: async (asked) => asked.map((address) => {
      const data = accounts().get(toBase58(address));
      return data ? { owner, data } : null;
    }),
    voteRecords: async () => onChain().map((vote) => ({ address: vote.vote_record, user: vote.user_wallet, type: KINDS.indexOf(vote.vote_type) })),
    transaction: async (asked) => world.transactions.find((one) => one.signature === asked) ?? null,
    landed: async () => undefined,
    history: async (address) => {
      if (world.forgotten.includes(address)) return [];
      if (address !== toBase58(market)) return [{ signature: world.made.signature(address), err: null, blockTime: T0 }];
      const named = world.transactions.filter(({ keys }) => keys.includes(address)).reverse();
      return named.map((one) => ({ signature: one.signature, err: null, blockTime: world.blockTimes[one.signature] ?? null }));
    },
  };
}

/** The trail that tells it. */
export function trailOf(world) {
  return {
    asked: world.asked,
    begin: async () => world.page,
    votes: async () => ({ rows: world.votes, head: world.head }),
    decisions: async () => world.decisions,
    counted: async (id) => {
      const { purpose } = world.decisions.find((one) => one.id === id);
      return world.votes.filter(({ vote_type, counted }) => counted && purpose.includes(vote_type));
    },
  };
}
