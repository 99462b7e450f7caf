// Votes and discussion of a market: what users write beside the chain.

import { get } from "./api.js";
import { $, fill, h, toast } from "./dom.js";
import { ago, amount, bps, brief, count } from "./format.js";

const COMMENTS = 50;

/** Votes on the proposal, or on the dispute. */
export class Ballot {
  #purse;
  #market = null;
  #tally = null;
  #own = null;
  #kind = null;

  constructor(purse) {
    this.#purse = purse;
  }

  /** Another market, or the same in another state. */
  show(market) {
    const kind = { PROPOSED: "proposal", DISPUTED: "dispute" }[market.state] ?? null;
    const isOther = this.#market?.id !== market.id || this.#kind !== kind;
    this.#market = market;
    this.#kind = kind;
    $("ballot").hidden = kind === null;
    if (isOther && kind) {
      [this.#tally, this.#own] = [null, null];
      this.#draw();
      void this.#read(market.id, kind);
    }
  }

  /** A `vote_update` of the market. */
  voted(data) {
    if (data.vote_type !== this.#kind) return;
    this.#tally = { ...this.#tally, ...data.tally };
    if (data.user_wallet === this.#purse.wallet?.address) this.#own = data.vote;
    this.#draw();
  }

  async #read(id, kind) {
    const wallet = this.#purse.wallet;
    const path = `/api/votes/${id}`;
    const said = await (wallet?.isSignedIn ? wallet.ask("GET", path) : get(path)).catch(() => null);
    if (!said || this.#market?.id !== id || this.#kind !== kind) return;
    this.#tally = said[kind];
    this.#own = said.own?.[kind]?.vote ?? said.own?.[kind] ?? null;
    this.#draw();
  }

  #draw() {
    const tally = this.#tally;
    const isProposal = this.#kind === "proposal";
    const [yes, no] = isProposal ? ["Approve", "Reject"] : ["The outcome is wrong", "It is right"];
    const part = tally && tally.total > 0 ? tally.approval_bps / 100 : 0;
    const bar = h("i");
    bar.style.width = `${part}%`;
    const mark = h("b", { title: "threshold" });
    mark.style.left = `${(tally?.threshold_bps ?? 7_000) / 100}%`;
    const button = (vote, name) => h("button", { type: "button", class: vote ? "yes" : "no", "data-vote": String(vote), "aria-pressed": String(this.#own === vote), disabled: this.#own !== null, onclick: ({ currentTarget }) => void this.#vote(vote, currentTarget) }, name);
    fill($("ballot"), [
      h("h2", {}, isProposal ? "Shall this market open?" : "Is the proposed outcome wrong?"),
      h("div", { class: "meter tall", role: "img", "aria-label": `${part.toFixed(1)} percent for it` }, bar, mark),
      h("dl", { class: "quote num" }, h("dt", {}, isProposal ? "For · against" : "Agree · disagree"), h("dd", { id: "tally" }, tally ? `${count(tally.likes)} · ${count(tally.dislikes)}` : "–"), h("dt", {}, "Approval"), h("dd", {}, tally ? `${bps(tally.approval_bps)} of ${bps(tally.threshold_bps)}` : "–"), h("dt", {}, "Votes"), h("dd", {}, tally ? `${count(tally.total)} of ${count(tally.min_votes)} needed` : "–")),
      h("div", { class: "outcomes" }, button(true, yes), button(false, no)),
      this.#own !== null && h("p", { class: "dim" }, `You voted: ${this.#own ? yes : no}.`),
    ]);
  }

  async #vote(vote, button) {
    const [market, kind] = [this.#market, this.#kind];
    button.disabled = true;
    try {
      const wallet = await this.#purse.ready();
      const text = ["zmart vote", `market: ${market.id}`, `kind: ${kind}`, `vote: ${vote ? "yes" : "no"}`, `wallet: ${wallet.address}`].join("\n");
      const signature = await wallet.signText(text);
      const { tally } = await wallet.ask("POST", `/api/votes/${kind}`, { body: { market_id: market.id, vote, signature } });
      if (this.#market?.id !== market.id) return;
      this.#own = vote;
      this.#tally = { ...this.#tally, ...tally };
      this.#draw();
    } catch (error) {
      button.disabled = false;
      toast(error.message, "bad");
    }
  }
}

/** Comments. */
export class Talk {
  #purse;
  #market = null;
  #comments = [];
  /** What was said and deleted since a reading began, that its answer may lack. */
  #meanwhile = null;
  #list = h("div", { class: "comments" });
  #input = h("textarea", { rows: 2, maxlength: 1_000, placeholder: "Say something", "aria-label": "Your comment" });

  constructor(purse) {
    this.#purse = purse;
    const send = h("button", { class: "primary", type: "submit" }, "Post");
    fill($("tab-talk"), h("form", { class: "say", onsubmit: (event) => {
      event.preventDefault();
      void this.#post(send);
    } }, this.#input, send), this.#list);
  }

  /** Another market. */
  show(market) {
    if (this.#market?.id === market.id) return;
    this.#market = market;
    this.#comments = [];
    this.#draw();
    void this.#read(market.id);
  }

  /** A `discussion` frame of the market. */
  said({ action, id, user_wallet, content, created_at }) {
    if (action === "deleted") {
      this.#comments = this.#comments.filter((comment) => comment.id !== id);
      this.#meanwhile?.deleted.add(id);
    } else this.#add({ id, user_wallet, content, created_at });
    this.#draw();
  }

  /** Some may have been missed, deletions among them. */
  readAgain() {
    return this.#read(this.#market.id);
  }

  /** How many are shown. */
  get count() {
    return this.#comments.length;
  }

  #add(comment) {
    if (this.#comments.some(({ id }) => id === comment.id)) return;
    this.#comments = [comment, ...this.#comments].slice(0, COMMENTS);
    this.#meanwhile?.said.unshift(comment);
  }

  async #read(id) {
    const meanwhile = { said: [], deleted: new Set() };
    this.#meanwhile = meanwhile;
    const answer = await get(`/api/discussions/${id}`, { limit: COMMENTS }).catch(() => null);
    // Another reading has begun.
    if (this.#meanwhile !== meanwhile) return;
    this.#meanwhile = null;
    if (!answer || this.#market?.id !== id) return;
    const newer = meanwhile.said.filter(({ id: said }) => !answer.discussions.some((comment) => comment.id === said));
    this.#comments = [...newer, ...answer.discussions].filter(({ id: said }) => !meanwhile.deleted.has(said)).slice(0, COMMENTS);
    this.#draw();
  }

  #draw() {
    const own = this.#purse.wallet?.address;
    fill(this.#list, this.#comments.length === 0
      ? h("p", { class: "note" }, "Nobody has said anything yet.")
      : this.#comments.map(({ id, user_wallet, content, created_at }) => h("article", {}, h("header", {}, h("span", { class: "mono" }, brief(user_wallet)), h("time", { datetime: created_at }, ago(created_at)), user_wallet === own && h("button", { type: "button", class: "quiet", onclick: () => void this.#delete(id) }, "Delete")), h("p", {}, content))));
  }

  async #post(button) {
    const content = this.#input.value.trim();
    if (content === "") return;
    button.disabled = true;
    try {
      const wallet = await this.#purse.ready();
      const comment = await wallet.ask("POST", `/api/discussions/${this.#market.id}`, { body: { content } });
      this.#input.value = "";
      this.#add(comment);
      this.#draw();
    } catch (error) {
      toast(error.message, "bad");
    }
    button.disabled = false;
  }

  async #delete(id) {
    try {
      await this.#purse.wallet.ask("DELETE", `/api/discussions/${id}`);
      this.said({ action: "deleted", id });
    } catch (error) {
      toast(error.message, "bad");
    }
  }
}

/** The newest trades of a market. */
export class Tape {
  #trades = [];
  #seen = new Set();
  #body = h("tbody");

  constructor() {
    const head = ["Time", "Side", "Shares", "SOL", "YES after", "Wallet"];
    fill($("tab-trades"), h("table", { class: "tape" }, h("thead", {}, h("tr", {}, head.map((name, at) => h("th", { scope: "col", class: at > 1 && at < 5 ? "num" : at === 5 && "wide" }, name)))), this.#body));
  }

  /** Others, newest first. */
  show(trades) {
    this.#trades = trades;
    this.#seen = new Set(trades.map(({ id }) => id));
    fill(this.#body, trades.length > 0 ? trades.slice(0, 60).map((trade) => this.#row(trade)) : h("tr", {}, h("td", { colspan: 6, class: "note" }, "No trade yet.")));
  }

  /** A new one; false if it was there. */
  add(trade) {
    if (this.#seen.has(trade.id)) return false;
    if (this.#trades.length === 0) this.#body.replaceChildren();
    this.#seen.add(trade.id);
    this.#trades = [trade, ...this.#trades].slice(0, 400);
    const row = this.#row(trade);
    row.classList.add("fresh");
    this.#body.prepend(row);
    while (this.#body.children.length > 60) this.#body.lastChild.remove();
    return true;
  }

  #row(trade) {
    const kind = trade.outcome === "YES" ? "up-text" : "down-text";
    return h("tr", { "data-id": trade.id }, h("td", { class: "mono" }, new Date(trade.created_at).toLocaleTimeString(undefined, { hour12: false })), h("td", { class: kind }, `${trade.trade_type === "buy" ? "Buy" : "Sell"} ${trade.outcome}`), h("td", { class: "num" }, amount(trade.shares, 3)), h("td", { class: "num" }, amount(trade.cost, 3)), h("td", { class: "num" }, trade.price_after ? `${(Number(trade.price_after) * 100).toFixed(2)}%` : "–"), h("td", { class: "mono wide" }, brief(trade.user_wallet)));
  }
}
