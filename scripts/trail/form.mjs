// The form of a page of the audit trail: what the recomputation reads must be there, and of its kind. Says nothing about
// whether it is true.

import { fromBase58 } from "./keys.mjs";

const text = (value) => typeof value === "string";
const truth = (value) => typeof value === "boolean";
const whole = (value) => Number.isSafeInteger(value) && value >= 0;
const moment = (value) => text(value) && !Number.isNaN(Date.parse(value));
const bytes = (length) => (value) => fromBase58(value, length) !== undefined;
const maybe = (form) => ({ maybe: form });

const PLACE = { epoch: whole, seq: whole };
const VOTE = {
  ...PLACE, slot: whole, vote_type: text, source: text, user_wallet: bytes(32), vote: truth, voted_at: moment, counted: truth,
  signature: maybe(text), vote_record: maybe(text),
};
const GROUNDS = {
  ...PLACE, slot: whole, chain_time: moment, threshold_bps: whole, min_votes: whole, due_at: maybe(moment), config_read: truth,
};
const DECISION = {
  id: text, by: text, purpose: text, signature: bytes(64), status: text, settled: truth, events: [PLACE],
  counts: maybe({ likes: whole, dislikes: whole }), grounds: maybe(GROUNDS),
};
const CHANGE = { signature: bytes(64), slot: whole, proposal_approval_bps: whole, dispute_success_bps: whole };
const PAGE = {
  ...PLACE, program_id: bytes(32), market: { address: bytes(32) }, rules: { min_votes: whole, dispute_voting_seconds: whole, finalization_delay_seconds: whole },
  thresholds: maybe({ changes: [CHANGE] }), votes: maybe([VOTE]), decisions: maybe([DECISION]), next_cursor: maybe(text),
  decisions_next_cursor: maybe(text),
};

/** The first thing that is not as it has to be, in words; undefined: all is. */
export function fault(value, form = PAGE, path = "") {
  if (form.maybe) return value === null || value === undefined ? undefined : fault(value, form.maybe, path);
  if (typeof form === "function") return form(value) ? undefined : `${path} is ${JSON.stringify(value)?.slice(0, 60) ?? "missing"}`;
  if (Array.isArray(form)) {
    if (!Array.isArray(value)) return `${path} is no list`;
    for (const [at, one] of value.entries()) {
      const found = fault(one, form[0], `${path}[${at}]`);
      if (found) return found;
    }
    return undefined;
  }
  if (typeof value !== "object" || value === null) return `${path || "the answer"} is no object`;
  for (const [name, inner] of Object.entries(form)) {
    const found = fault(value[name], inner, path ? `${path}.${name}` : name);
    if (found) return found;
  }
  return undefined;
}
