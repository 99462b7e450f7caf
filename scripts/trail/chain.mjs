// The chain, as any node tells it: accounts and transactions, read to the byte (docs/program.md, sections 2 to 4).

import { derive, fromBase58, name8, signed, toBase58 } from "./keys.mjs";

const TRIES = 5;
const PATIENCE_MS = 30_000;
/** Accounts that one call may ask for. */
const ACCOUNTS_MAX = 100;
/** Signatures that one call gives. */
export const HISTORY_PAGE = 1_000;

export class Unreachable extends Error {}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** fetch, with patience for a server that is busy or away; gives the JSON of the answer. */
export async function fetchJson(url, options = {}) {
  let why;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    let wait = 500 * 2 ** attempt;
    try {
      const answer = await fetch(url, { ...options, signal: AbortSignal.timeout(PATIENCE_MS) });
      if (answer.ok) return await answer.json();
      const text = (await answer.text()).slice(0, 300);
      if (answer.status !== 429 && answer.status < 500) throw new Unreachable(`${url}: ${answer.status} ${text}`);
      why = `${answer.status} ${text}`;
      const after = Number(answer.headers.get("retry-after"));
      if (after > 0 && after <= 120) wait = after * 1000;
    } catch (error) {
      if (error instanceof Unreachable) throw error;
      why = error.cause?.message ?? error.message;
    }
    if (attempt < TRIES) await pause(wait);
  }
  throw new Unreachable(`${url} does not answer: ${why}`);
}

export class Chain {
  constructor(url) {
    this.url = url;
  }

