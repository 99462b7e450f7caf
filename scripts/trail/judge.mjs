// Holds a market's audit trail against the chain: every vote, every decision, what was in force. Collects what agrees, what
// does not, and what could not be checked.

import { HISTORY_PAGE, Unreachable, addresses, configAccount, instruction, marketAccount, voteRecord } from "./chain.mjs";
import { fromBase58, signed, toBase58 } from "./keys.mjs";
import { KINDS, VOTERS_MAX, approval, ballots, compare, count, isLate, seconds, voteText } from "./trail.mjs";

const STATES = ["PROPOSED", "APPROVED", "ACTIVE", "RESOLVING", "DISPUTED", "FINALIZED", "CANCELLED"];
const KIND_OF = {
  aggregate_proposal: "proposal", approve_proposal: "proposal", aggregate_dispute: "dispute", finalize_dispute: "dispute",
};
/** What the program begins with (docs/program.md, section 2). */
const FIRST = { proposal: 7000, dispute: 6000, period: 259_200 };
/** Pages of a market's transactions that are looked through for one that is not told. */
const HISTORY_PAGES_MAX = 20;
/** A block's time and the time that the program saw in it are this close. */
const CLOCK_SLACK_SECONDS = 2;
/** Transactions of that time, and votes that are left out, that are looked at. */
const LOOKED_AT_MAX = 100;

