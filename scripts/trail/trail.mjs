// The audit trail as a server tells it, read page by page. Its form is checked, nothing that it says is believed.

import { Unreachable, fetchJson } from "./chain.mjs";
import { fault } from "./form.mjs";

const LIMIT = 500;
/** Two million votes: more than ten times what a market counts. */
const PAGES_MAX = 4_000;
/** Wallets whose votes one market counts, of each kind: whoever comes later is told, and not counted. */
export const VOTERS_MAX = 200_000;

export const KINDS = ["proposal", "dispute"];

/** Places in the journal, in the order in which things happened. */
export const compare = (a, b) => a.epoch - b.epoch || a.seq - b.seq;

export const seconds = (text) => Math.floor(Date.parse(text) / 1000);

export class Trail {
  constructor(url, market) {
    this.asked = market;
    this.base = `${url.replace(/\/+$/, "")}/api/markets/${encodeURIComponent(market)}/governance`;
  }

  async page(query = {}) {
    const page = await fetchJson(`${this.base}?${new URLSearchParams({ limit: LIMIT, ...query })}`);
    const found = fault(page);
    if (found) throw new Unreachable(`${this.base} tells no trail: ${found}`);
    return page;
  }

  /** The first page: the market, what is in force. */
  begin() {
    return this.page({ limit: 1 });
  }

  async all(list, cursorName, next, query = {}) {
    const rows = [];
    let cursor;
    for (let count = 0; count < PAGES_MAX; count += 1) {
      const page = await this.page({ ...query, ...(cursor && { [cursorName]: cursor }) });
      if (!Array.isArray(page[list])) throw new Unreachable(`${this.base} tells no ${list}`);
      rows.push(...page[list]);
      cursor = page[next];
      if (!cursor) return { rows, head: { epoch: page.epoch, seq: page.seq } };
    }
    throw new Unreachable(`${this.base} never ends`);
  }

  /** Every vote up to the head. */
  votes() {
    return this.all("votes", "cursor", "next_cursor");
  }

  /** Every decision. */
  async decisions() {
    return (await this.all("decisions", "decisions_cursor", "decisions_next_cursor")).rows;
  }

  /** The votes that the server says it counted for a decision. */
  async counted(id) {
    return (await this.all("votes", "cursor", "next_cursor", { decision: id })).rows;
  }
}

/** What a wallet signs for a vote. */
export const voteText = (market, vote) =>
  `zmart vote\nmarket: ${market}\nkind: ${vote.vote_type}\nvote: ${vote.vote ? "yes" : "no"}\nwallet: ${vote.user_wallet}`;

/** On the chain, when the window for votes on the dispute was over (at its end itself, too). */
export const isLate = (vote, end) => vote.vote_type === "dispute" && vote.source === "onchain" && seconds(vote.voted_at) >= end;

/**
 * A wallet once, by its vote on the chain if it has one: the votes of a kind that count, up to a place, and on a dispute's chain
 * before the end of its window (undefined: it has none); so
 * many wallets at most.
 */
export function ballots(votes, kind, upto, end, most = VOTERS_MAX) {
  const counted = new Map();
  for (const vote of votes) {
    if (vote.vote_type !== kind || compare(vote, upto) > 0 || isLate(vote, end)) continue;
    const known = counted.get(vote.user_wallet);
    if (!known && counted.size >= most) continue;
    if (!known || vote.source === "onchain" || known.source === "offchain") counted.set(vote.user_wallet, vote);
  }
  return counted;
}

/** In favour, against. */
export function count(counted) {
  const result = [0, 0];
  for (const vote of counted.values()) result[vote.vote ? 0 : 1] += 1;
  return result;
}

/** Basis points in favour, rounded down as the program rounds; undefined without votes. */
export function approval([inFavour, against]) {
  const total = BigInt(inFavour) + BigInt(against);
  return total === 0n ? undefined : Number((BigInt(inFavour) * 10_000n) / total);
}