  async call(method, ...params) {
    const answer = await fetchJson(this.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    if (answer.error) throw new Unreachable(`${method}: ${answer.error.message ?? JSON.stringify(answer.error)}`);
    return answer.result;
  }

  /** Accounts of these addresses (bytes), in their order: `{owner, data}`, or null where there is none. */
  async accounts(addresses) {
    const found = [];
    for (let at = 0; at < addresses.length; at += ACCOUNTS_MAX) {
      const asked = addresses.slice(at, at + ACCOUNTS_MAX).map(toBase58);
      const { value } = await this.call("getMultipleAccounts", asked, { encoding: "base64", commitment: "confirmed" });
      for (const account of value) {
        found.push(account && { owner: account.owner, data: Buffer.from(account.data[0], "base64") });
      }
    }
    return found;
  }

  /** All final vote records of a market. */
  async voteRecords(program, market) {
    const bytes = (data) => toBase58(data);
    const filters = [
      { memcmp: { offset: 0, bytes: bytes(name8("account", "VoteRecord")) } },
      { memcmp: { offset: 8, bytes: bytes(market) } },
    ];
    const options = { encoding: "base64", commitment: "finalized", filters };
    const found = await this.call("getProgramAccounts", toBase58(program), options);
    return found.map(({ pubkey, account }) => ({ address: pubkey, ...voteRecord(Buffer.from(account.data[0], "base64")) }));
  }

  /** What a transaction did: null if this node does not know it. */
  async transaction(signature) {
    const options = { encoding: "base64", commitment: "confirmed", maxSupportedTransactionVersion: 0 };
    const found = await this.call("getTransaction", signature, options);
    if (!found) return null;
    const read = transaction(Buffer.from(found.transaction[0], "base64"));
    const loaded = found.meta.loadedAddresses ?? { writable: [], readonly: [] };
    read.keys.push(...loaded.writable, ...loaded.readonly);
    return { ...read, slot: found.slot, failed: found.meta.err !== null };
  }

  /** Transactions that name an address, newest first, as far as this node remembers: a page of them. */
  history(address, before) {
    const options = { limit: HISTORY_PAGE, commitment: "confirmed", ...(before && { before }) };
    return this.call("getSignaturesForAddress", address, options);
  }

  /** Did it land? undefined where this node knows nothing of it. */
  async landed(signature) {
    const { value } = await this.call("getSignatureStatuses", [signature], { searchTransactionHistory: true });
    return value[0] ? value[0].err === null : undefined;
  }
}

/** Walks over bytes; past their end it throws. */
class Reader {
  constructor(bytes, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  take(length) {
    if (this.at + length > this.bytes.length) throw new RangeError("the bytes end too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u8 = () => this.take(1)[0];
  u16 = () => this.take(2).readUInt16LE();
  u32 = () => this.take(4).readUInt32LE();
  i64 = () => this.take(8).readBigInt64LE();
  key = () => toBase58(this.take(32));
  bool = () => {
    const byte = this.u8();
    if (byte > 1) throw new RangeError(`${byte} is no truth value`);
    return byte === 1;
  };
  option = (read) => (this.bool() ? read() : null);
  /** The runtime's length prefix: seven bits a byte. */
  length = () => {
    let value = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.u8();
      value |= (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new RangeError("a length without end");
  };
  list = (read) => Array.from({ length: this.length() }, read);
}

/** A transaction as it travels, its signatures checked. */
function transaction(bytes) {
  const reader = new Reader(bytes);
  const signatures = reader.list(() => Buffer.from(reader.take(64)));
  const message = bytes.subarray(reader.at);
  const versioned = (message[0] & 128) !== 0;
  if (versioned) reader.u8();
  const signers = reader.u8();
  reader.take(2);
  const keys = reader.list(reader.key);
  reader.take(32);
  const instructions = reader.list(() => {
    const program = reader.u8();
    const accounts = reader.list(reader.u8);
    return { program, accounts, data: Buffer.from(reader.take(reader.length())) };
  });
  const genuine = signatures.length === signers
    && signatures.every((signature, at) => signed(fromBase58(keys[at], 32), signature, message));
  return { signature: toBase58(signatures[0]), signers: keys.slice(0, signers), keys, instructions, genuine };
}

/** The instruction of that name of the program, if the transaction has exactly one at its top: accounts and arguments. */
export function instruction(found, program, name) {
  const ours = found.instructions.filter(({ program: at, data }) =>
    found.keys[at] === program && data.subarray(0, 8).equals(name8("global", name)));
  if (ours.length !== 1) return undefined;
  const accounts = ours[0].accounts.map((at) => found.keys[at]);
  return { accounts, args: new Reader(ours[0].data, 8) };
}

function opened(data, name) {
  if (!data.subarray(0, 8).equals(name8("account", name))) throw new RangeError(`no ${name}`);
  return new Reader(data, 8);
}

export function voteRecord(data) {
  const reader = opened(data, "VoteRecord");
  return { market: reader.key(), user: reader.key(), type: reader.u8(), vote: reader.bool(), time: Number(reader.i64()) };
}

export function configAccount(data) {
  const reader = opened(data, "GlobalConfig");
  const [admin, backend] = [reader.key(), reader.key()];
  reader.take(32 + 6);
  const [proposal, dispute] = [reader.u16(), reader.u16()];
  reader.take(8);
  return { admin, backend, proposal, dispute, disputePeriod: Number(reader.i64()) };
}

/** What decisions leave in a market's account. Its layout moves with its options, so it is read field by field. */
export function marketAccount(data) {
  const reader = opened(data, "MarketAccount");
  const seed = Buffer.from(reader.take(32));
  reader.take(32);
  const state = reader.u8();
  reader.take(6 * 8);
  const times = Array.from({ length: 6 }, () => Number(reader.i64()));
  const [createdAt, approvedAt, , resolutionProposedAt, , finalizedAt] = times;
  reader.take(32);
  const [proposed, final] = [reader.option(reader.bool), reader.option(reader.bool)];
  reader.take(46);
  const disputeInitiatedAt = Number(reader.i64());
  reader.take(32 + 3 * 8);
  const [likes, dislikes] = [reader.u32(), reader.u32()];
  reader.take(4 * 4);
  const [agree, disagree] = [reader.u32(), reader.u32()];
  reader.u32();
  const wasDisputed = reader.bool();
  return {
    seed, state, createdAt, approvedAt, resolutionProposedAt, finalizedAt, disputeInitiatedAt,
    proposed, final, proposal: [likes, dislikes], dispute: [agree, disagree], wasDisputed,
  };
}

/** The program's own addresses. */
export const addresses = (program) => ({
  config: () => derive(program, "global-config").address,
  market: (seed) => derive(program, "market", seed).address,
  vote: (market, user, type) => derive(program, "vote", market, user, Buffer.from([type])).address,
});
