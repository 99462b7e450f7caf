// Holds a market's audit trail against the chain: every vote, every decision, what was in force. Collects what agrees, what
// does not, and what could not be checked.

import { addresses, configAccount, instruction, marketAccount, voteRecord } from "./chain.mjs";
import { fromBase58, signed, toBase58 } from "./keys.mjs";
import { KINDS, approval, ballots, compare, count, isLate, seconds, voteText } from "./trail.mjs";

const STATES = ["PROPOSED", "APPROVED", "ACTIVE", "RESOLVING", "DISPUTED", "FINALIZED", "CANCELLED"];
const KIND_OF = {
  aggregate_proposal: "proposal", approve_proposal: "proposal", aggregate_dispute: "dispute", finalize_dispute: "dispute",
};
/** What the program begins with (docs/program.md, section 2). */
const FIRST = { proposal: 7000, dispute: 6000 };

const percent = (bps) => `${Math.floor(bps / 100)}.${String(bps % 100).padStart(2, "0")} %`;
const same = (a, b) => a[0] === b[0] && a[1] === b[1];

export class Judge {
  constructor(chain, trail) {
    this.chain = chain;
    this.trail = trail;
    this.findings = [];
  }

  ok = (what) => this.findings.push({ verdict: "ok", what });
  note = (what) => this.findings.push({ verdict: "note", what });
  wrong = (what) => this.findings.push({ verdict: "WRONG", what });
  unknown = (what) => this.findings.push({ verdict: "unknown", what });

  async judge() {
    const first = await this.trail.begin();
    this.market = first.market.address;
    const key = fromBase58(this.market, 32);
    // Read before the votes: what is final by now must be among them.
    const records = await this.records(key, first.program_id);
    if (!records) return;
    const { rows, head } = await this.trail.votes();
    this.votes = rows;
    this.head = head;
    this.decisions = await this.trail.decisions();
    this.thresholds = (await this.trail.begin()).thresholds;
    this.rules = first.rules;
    const [account, config] = await this.chain.accounts([key, this.config]);
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
    this.checkEnd(first);
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
    for (const record of records.filter(({ address }) => !told.has(address))) {
      this.wrong(`the ${KINDS[record.type]} vote of ${record.user} is on the chain, and left out`);
    }
    if (votes.length) this.ok(`${votes.length} votes on the chain, held against their records`);
  }

  /** The thresholds as they changed, each change read from its own transaction. */
  async checkConfig() {
    this.changes = [];
    const program = toBase58(this.program);
    for (const change of this.thresholds?.changes ?? []) {
      const found = await this.chain.transaction(change.signature);
      if (!found || found.failed) {
        this.unknown(`the change of the config ${change.signature}: this node does not know it`);
        continue;
      }
      const update = instruction(found, program, "update_global_config");
      const start = instruction(found, program, "initialize_global_config");
      if (!update && !start) {
        this.unknown(`the change of the config ${change.signature}: its instruction is not at the top of the transaction`);
        continue;
      }
      let values = FIRST;
      if (update) {
        update.args.take(6);
        values = { proposal: update.args.u16(), dispute: update.args.u16() };
      }
      if (values.proposal !== change.proposal_approval_bps || values.dispute !== change.dispute_success_bps) {
        this.wrong(`the change of the config in slot ${change.slot} is told with other thresholds`);
      }
      this.changes.push({ slot: found.slot, ...values });
    }
    const [newest] = this.changes;
    if (!newest) {
      this.note("no change of the config is known: that the thresholds were always these can't be shown");
    } else if (newest.proposal !== this.inForce.proposal || newest.dispute !== this.inForce.dispute) {
      this.wrong("the config on the chain has other thresholds than its newest change in the trail: changes are left out");
    }
  }

