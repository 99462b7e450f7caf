// The list of markets: of one state, searched or not, with live prices.

import { get } from "./api.js";
import { $, choice, fill, flash, h, say } from "./dom.js";
import { percent, short, title } from "./format.js";

const STATES = [
  ["ACTIVE", "Active"],
  ["PROPOSED,APPROVED", "Proposed"],
  ["RESOLVING,DISPUTED", "Resolving"],
  ["FINALIZED,CANCELLED", "Ended"],
];
/** Figures that the socket does not tell are read again so often. */
const REFRESH_MS = 30_000;
/** Rows that are shown; the search finds the rest. */
const ROWS = 100;

export class MarketList {
  #markets = new Map();
  #rows = new Map();
  #state = "ACTIVE";
  #chosen = null;
  #choose;
  #asked = 0;
  #tabs;

  /** `choose(market)` is called for the first that is shown, where none was chosen. */
  constructor(live, choose) {
    this.#choose = choose;
    this.#tabs = choice($("states"), STATES.map(([value, label]) => [value, label, { "aria-controls": "markets" }]), this.#state, (state) => {
      this.#state = state;
      void this.#read();
    }, "tab");
    let typing;
    $("search").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => void this.#read(), 250);
    });
    $("markets").addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      this.step(step);
    });
    live.follow("ticker", {
      snapshot: ({ prices }) => prices.forEach((price) => this.#priced(price.market_id, price.price_yes ?? price.data?.price_yes)),
      frame: ({ market_id, data }) => this.#priced(market_id, data.price_yes),
    });
    live.follow("markets", {
      snapshot: ({ markets }) => markets.forEach((market) => this.#changed(market)),
      frame: ({ type, data }) => {
        if ((type === "market_update" || type === "rollback") && data.market) this.#changed(data.market);
      },
    });
    setInterval(() => document.hidden || void this.#read(), REFRESH_MS);
    void this.#read();
  }

  /** Marks the one that is shown beside. */
  mark(id) {
    this.#chosen = id;
    for (const [own, row] of this.#rows) {
      if (own === id) row.link.setAttribute("aria-current", "true");
      else row.link.removeAttribute("aria-current");
    }
  }

  /** Shows the list that a market is in. */
  turnTo(state) {
    const found = STATES.find(([states]) => states.split(",").includes(state));
    if (!found || found[0] === this.#state || $("search").value !== "") return;
    this.#state = found[0];
    this.#tabs.choose(this.#state);
    void this.#read();
  }

  /** Chooses the next one, or the one before. */
  step(by) {
    const links = [...$("markets").querySelectorAll("a")];
    const at = links.findIndex((link) => link === document.activeElement);
    const from = at >= 0 ? at : links.findIndex((link) => link.hasAttribute("aria-current"));
    const next = links[Math.min(Math.max(from + by, 0), links.length - 1)];
    next?.focus();
    if (next && document.body.dataset.wide !== undefined) next.click();
  }

  async #read() {
    const asked = ++this.#asked;
    const search = $("search").value.trim();
    const sort = search === "" && this.#state === "ACTIVE" ? "volume_24h" : "created_at";
    let found;
    try {
      found = await get("/api/markets", { state: this.#state, search, sort, limit: ROWS });
    } catch (error) {
      if (asked === this.#asked && this.#rows.size === 0) fill($("markets"), h("p", { class: "note" }, error.message));
      return;
    }
    if (asked !== this.#asked) return;
    for (const market of found.markets) this.#markets.set(market.id, { ...this.#markets.get(market.id), ...market });
    this.#draw(found.markets.map(({ id }) => id));
  }

  #draw(ids) {
    this.#rows = new Map(ids.map((id) => [id, this.#rows.get(id) ?? this.#row(id)]));
    const empty = h("p", { class: "note" }, $("search").value.trim() ? "Nothing is found." : "There is no such market now.");
    const rows = [...this.#rows.values()].map(({ link }) => link);
    const focused = document.activeElement;
    fill($("markets"), rows.length > 0 ? rows : empty);
    if (rows.includes(focused)) focused.focus();
    for (const id of ids) this.#update(id);
    this.mark(this.#chosen);
    if (ids.length > 0 && this.#chosen === null) this.#choose(this.#markets.get(ids[0]));
  }

  #row(id) {
    const row = {
      name: h("span", { class: "name" }),
      price: h("span", { class: "num price" }),
      bar: h("i"),
      more: h("span", { class: "more" }),
      volume: h("span", { class: "num" }),
    };
    row.link = h("a", { class: "row", href: `#${id}` }, row.name, row.price, h("span", { class: "meter" }, row.bar), row.more, row.volume);
    return row;
  }

  #update(id) {
    const [market, row] = [this.#markets.get(id), this.#rows.get(id)];
    if (!market || !row) return;
    say(row.name, title(market));
    const price = market.state === "PROPOSED" ? null : market.current_price_yes;
    say(row.price, market.final_outcome ?? percent(price));
    row.bar.style.width = `${price === null ? 0 : Number(price) * 100}%`;
    say(row.more, market.category ?? market.state.toLowerCase());
    say(row.volume, market.state === "PROPOSED" ? `${market.proposal_likes} for · ${market.proposal_dislikes} against` : `${short(market.total_volume)} SOL`);
  }

  #priced(id, price) {
    const market = this.#markets.get(id);
    if (!market || price === null || price === undefined) return;
    const before = Number(market.current_price_yes);
    market.current_price_yes = price;
    this.#update(id);
    const row = this.#rows.get(id);
    if (row && Number(price) !== before) flash(row.price, Number(price) > before ? "up" : "down");
  }

  #changed(market) {
    const known = this.#markets.get(market.id);
    this.#markets.set(market.id, { ...known, ...market });
    if (this.#rows.has(market.id)) {
      this.#update(market.id);
      if (known?.state !== market.state) setTimeout(() => void this.#read(), 1_200);
    } else if (this.#state.split(",").includes(market.state) && $("search").value === "") setTimeout(() => void this.#read(), 1_200);
  }
}
