// Recomputes every decision about a market from its audit trail and from the chain alone. `scripts/recompute` runs it.

import { Chain } from "./chain.mjs";
import { judged } from "./judged.mjs";
import { Trail } from "./trail.mjs";

const USAGE = `scripts/recompute URL MARKET [--rpc URL]

  URL      where the API is, like http://127.0.0.1:4000
  MARKET   the market's address (or seed)
  --rpc    a node of the chain that you trust; else $SOLANA_RPC_URL, else http://127.0.0.1:8899

Ends with 0 if everything that was decided follows from the votes, 1 if something does not, 2 if it could not be found out.`;
const UNSIGNED_TOLD_MAX = 20;

function parse(words) {
  const rest = [];
  let rpc = process.env.SOLANA_RPC_URL ?? "http://127.0.0.1:8899";
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] === "--rpc" && words[at + 1]) rpc = words[(at += 1)];
    else if (words[at].startsWith("-")) return undefined;
    else rest.push(words[at]);
  }
  return rest.length === 2 ? { url: rest[0], market: rest[1], rpc } : undefined;
}

function tell({ market, state, votes = [], unsigned = [], findings }) {
  const of = (kind, source) => votes.filter((vote) => vote.vote_type === kind && vote.source === source).length;
  console.log(`market ${market ?? "not read"}, ${state ?? "state not read"}`);
  for (const kind of ["proposal", "dispute"]) {
    console.log(`  ${kind}: ${of(kind, "onchain")} votes on the chain, ${of(kind, "offchain")} cast at the server`);
  }
  for (const { verdict, what } of findings) console.log(`${verdict.padEnd(8)} ${what}`);
  for (const vote of unsigned.slice(0, UNSIGNED_TOLD_MAX)) {
    console.log(`  on the operator's word: ${vote.user_wallet}, ${vote.vote_type}, ${vote.vote ? "yes" : "no"}, entry ${vote.seq}`);
  }
  if (unsigned.length > UNSIGNED_TOLD_MAX) console.log(`  and ${unsigned.length - UNSIGNED_TOLD_MAX} more`);
}

const asked = parse(process.argv.slice(2));
if (!asked) {
  console.error(USAGE);
  process.exit(2);
}
const judge = await judged(new Chain(asked.rpc), new Trail(asked.url, asked.market));
tell(judge);
const has = (verdict) => judge.findings.some((finding) => finding.verdict === verdict);
console.log(has("WRONG") ? "The trail and the chain do NOT agree."
  : has("unknown") ? "What could be checked agrees; not everything could."
    : "Every decision follows from its votes.");
process.exit(has("WRONG") ? 1 : has("unknown") ? 2 : 0);