  /** Thresholds that were in force at some moment from one slot to another. */
  within(kind, from, to) {
    const later = this.changes.filter(({ slot }) => slot <= to);
    const until = later.findIndex(({ slot }) => slot < from);
    const known = (until < 0 ? later : later.slice(0, until + 1)).map((change) => change[kind]);
    return known.length ? known : [this.inForce[kind]];
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
    const counts = decision.counts && [decision.counts.likes, decision.counts.dislikes];
    const share = counts && approval(counts);
    const end = this.windowEnd(kind, decision.grounds);
    const recounted = kind && count(ballots(this.votes, kind, upto, end));
    if (counts) {
      const read = this.reported(found, program, decision.purpose);
      if (!read) this.unknown(`${name}: its instruction is not at the top of its transaction`);
      else if (!same(read, counts)) say(`the transaction reports ${read.join(" : ")}, the trail ${counts.join(" : ")}`);
      if (!same(recounted, counts)) {
        const late = this.votes.filter((vote) => vote.vote_type === kind && isLate(vote, end)).length;
        say(`reported ${counts.join(" : ")}, but the votes up to entry ${upto.seq} are ${recounted.join(" : ")}`
          + (late ? `, without ${late} that came after the window` : ""));
      }
    }
    if (decision.grounds) this.checkGrounds(decision, found, { say, kind, counts, share });
    if (decision.purpose === "aggregate_dispute") say("the program's other way to end a dispute, which discards its votes");
    if (decision.purpose === "cancel") this.note(`${name}: the admin cancelled the proposal`);
    if (this.findings.slice(before).some(({ verdict }) => verdict !== "note")) return;
    const told = counts ? ` ${counts.join(" : ")}, ${share === undefined ? "no votes" : percent(share)}` : "";
    this.ok(`${name}:${told}, slot ${found.slot}, ${decision.signature}`);
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

  /** What the engine says that it decided by. */
  checkGrounds({ purpose, grounds }, found, { say, kind, counts, share }) {
    if (!grounds.config_read) this.note(`${purpose}: the config could not be read then; ${percent(grounds.threshold_bps)} was a setting`);
    const thresholds = this.within(kind ?? "dispute", grounds.slot, found.slot);
    if (grounds.config_read && !thresholds.includes(grounds.threshold_bps)) {
      say(`held against ${percent(grounds.threshold_bps)}, in force was ${thresholds.map(percent).join(" or ")}`);
    }
    const total = counts ? counts[0] + counts[1] : 0;
    if (purpose === "approve_proposal") {
      if (!instruction(found, toBase58(this.program), "approve_proposal")) say("its transaction approves nothing");
      if (total < grounds.min_votes) say(`${total} votes, ${grounds.min_votes} were asked for`);
      if (share === undefined || share < Math.min(...thresholds)) say("approved below the threshold");
    }
    const due = grounds.due_at === null ? undefined : seconds(grounds.due_at);
    if (due !== undefined && seconds(grounds.chain_time) < due) say("decided before it was due");
    if (!purpose.startsWith("finalize")) return;
    if (due === undefined) say("no time was waited for");
    const { proposed, final, wasDisputed, disputeInitiatedAt, resolutionProposedAt } = this.account;
    const start = purpose === "finalize_dispute" ? disputeInitiatedAt : resolutionProposedAt;
    if (due !== undefined && due < start) say("due before it began");
    if (purpose === "finalize_dispute" && due !== undefined && due - start !== this.rules.dispute_voting_seconds) {
      this.note(`${purpose}: votes were taken for ${due - start} s; the server's setting is ${this.rules.dispute_voting_seconds} s now`);
    }
    if (due !== undefined && this.account.finalizedAt < due) say("finalized on the chain before it was due");
    if (wasDisputed !== (purpose === "finalize_dispute")) say("the account says otherwise whether there was a dispute");
    const outcomes = purpose === "finalize_dispute" && share !== undefined
      ? thresholds.map((threshold) => (share >= threshold ? !proposed : proposed)) : [proposed];
    if (!outcomes.includes(final)) say(`the votes decide ${outcomes.join(" or ")}, the account says ${final}`);
  }

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
    const done = this.decisions.filter(({ events }) => events.length);
    const last = (...purposes) => done.filter(({ purpose }) => purposes.includes(purpose)).at(-1);
    const place = ({ grounds, events: [at] }) => grounds ?? { epoch: at.epoch, seq: at.seq - 1 };
    if (kind === "dispute") {
      const decided = last("finalize_dispute", "aggregate_dispute");
      return decided && { decided, upto: place(decided) };
    }
    const decided = last("approve_proposal");
    if (!decided || decided.grounds) return decided && { decided, upto: place(decided) };
    const reported = done.filter(({ purpose, events: [at] }) =>
      purpose === "aggregate_proposal" && compare(at, decided.events[0]) < 0).at(-1);
    return { decided, upto: place(reported ?? decided) };
  }

  /** The trail's own marks: what it says was counted is what these rules count. */
  async checkCounted() {
    for (const kind of KINDS) {
      const frozen = this.frozen(kind);
      const end = this.windowEnd(kind, frozen?.decided.grounds);
      const expected = new Set([...ballots(this.votes, kind, frozen?.upto ?? this.head, end).values()].map(({ seq }) => seq));
      for (const vote of this.votes.filter((one) => one.vote_type === kind)) {
        if (vote.counted !== expected.has(vote.seq)) this.wrong(`entry ${vote.seq} is marked as counted: ${vote.counted}`);
      }
      if (frozen?.decided.grounds && frozen.decided.counts) {
        const listed = (await this.trail.counted(frozen.decided.id)).map(({ seq }) => seq);
        if (listed.length !== expected.size || !listed.every((seq) => expected.has(seq))) {
          this.wrong(`decision ${frozen.decided.id}: other votes are listed as counted than those that count`);
        }
      }
    }
  }

  /** The market as the chain has it follows from the decisions that are told. */
  checkEnd(first) {
    const { account, decisions } = this;
    const done = decisions.filter(({ events }) => events.length);
    const has = (...purposes) => done.some(({ purpose }) => purposes.includes(purpose));
    if (account.approvedAt !== 0 && !has("approve_proposal")) this.wrong("the market is approved, and no decision about it is told");
    if (account.state === 5 && !has("finalize_dispute", "finalize_undisputed", "aggregate_dispute")) {
      this.wrong("the market is finalized, and no decision about it is told");
    }
    const newest = (kind) => done.filter(({ purpose, counts }) => counts && KIND_OF[purpose] === kind).at(-1);
    for (const kind of KINDS) {
      const reported = newest(kind)?.counts;
      const told = reported ? [reported.likes, reported.dislikes] : [0, 0];
      if (!same(told, account[kind])) {
        this.wrong(`the account counts ${account[kind].join(" : ")} on the ${kind}, the newest decision told ${told.join(" : ")}`);
      }
      const votes = count(ballots(this.votes, kind, this.head, this.windowEnd(kind)));
      if (this.frozen(kind) || votes[0] + votes[1] === 0) continue;
      const share = approval(votes);
      const crossed = share >= this.inForce[kind] && (kind === "dispute" || votes[0] + votes[1] >= first.rules.min_votes);
      this.note(`${kind}: ${votes.join(" : ")}, ${percent(share)} of ${percent(this.inForce[kind])}; `
        + `nothing is decided yet${crossed ? ", though these votes would be enough" : ""}`);
    }
    this.state = STATES[account.state] ?? String(account.state);
  }
}
