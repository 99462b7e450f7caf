// The order ticket: what a trade would do now, quoted live, and the trade itself, by the throw-away wallet of this page.

import { $, choice, fill, h, say, toast } from "./dom.js";
import { amount, percent, units } from "./format.js";

/** What the price may move against the trade between quote and execution, in basis points. */
const SLIPPAGE_BPS = 200n;
const CHIPS = { buy: ["0.1", "1", "10"], sell: ["25%", "50%", "100%"] };
/** Quotes may say so and be traded on all the same. */
const HARMLESS = new Set(["STALE"]);
/** A transaction that is as good as done, and one that is done. */
const SETTLED = new Set(["confirmed", "finalized", "failed", "expired"]);
const END = new Set(["finalized", "failed", "expired"]);
const ASKS = 20;
const ASK_MS = 2_000;
const STEPS = { received: "Sent", processed: "Executed", confirmed: "Confirmed", finalized: "Final", failed: "Failed", expired: "Expired" };

export class Ticket {
  #live;
  #purse;
  #market = null;
  #side = "buy";
  #outcome = "YES";
  #quote = null;
  #endQuote = null;
  #isBusy = false;
  #follows = null;
  #isSettled = false;
  #parts = {};

  /** `purse` has the wallet: `wallet`, `ready()`, `shares(market)`. */
  constructor(live, purse) {
    this.#live = live;
    this.#purse = purse;
    this.#build();
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || $("ticket").hidden) return;
      if (/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "") || $("purse").open) return;
      const side = { b: "buy", s: "sell" }[event.key];
      if (!side) return;
      event.preventDefault();
      this.#sides.choose(side);
      this.#turn(side);
      this.#parts.amount.focus();
    });
  }

  #sides;
  #outcomes;

  /** Another market, or the same with other figures. */
  show(market) {
    const isOther = this.#market?.id !== market.id;
    this.#market = market;
    $("ticket").hidden = market.state !== "ACTIVE";
    for (const [outcome, price] of [["YES", market.current_price_yes], ["NO", market.current_price_no]]) {
      say(this.#parts[outcome], percent(price));
    }
    if (!isOther) {
      if (market.state !== "ACTIVE") this.#stop();
      return;
    }
    say(this.#parts.result, "");
    this.#requote();
  }

  /** The wallet, or what it has, is another one. */
  refresh() {
    this.#hint();
  }

  #build() {
    const p = this.#parts;
    const sides = h("div", { class: "choice wide2", role: "radiogroup", "aria-label": "Side" });
    this.#sides = choice(sides, [["buy", "Buy"], ["sell", "Sell"]], "buy", (side) => this.#turn(side));
    const outcomes = h("div", { class: "outcomes", role: "radiogroup", "aria-label": "Outcome" });
    const label = (outcome) => [h("b", {}, outcome), (p[outcome] = h("span", { class: "num" }))];
    this.#outcomes = choice(outcomes, [["YES", label("YES"), { class: "yes" }], ["NO", label("NO"), { class: "no" }]], "YES", (outcome) => {
      this.#outcome = outcome;
      this.#requote();
    });
    p.amount = h("input", { id: "amount", inputmode: "decimal", autocomplete: "off", value: "1", "aria-describedby": "ticket-hint", oninput: () => this.#requote() });
    p.unit = h("span", { class: "unit" }, "SOL");
    p.label = h("label", { for: "amount" }, "Spend");
    p.hint = h("span", { id: "ticket-hint", class: "dim num" });
    p.chips = h("div", { class: "chips" });
    p.figures = h("dl", { class: "quote num" });
    p.warnings = h("div", { class: "warnings" });
    p.submit = h("button", { class: "primary", type: "submit" }, "Buy YES");
    p.result = h("p", { class: "result", role: "status" });
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      void this.#trade();
    } }, sides, outcomes, h("div", { class: "field" }, h("div", { class: "between" }, p.label, p.hint), h("div", { class: "input" }, p.amount, p.unit), p.chips), p.figures, p.warnings, p.submit, p.result);
    fill($("ticket"), h("h2", {}, "Trade"), form);
    this.#turn("buy");
  }

  #turn(side) {
    const p = this.#parts;
    this.#side = side;
    say(p.label, side === "buy" ? "Spend" : "Sell");
    say(p.unit, side === "buy" ? "SOL" : "shares");
    fill(p.chips, CHIPS[side].map((chip) => h("button", { type: "button", class: "chip", onclick: () => this.#chip(chip) }, side === "buy" ? `${chip} SOL` : chip)));
    this.#requote();
  }

  #chip(chip) {
    const { amount: input } = this.#parts;
    if (chip.endsWith("%")) {
      const part = (this.#owned() * BigInt(parseInt(chip, 10))) / 100n;
      input.value = `${part / 1_000_000_000n}.${(part % 1_000_000_000n).toString().padStart(9, "0")}`.replace(/\.?0+$/, "");
    } else input.value = chip;
    this.#requote();
  }

  #owned() {
    const position = this.#market && this.#purse.shares(this.#market.id);
    return BigInt(position?.[this.#outcome === "YES" ? "shares_yes" : "shares_no"] ?? 0);
  }

  #hint() {
    const { hint } = this.#parts;
    if (this.#side === "sell") say(hint, `you have ${amount(this.#owned(), 4)}`);
    else say(hint, this.#purse.balance === null ? "" : `you have ${amount(this.#purse.balance, 2)}`);
  }

  #size() {
    const size = units(this.#parts.amount.value);
    return size === null || size === 0n ? null : size;
  }

  #stop() {
    this.#endQuote?.();
    this.#endQuote = null;
  }

  #requote() {
    this.#stop();
    this.#quote = null;
    this.#hint();
    const size = this.#size();
    if (!this.#market || this.#market.state !== "ACTIVE") return;
    this.#drawQuote();
    if (size === null) return;
    const fields = { market_id: this.#market.id, trade_type: this.#side, outcome: this.#outcome, [this.#side === "buy" ? "spend" : "shares"]: String(size) };
    this.#endQuote = this.#live.quote(fields, {
      quote: (quote) => {
        this.#quote = quote;
        this.#drawQuote();
      },
      refused: (error) => {
        this.#quote = null;
        this.#drawQuote(error.message);
      },
    });
  }

  #drawQuote(refusal) {
    const p = this.#parts;
    const quote = this.#quote;
    const isBuy = this.#side === "buy";
    const row = (name, value, attributes) => [h("dt", {}, name), h("dd", attributes ?? {}, value)];
    const after = (price) => percent(this.#outcome === "YES" ? price : 1 - Number(price), 2);
    fill(p.figures, [
      row(isBuy ? "You get" : "You receive", quote ? (isBuy ? `${amount(quote.shares, 4)} shares` : `${amount(quote.total, 4)} SOL`) : "–", { class: "strong", id: "quoted" }),
      row("Price a share", quote ? `${Number(quote.price_per_share).toFixed(4)} SOL` : "–"),
      row(`${this.#outcome} after it`, quote ? `${after(quote.price_after)}  (${(quote.price_impact_bps / 100).toFixed(2)}%)` : "–"),
      row("Fees", quote ? `${amount(quote.fees.total, 4)} SOL` : "–"),
      row(isBuy ? "If it happens" : "Fair value", quote ? `${amount(isBuy ? quote.shares : quote.fair_cost, 2)} SOL` : "–"),
    ]);
    const warnings = (quote?.warnings ?? []).filter(({ code }) => !HARMLESS.has(code));
    const isAccepted = p.warnings.querySelector("input")?.checked === true;
    fill(p.warnings, refusal ? h("p", { class: "bad" }, refusal) : null, warnings.map(({ message }) => h("p", { class: "warn" }, message)), warnings.length > 0 && h("label", {}, h("input", { type: "checkbox", id: "accept", checked: isAccepted, onchange: () => this.#enable() }), " Trade all the same"));
    this.#enable();
  }

  #enable() {
    const p = this.#parts;
    const accept = p.warnings.querySelector("input");
    p.submit.className = `primary ${this.#outcome === "YES" ? "yes" : "no"}`;
    say(p.submit, this.#isBusy ? "Working…" : `${this.#side === "buy" ? "Buy" : "Sell"} ${this.#outcome}`);
    p.submit.disabled = this.#isBusy || !this.#quote || (accept !== null && !accept.checked);
  }

  async #trade() {
    const [quote, market, side, outcome, size] = [this.#quote, this.#market, this.#side, this.#outcome, this.#size()];
    if (!quote || size === null || this.#isBusy) return;
    const result = this.#parts.result;
    this.#isBusy = true;
    this.#enable();
    try {
      const wallet = await this.#purse.ready((step) => say(result, step));
      say(result, "Building…");
      const accept_unsound = quote.warnings.some(({ code }) => !HARMLESS.has(code));
      const least = (value) => String((BigInt(value) * (10_000n - SLIPPAGE_BPS)) / 10_000n);
      const bounds = side === "buy" ? { spend: String(size), min_shares: least(quote.shares) } : { shares: String(size), min_proceeds: least(quote.total) };
      const built = await wallet.ask("POST", `/api/trades/${side}`, { body: { market_id: market.id, outcome, accept_unsound, ...bounds } });
      say(result, "Signing…");
      const transaction = await wallet.signTransaction(built);
      const { signature, status } = await wallet.ask("POST", "/api/transactions", { body: { transaction, client_ref: built.client_ref } });
      [this.#follows, this.#isSettled] = [signature, false];
      this.ordered({ signature, status });
      void this.#watch(wallet, signature);
    } catch (error) {
      say(result, error.message);
      toast(error.message, "bad");
    } finally {
      this.#isBusy = false;
      this.#enable();
    }
  }

  /** Asks what became of an order, as long as the wallet's channel says nothing of its end: a step may have been missed. */
  async #watch(wallet, signature) {
    for (let tries = 0; tries < ASKS && signature === this.#follows && !this.#isSettled; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, ASK_MS));
      if (signature !== this.#follows || this.#isSettled) return;
      await wallet.ask("GET", `/api/transactions/${signature}`).then((order) => this.ordered(order), () => undefined);
    }
  }

  /** What became of an order of the wallet. */
  ordered({ signature, status, reason }) {
    if (signature !== this.#follows) return;
    // An older word that comes late changes nothing.
    if (this.#isSettled && !END.has(status)) return;
    this.#isSettled = SETTLED.has(status);
    const result = this.#parts.result;
    result.dataset.status = status;
    say(result, `${STEPS[status] ?? status}${reason ? `: ${reason.name}` : ""} · ${signature.slice(0, 8)}…`);
  }
}