const percent = (bps) => `${Math.floor(bps / 100)}.${String(bps % 100).padStart(2, "0")} %`;
const same = (a, b) => a[0] === b[0] && a[1] === b[1];
const duration = (seconds) => (seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`);

export class Judge {
  constructor(chain, trail) {
    this.chain = chain;
    this.trail = trail;
    this.findings = [];
    /** What each decision told the program: by its transaction where the trail does not say. */
    this.counts = new Map();
    this.most = VOTERS_MAX;
  }

  ok = (what) => this.findings.push({ verdict: "ok", what });
  note = (what) => this.findings.push({ verdict: "note", what });
  wrong = (what) => this.findings.push({ verdict: "WRONG", what });
  unknown = (what) => this.findings.push({ verdict: "unknown", what });

  async judge() {
    const first = await this.trail.begin();
    this.market = first.market.address;
    this.rules = first.rules;
    const key = fromBase58(this.market, 32);
    // Read before the votes: what is final by now must be among them.
    const records = await this.records(key, first.program_id);
    if (!records || !this.isAsked(key)) return;
    const { rows, head } = await this.trail.votes();
    this.votes = rows;
    this.head = head;
    this.decisions = await this.trail.decisions();
    // As they landed: the trail tells them as they were written down, which of others is after that and of its own before.
    this.done = this.decisions.filter(({ events }) => events.length).sort((a, b) => compare(a.events[0], b.events[0]));
    this.thresholds = (await this.trail.begin()).thresholds;
    const [account, config] = await this.chain.accounts([key, this.config]);
    if (!account || !config) throw new Unreachable("this node does not know the market's account, or the config's");
    this.account = marketAccount(account.data);
    this.inForce = configAccount(config.data);
    if (toBase58(addresses(this.program).market(this.account.seed)) !== this.market) {
      this.wrong("the market's address does not follow from its seed");
    }
    this.checkOrder();
    this.checkOffChain();
    await this.checkOnChain(key, records);
    await this.checkConfig();
    for (const decision of this.decisions) await this.checkDecision(decision);
    await this.checkCounted();
    await this.checkEnd();
  }

  /** It is the market that was asked for, by its address or by the seed that its address follows from. */
  isAsked(key) {
    const { asked } = this.trail;
    const isSeed = /^[0-9a-fA-F]{64}$/.test(asked);
    const expected = isSeed ? addresses(this.program).market(Buffer.from(asked, "hex")) : fromBase58(asked, 32);
    if (expected?.equals(key)) return true;
    this.wrong(`asked for ${asked}, the server tells of another market, ${this.market}`);
    return false;
  }

  /** The market's owner is the program; all vote records that are final there. */
  async records(key, claimed) {
    const [account] = await this.chain.accounts([key]);
    if (!account) {
      this.wrong("there is no such account on this chain");
      return undefined;
    }
    if (account.owner !== claimed) this.wrong(`the account is owned by ${account.owner}, not by ${claimed}`);
    this.program = fromBase58(account.owner, 32);
    this.config = addresses(this.program).config();
    try {
      return await this.chain.voteRecords(this.program, key);
    } catch (error) {
      this.unknown(`whether votes on the chain are left out: this node lists no accounts (${error.message})`);
      return [];
    }
  }

  checkOrder() {
    const seen = new Set();
    this.votes.forEach((vote, at) => {
      if (at > 0 && compare(this.votes[at - 1], vote) >= 0) this.wrong(`entry ${vote.seq} is told out of order`);
      if (!KINDS.includes(vote.vote_type) || !["onchain", "offchain"].includes(vote.source)) {
        this.wrong(`entry ${vote.seq}: no vote of a known kind`);
      }
      const name = `${vote.vote_type} ${vote.source} ${vote.user_wallet}`;
      if (seen.has(name)) this.wrong(`${vote.user_wallet} voted twice (${vote.vote_type}, ${vote.source})`);
      seen.add(name);
    });
  }

  checkOffChain() {
    const here = this.votes.filter((vote) => vote.source === "offchain");
    const signedOnes = here.filter((vote) => vote.signature);
    for (const vote of signedOnes) {
      const text = voteText(this.market, vote);
      const [key, signature] = [fromBase58(vote.user_wallet, 32), fromBase58(vote.signature, 64)];
      if (!key || !signature || !signed(key, signature, Buffer.from(text))) {
        this.wrong(`entry ${vote.seq}: the signature is not ${vote.user_wallet}'s over this vote`);
      }
    }
    if (signedOnes.length) this.ok(`${signedOnes.length} votes cast here, signatures looked at`);
    const unsigned = here.filter((vote) => !vote.signature);
    if (unsigned.length) {
      this.note(`${unsigned.length} votes cast here rest on the operator's word: their wallets signed nothing`);
      this.unsigned = unsigned;
    }
  }

  async checkOnChain(key, records) {
    const votes = this.votes.filter((vote) => vote.source === "onchain");
    const owner = toBase58(this.program);
    const derived = votes.map((vote) =>
      addresses(this.program).vote(key, fromBase58(vote.user_wallet, 32), KINDS.indexOf(vote.vote_type)));
    const accounts = await this.chain.accounts(derived);
    votes.forEach((vote, at) => {
      const say = (what) => this.wrong(`entry ${vote.seq}, ${vote.vote_type} vote of ${vote.user_wallet}: ${what}`);
      const account = accounts[at];
      if (vote.vote_record !== toBase58(derived[at])) say("another record is named");
      if (!account) return say("there is no record on the chain");
      if (account.owner !== owner) return say(`the record is owned by ${account.owner}`);
      const record = voteRecord(account.data);
      if (record.market !== this.market || record.user !== vote.user_wallet) say("the record is another's");
      if (record.type !== KINDS.indexOf(vote.vote_type)) say("the record is of the other kind");
      if (record.vote !== vote.vote) say(`the record says ${record.vote}`);
      if (record.time !== seconds(vote.voted_at)) say("the record is of another time");
      return undefined;
    });
    const told = new Set(derived.map(toBase58));
    const left = records.filter(({ address }) => !told.has(address));
    for (const record of left.slice(0, LOOKED_AT_MAX)) {
      const what = `the ${KINDS[record.type]} vote of ${record.user} is on the chain, and left out`;
      // A server that began when all have forgotten the transaction can't have heard of it.
      if ((await this.chain.history(record.address)).length) this.wrong(what);
      else this.unknown(`${what}: this node has forgotten its transaction, too`);
    }
    if (left.length > LOOKED_AT_MAX) this.unknown(`${left.length - LOOKED_AT_MAX} more votes are on the chain, and left out`);
    if (votes.length) this.ok(`${votes.length} votes on the chain, held against their records`);
  }

  /** The thresholds as they changed, newest first, each change read from its own transaction; `values` only where that can be done. */
  async checkConfig() {
    this.changes = [];
    for (const change of this.thresholds?.changes ?? []) {
      const { slot, values, why } = await this.changeOf(change);
      if (why) this.unknown(`the change of the config ${change.signature}: ${why}`);
      else if (values.proposal !== change.proposal_approval_bps || values.dispute !== change.dispute_success_bps) {
        this.wrong(`the change of the config in slot ${slot} is told with other thresholds`);
      }
      this.changes.push({ slot, values });
    }
    this.changes.sort((a, b) => b.slot - a.slot);
    // A change may leave the dispute period as it was.
    this.changes.reduceRight((before, { values }) => {
      if (values) values.period ??= before?.period;
      return values;
    }, undefined);
    const [newest] = this.changes;
    if (!newest) {
      this.unknown("what the thresholds were: no change of the config is told");
    } else if (newest.values && (newest.values.proposal !== this.inForce.proposal || newest.values.dispute !== this.inForce.dispute)) {
      this.wrong("the config on the chain has other thresholds than its newest change in the trail: changes are left out");
    }
  }

  /** What a change of the config says itself; where that can't be read, its slot is the trail's word. */
  async changeOf({ signature, slot }) {
    const program = toBase58(this.program);
    const found = await this.chain.transaction(signature);
    if (!found || found.failed) return { slot, why: "this node does not know it" };
    const update = instruction(found, program, "update_global_config");
    if (!update && !instruction(found, program, "initialize_global_config")) {
      return { slot: found.slot, why: "its instruction is not at the top of the transaction" };
    }
    if (!update) return { slot: found.slot, values: { ...FIRST } };
    const { args } = update;
    args.take(6);
    const values = { proposal: args.u16(), dispute: args.u16() };
    args.option(args.i64);
    const period = args.option(args.i64);
    return { slot: found.slot, values: { ...values, period: period === null ? undefined : Number(period) } };
  }

  /** What is known to have been in force at some moment from one slot to another, and whether this is all. */
  within(name, from, to) {
    const later = this.changes.filter(({ slot }) => slot <= to);
    const until = later.findIndex(({ slot }) => slot < from);
    const held = until < 0 ? later : later.slice(0, until + 1);
    const known = held.map(({ values }) => values?.[name]).filter((value) => value !== undefined);
    return { known, isAll: until >= 0 && known.length === held.length };
  }

  async checkDecision(decision) {
    const name = `decision ${decision.id} (${decision.purpose}${decision.by === "other" ? ", past the engine" : ""})`;
    const say = (what) => this.wrong(`${name}: ${what}`);
    const before = this.findings.length;
    if (decision.events.length === 0) {
      const landed = await this.chain.landed(decision.signature);
      if (landed && decision.settled && decision.status !== "finalized") say(`the trail says ${decision.status}, and it landed`);
      else this.note(`${name}: ${decision.status}`);
      return;
    }
    const told = decision.counts && [decision.counts.likes, decision.counts.dislikes];
    this.counts.set(decision, told);
    const found = await this.chain.transaction(decision.signature);
    if (!found) {
      this.unknown(`${name}: this node does not know the transaction ${decision.signature}`);
      return;
    }
    if (found.failed) {
      say("its transaction failed");
      return;
    }
    if (!found.genuine || found.signature !== decision.signature) say("its transaction is not signed by its signers");
    const program = toBase58(this.program);
    const at = decision.events[0];
    const upto = decision.grounds ?? { epoch: at.epoch, seq: at.seq - 1 };
    const kind = KIND_OF[decision.purpose];
    // A dispute's counts are in no event: where the server came later than the decision, only the transaction tells them.
    const read = (told || decision.purpose === "finalize_dispute") && this.reported(found, program, decision.purpose);
    const counts = told ?? read ?? undefined;
    this.counts.set(decision, counts);
    const share = counts && approval(counts);
    const end = this.windowEnd(kind, decision.grounds);
    const recounted = kind && count(this.counted(kind, upto, end));
    if (told || decision.purpose === "finalize_dispute") {
      if (!read) this.unknown(`${name}: its instruction is not at the top of its transaction`);
      else if (!same(read, counts)) say(`the transaction reports ${read.join(" : ")}, the trail ${counts.join(" : ")}`);
      if (counts && !same(recounted, counts)) {
        const late = this.votes.filter((vote) => vote.vote_type === kind && isLate(vote, end)).length;
        say(`reported ${counts.join(" : ")}, but the votes up to entry ${upto.seq} are ${recounted.join(" : ")}`
          + (late ? `, without ${late} that came after the window` : ""));
      }
    }
    const rules = decision.grounds ? this.checkGrounds(decision, found, { name, say, kind, counts, share }) : this.checkOther(decision, name);
    if (decision.purpose === "aggregate_dispute") say("the program's other way to end a dispute, which discards its votes");
    if (decision.purpose === "cancel") this.note(`${name}: the admin cancelled the proposal`);
    if (this.findings.slice(before).some(({ verdict }) => verdict !== "note")) return;
    const shown = counts ? [`${counts.join(" : ")}, ${share === undefined ? "no votes" : percent(share)}`] : [];
    this.ok(`${name}: ${[...shown, ...rules, `slot ${found.slot}`, decision.signature].join(", ")}`);
  }

  /** The counts that a transaction reports about this market, by the key that may. */
  reported(found, program, purpose) {
    const isFinal = purpose === "finalize_dispute";
    const names = { aggregate_dispute: "aggregate_dispute_votes", finalize_dispute: "finalize_market" };
    const read = instruction(found, program, names[purpose] ?? "aggregate_proposal_votes");
    if (!read) return undefined;
    const market = isFinal ? read.accounts[1] : read.accounts[0];
    const config = isFinal ? read.accounts[0] : read.accounts[1];
    if (market !== this.market || config !== toBase58(this.config)) return undefined;
    if (read.accounts[2] !== this.inForce.backend || !found.signers.includes(this.inForce.backend)) return undefined;
    const number = () => (isFinal ? read.args.option(read.args.u32) : read.args.u32());
    return [number() ?? 0, number() ?? 0];
  }

  /** What the engine says that it decided by; gives what its own rules were, in words. */
  checkGrounds({ purpose, grounds }, found, { name, say, kind, counts, share }) {
    if (!grounds.config_read) this.note(`${name}: the config could not be read then; ${percent(grounds.threshold_bps)} was a setting`);
    const { known, isAll } = this.within(kind ?? "dispute", grounds.slot, found.slot);
    if (grounds.config_read && !known.includes(grounds.threshold_bps)) {
      const what = `held against ${percent(grounds.threshold_bps)}`;
      if (isAll) say(`${what}, in force was ${known.map(percent).join(" or ")}`);
      else this.unknown(`${name}: ${what}; what was in force in slot ${grounds.slot} can't be shown`);
    }
    const thresholds = isAll ? known : [...known, grounds.threshold_bps];
    const total = counts ? counts[0] + counts[1] : 0;
    const rules = [];
    if (purpose === "approve_proposal") {
      if (!instruction(found, toBase58(this.program), "approve_proposal")) say("its transaction approves nothing");
      if (total < grounds.min_votes) say(`${total} votes, ${grounds.min_votes} were asked for`);
      if (share === undefined || share < Math.min(...thresholds)) say("approved below the threshold");
      this.checkRule(name, "votes asked for", grounds.min_votes, this.rules.min_votes, String);
      rules.push(`at least ${grounds.min_votes} votes asked for`);
      const there = this.after(kind, grounds).filter((vote) => vote.source === "onchain" && vote.slot <= grounds.slot);
      if (there.length) this.note(`${name}: ${there.length} votes were on the chain by then, from entry ${there[0].seq} on, and final only later`);
    }
    const due = grounds.due_at === null ? undefined : seconds(grounds.due_at);
    if (due !== undefined && seconds(grounds.chain_time) < due) say("decided before it was due");
    if (!purpose.startsWith("finalize")) return rules;
    if (due === undefined) {
      say("no time was waited for");
      return rules;
    }
    const { proposed, final, wasDisputed, disputeInitiatedAt, resolutionProposedAt } = this.account;
    const waited = due - (purpose === "finalize_dispute" ? disputeInitiatedAt : resolutionProposedAt);
    if (waited < 0) say("due before it began");
    if (this.account.finalizedAt < due) say("finalized on the chain before it was due");
    if (purpose === "finalize_dispute") {
      if (waited === 0) say("no time was left to vote");
      this.checkRule(name, "the time to vote", waited, this.rules.dispute_voting_seconds, duration);
      rules.push(`${duration(waited)} to vote`);
      // The engine waits until all that came in time is final, and counts it.
      const missed = this.after(kind, grounds).filter((vote) => seconds(vote.voted_at) < due);
      if (missed.length) say(`${missed.length} votes came in time and were not waited for, entry ${missed[0].seq} is the first`);
    } else {
      const periods = this.within("period", grounds.slot, found.slot).known;
      const times = periods.map((period) => Math.max(period, this.rules.finalization_delay_seconds));
      const told = times.map(duration).join(" or ") || "not known";
      if (!times.includes(waited)) this.unknown(`${name}: ${duration(waited)} to dispute it, and the rule is ${told}; whether it was another then can't be shown`);
      rules.push(`${duration(waited)} to dispute it`);
    }
    if (wasDisputed !== (purpose === "finalize_dispute")) say("the account says otherwise whether there was a dispute");
    const outcomes = purpose === "finalize_dispute" && share !== undefined
      ? thresholds.map((threshold) => (share >= threshold ? !proposed : proposed)) : [proposed];
    if (!outcomes.includes(final)) say(`the votes decide ${outcomes.join(" or ")}, the account says ${final}`);
    return rules;
  }

  /** Of others nobody tells the grounds: the account shows whether they kept to the server's rules of now. */
  checkOther({ purpose }, name) {
    const { proposal, finalizedAt, disputeInitiatedAt, resolutionProposedAt } = this.account;
    const atLeast = (what, found, rule, words) => {
      if (found < rule) this.unknown(`${name}: ${what}: ${words(found)}, and the server's rule is ${words(rule)}; whether it was another then can't be shown`);
    };
    if (purpose === "approve_proposal") atLeast("votes", proposal[0] + proposal[1], this.rules.min_votes, String);
    if (purpose === "finalize_dispute") atLeast("the time to vote", finalizedAt - disputeInitiatedAt, this.rules.dispute_voting_seconds, duration);
    if (purpose === "finalize_undisputed") {
      atLeast("the time to dispute it", finalizedAt - resolutionProposedAt, this.rules.finalization_delay_seconds, duration);
    }
    return [];
  }

  /** A setting of the server's, as it was for a decision and as it is now. What it was in between nobody but the operator knows. */
  checkRule(name, what, then, now, words) {
    if (then !== now) this.unknown(`${name}: ${what}: ${words(then)}, and the server's rule is ${words(now)}; whether it was another then can't be shown`);
  }

  /** The votes of a kind that count, up to a place and to the end of a window. */
  counted = (kind, upto, end) => ballots(this.votes, kind, upto, end, this.most);

  /** Votes of a kind that a decision did not look at any more. */
  after = (kind, grounds) => this.votes.filter((vote) => vote.vote_type === kind && compare(vote, grounds) > 0);

  /**
   * From when on votes on the chain are too late: by a decision's grounds, else by the server's setting; undefined where there is
   * no window.
   */
  windowEnd(kind, grounds) {
    if (kind !== "dispute") return undefined;
    if (grounds) return grounds.due_at === null ? undefined : seconds(grounds.due_at);
    const began = this.account.disputeInitiatedAt;
    return began === 0 ? undefined : began + this.rules.dispute_voting_seconds;
  }

  /** Up to which entry the newest decision of a kind counted; undefined if nothing was decided. */
  frozen(kind) {
    const last = (...purposes) => this.done.filter(({ purpose }) => purposes.includes(purpose)).at(-1);
    const place = ({ grounds, events: [at] }) => grounds ?? { epoch: at.epoch, seq: at.seq - 1 };
    if (kind === "dispute") {
      const decided = last("finalize_dispute", "aggregate_dispute");
      return decided && { decided, upto: place(decided) };
    }
    const decided = last("approve_proposal");
    if (!decided || decided.grounds) return decided && { decided, upto: place(decided) };
    const reported = this.done.filter(({ purpose, events: [at] }) =>
      purpose === "aggregate_proposal" && compare(at, decided.events[0]) < 0).at(-1);
    return { decided, upto: place(reported ?? decided) };
  }

  /** The trail's own marks: what it says was counted is what these rules count. */
  async checkCounted() {
    for (const kind of KINDS) {
      const frozen = this.frozen(kind);
      const upto = frozen?.upto ?? this.head;
      const end = this.windowEnd(kind, frozen?.decided.grounds);
      const ballots = this.counted(kind, upto, end);
      const expected = new Set([...ballots.values()].map(({ seq }) => seq));
      // The trail's marks know nothing of wallets that came when all that count were there.
      const isIn = (vote) => compare(vote, upto) <= 0 && !isLate(vote, end);
      const isOver = (vote) => ballots.size >= this.most && !ballots.has(vote.user_wallet) && isIn(vote);
      const ofKind = this.votes.filter((one) => one.vote_type === kind);
      const over = new Set(ofKind.filter(isOver).map(({ seq }) => seq));
      if (over.size) this.note(`${over.size} votes on the ${kind} are not counted: ${this.most} wallets voted before`);
      for (const vote of ofKind.filter(({ seq }) => !over.has(seq))) {
        if (vote.counted !== expected.has(vote.seq)) this.wrong(`entry ${vote.seq} is marked as counted: ${vote.counted}`);
      }
      if (frozen?.decided.grounds && frozen.decided.counts) {
        const listed = (await this.trail.counted(frozen.decided.id)).map(({ seq }) => seq).filter((seq) => !over.has(seq));
        if (listed.length !== expected.size || !listed.every((seq) => expected.has(seq))) {
          this.wrong(`decision ${frozen.decided.id}: other votes are listed as counted than those that count`);
        }
      }
    }
  }

  /** The market as the chain has it follows from the decisions that are told. */
  async checkEnd() {
    const { account, done } = this;
    const has = (...purposes) => done.some(({ purpose }) => purposes.includes(purpose));
    if (account.approvedAt !== 0 && !has("approve_proposal")) await this.untold("approved", account.approvedAt, "approve_proposal");
    if (account.state === 5 && !has("finalize_dispute", "finalize_undisputed", "aggregate_dispute")) {
      await this.untold("finalized", account.finalizedAt, "finalize_market", "aggregate_dispute_votes");
    }
    for (const kind of KINDS) {
      const newest = done.filter((decision) => this.counts.get(decision) && KIND_OF[decision.purpose] === kind).at(-1);
      const told = this.counts.get(newest);
      const what = `the account counts ${account[kind].join(" : ")} on the ${kind}`;
      if (told && !same(told, account[kind])) this.wrong(`${what}, the newest decision told ${told.join(" : ")}`);
      if (!told && !same([0, 0], account[kind])) this.unknown(`${what}, and who told it that can't be shown`);
      const votes = count(this.counted(kind, this.head, this.windowEnd(kind)));
      if (this.frozen(kind) || votes[0] + votes[1] === 0) continue;
      const share = approval(votes);
      const crossed = share >= this.inForce[kind] && (kind === "dispute" || votes[0] + votes[1] >= this.rules.min_votes);
      this.note(`${kind}: ${votes.join(" : ")}, ${percent(share)} of ${percent(this.inForce[kind])}; `
        + `nothing is decided yet${crossed ? ", though these votes would be enough" : ""}`);
    }
    this.state = STATES[account.state] ?? String(account.state);
  }

  /** What the account shows and no decision tells. The server is to blame if this node still has the transaction. */
  async untold(what, at, ...names) {
    const signature = await this.find(at, names);
    const said = `the market is ${what}, and no decision about it is told`;
    if (signature) this.wrong(`${said}: ${signature}`);
    else this.unknown(`${said}; this node does not know of one either`);
  }

  /** The transaction that gave the market one of these instructions at that time, if this node has it. */
  async find(at, names) {
    let [before, looked] = [undefined, 0];
    for (let pages = 0; pages < HISTORY_PAGES_MAX; pages += 1) {
      const page = await this.chain.history(this.market, before);
      for (const { signature, err, blockTime } of page) {
        if (err || (blockTime && Math.abs(blockTime - at) > CLOCK_SLACK_SECONDS)) continue;
        if ((looked += 1) > LOOKED_AT_MAX) return undefined;
        const found = await this.chain.transaction(signature);
        const did = (name) => instruction(found, toBase58(this.program), name)?.accounts.includes(this.market);
        if (found && !found.failed && names.some(did)) return signature;
      }
      const last = page.at(-1);
      if (page.length < HISTORY_PAGE || last.blockTime < at - CLOCK_SLACK_SECONDS) return undefined;
      before = last.signature;
    }
    return undefined;
  }
}
