// The page of markets: puts the list, the market, its chart, tape, ticket and talk together.

import { get, places } from "./api.js";
import { PriceChart, RESOLUTIONS } from "./chart.js";
import { $, choice, fill, flash, h, say } from "./dom.js";
import { amount, count, date, percent, short, title } from "./format.js";
import { MarketList } from "./list.js";
import { Live } from "./live.js";
import { Purse } from "./purse.js";
import { Ballot, Talk, Tape } from "./talk.js";
import { Ticket } from "./ticket.js";

const TRADES = 100;
/** Pages of trades that the line of single trades begins with. */
const PAGES = 3;
const CANDLES = 300;
/** A younger market is first shown trade by trade. */
const YOUNG_MS = 2 * 3_600_000;
const STATES = { PROPOSED: "Proposed", APPROVED: "Approved", ACTIVE: "Active", RESOLVING: "Resolving", DISPUTED: "Disputed", FINALIZED: "Final", CANCELLED: "Cancelled" };

const wide = matchMedia("(min-width: 861px)");
const seconds = (moment) => Math.floor(Date.parse(moment) / 1_000);

class Page {
  #market = null;
  #stats = null;
  #leave = null;
  #shown = 0;
  #resolution = "trades";
  #isCandles = false;
  #isCharted = false;
  #kinds;
  #resolutions;

  constructor({ ws, hasFaucet }) {
    this.live = new Live(ws, (change) => this.#connected(change));
    this.chart = new PriceChart($("chart"), $("legend"));
    this.tape = new Tape();
    this.purse = new Purse(this.live, hasFaucet, () => this.ticket?.refresh(), (order) => this.ticket.ordered(order));
    this.ticket = new Ticket(this.live, this.purse);
    this.ballot = new Ballot(this.purse);
    this.talk = new Talk(this.purse);
    this.#resolutions = choice($("resolutions"), Object.keys(RESOLUTIONS).map((name) => [name, name === "trades" ? "Live" : name]), this.#resolution, (name) => {
      this.#resolution = name;
      void this.#drawChart();
    });
    this.#kinds = choice($("kinds"), [["line", "Line"], ["candles", "Candles"]], "line", (kind) => {
      this.#isCandles = kind === "candles";
      if (this.#isCandles && this.#resolution === "trades") {
        this.#resolution = "1m";
        this.#resolutions.choose("1m");
      }
      void this.#drawChart();
    });
    choice($("tabs"), [["trades", "Trades", { "aria-controls": "tab-trades" }], ["talk", "Discussion", { "aria-controls": "tab-talk" }], ["about", "About", { "aria-controls": "tab-about" }]], "trades", (tab) => {
      for (const name of ["trades", "talk", "about"]) $(`tab-${name}`).hidden = name !== tab;
    }, "tab");
    this.list = new MarketList(this.live, (market) => wide.matches && location.hash.length < 2 && this.#open(market.id));
    addEventListener("hashchange", () => this.#route());
    wide.addEventListener("change", () => this.#route());
    document.addEventListener("keydown", (event) => {
      if (event.key !== "/" || /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "")) return;
      event.preventDefault();
      $("search").focus();
    });
    this.#route();
    void this.purse.resume();
    setInterval(() => document.hidden || void this.#readStats(), 20_000);
  }

  #route() {
    if (wide.matches) document.body.dataset.wide = "";
    else delete document.body.dataset.wide;
    const id = location.hash.slice(1);
    document.body.dataset.view = id === "" ? "list" : "market";
    if (id !== "" && id !== this.#market?.id) this.#open(id);
    if (id !== "" && !wide.matches) scrollTo(0, 0);
  }

  #open(id) {
    this.#leave?.();
    const shown = ++this.#shown;
    [this.#market, this.#stats, this.#isCharted] = [{ id }, null, false];
    this.list.mark(id);
    this.#leave = this.live.follow(`market:${id}`, {
      snapshot: (market) => {
        if (shown !== this.#shown) return;
        this.#market = { ...this.#market, ...market };
        if (!this.#isCharted) this.#begin(market);
        else {
          // Frames between are not told again.
          void this.#drawChart();
          void this.talk.readAgain();
        }
        this.#draw();
      },
      frame: (frame) => shown === this.#shown && this.#frame(frame),
      refused: (error) => {
        if (shown !== this.#shown) return;
        $("market").hidden = true;
        $("nothing").hidden = false;
        fill($("nothing"), h("p", {}, error.message), h("p", {}, h("a", { href: "#" }, "All markets")));
      },
    });
  }

  /** What is done once for a market, as soon as it is known. */
  #begin(market) {
    this.#isCharted = true;
    $("market").hidden = false;
    $("nothing").hidden = true;
    this.list.turnTo(market.state);
    const began = market.activated_at ?? market.created_at;
    const isOver = market.finalized_at ?? market.resolution_proposed_at;
    const age = (isOver ? Date.parse(isOver) : Date.now()) - Date.parse(began);
    this.#resolution = this.#isCandles ? this.#resolution : age < YOUNG_MS ? "trades" : age < 20 * YOUNG_MS ? "5m" : "1h";
    this.#resolutions.choose(this.#resolution);
    this.tape.show([]);
    this.chart.show(this.#resolution, this.#isCandles, []);
    void this.#drawChart();
    void this.#readStats();
    void get(`/api/markets/${market.id}`).then((more) => {
      if (this.#market?.id !== more.id) return;
      // Of this only what the channel does not tell.
      this.#market = { ...more, ...this.#market, volume_24h: more.volume_24h, traders_count: more.traders_count, fair_price_yes: more.fair_price_yes, warnings: more.warnings };
      this.#draw();
    }, () => undefined);
  }

  #frame({ type, data, seq }) {
    const market = this.#market;
    market.seq = seq;
    switch (type) {
      case "trade_executed":
        if (this.tape.add(data) && data.price_after && !data.contained) {
          const second = seconds(this.#resolution === "trades" ? data.created_at : data.block_time);
          this.chart.trade(second, Number(data.price_after) * 100, Number(data.cost));
          market.trades_count = (market.trades_count ?? 0) + 1;
          if (market.total_volume) market.total_volume = String(BigInt(market.total_volume) + BigInt(data.cost));
        }
        break;
      case "price_update": {
        const before = Number(market.current_price_yes);
        [market.current_price_yes, market.current_price_no] = [data.price_yes, data.price_no];
        [market.shares_yes, market.shares_no] = [data.shares_yes, data.shares_no];
        if (Number(data.price_yes) !== before) flash($("price"), Number(data.price_yes) > before ? "up" : "down");
        break;
      }
      case "market_update":
        if (data.market) this.#market = { ...market, ...data.market };
        break;
      case "rollback":
        if (data.market) this.#market = { ...market, ...data.market };
        void this.#drawChart();
        break;
      case "vote_update":
        this.ballot.voted(data);
        break;
      case "discussion":
        this.talk.said(data);
        break;
      default:
        return;
    }
    this.#draw();
  }

  async #readStats() {
    const id = this.#market?.id;
    if (!id) return;
    const stats = await get(`/api/markets/${id}/stats`).catch(() => null);
    if (!stats || this.#market?.id !== id) return;
    this.#stats = stats;
    this.#draw();
  }

  async #drawChart() {
    const [id, resolution, isCandles, shown] = [this.#market.id, this.#resolution, this.#isCandles, this.#shown];
    try {
      let trades = [];
      let cursor;
      for (let page = 0; page < (resolution === "trades" ? PAGES : 1); page += 1) {
        const said = await get(`/api/markets/${id}/trades`, { limit: TRADES, cursor });
        trades = trades.concat(said.trades);
        cursor = said.next_cursor;
        if (!cursor) break;
      }
      const candles = resolution === "trades" ? [] : (await get(`/api/markets/${id}/candles`, { resolution, limit: CANDLES })).candles;
      if (shown !== this.#shown || resolution !== this.#resolution) return;
      this.tape.show(trades);
      this.chart.show(resolution, isCandles, resolution === "trades" ? points(trades) : candles.map((candle) => ({
        time: seconds(candle.timestamp),
        ...Object.fromEntries(["open", "high", "low", "close"].map((name) => [name, Number(candle[name]) * 100])),
        volume: Number(candle.volume),
      })));
    } catch (error) {
      if (shown === this.#shown) say($("legend"), error.message);
    }
  }

  #draw() {
    const market = this.#market;
    const stats = this.#stats;
    if (!market.state) return;
    const name = title(market);
    document.title = `${percent(market.current_price_yes)} ${name} · zmart`;
    say($("question"), name);
    say($("state"), STATES[market.state]);
    $("state").dataset.state = market.state;
    say($("category"), market.category ?? "");
    say($("closes"), market.closes_at ? `closes ${date(market.closes_at)}` : "");
    const isPriced = market.state !== "PROPOSED" && market.state !== "APPROVED";
    say($("price"), market.final_outcome ?? (isPriced ? percent(market.current_price_yes) : "–"));
    const change = stats?.change_24h === undefined || stats?.change_24h === null || !isPriced ? null : (Number(market.current_price_yes) - Number(stats.price_yes_24h_ago ?? market.current_price_yes)) * 100;
    say($("change"), change === null ? "" : `${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(1)} pts 24h`);
    $("change").className = `num ${change === null || change >= 0 ? "up-text" : "down-text"}`;
    const figures = [
      ["24h volume", stats ? `${short(stats.volume_24h)} SOL` : "–"],
      ["Total volume", `${short(market.total_volume)} SOL`],
      ["Liquidity", `${short(market.current_liquidity)} SOL`],
      ["24h range", stats?.low_24h ? `${percent(stats.low_24h)} – ${percent(stats.high_24h)}` : "–"],
      ["Trades", count(market.trades_count)],
      ["Traders", count(stats?.traders_count ?? market.traders_count)],
    ];
    fill($("figures"), figures.map(([label, value]) => h("div", {}, h("dt", {}, label), h("dd", { class: "num" }, value))));
    this.#drawAbout(market);
    this.ticket.show(market);
    this.ballot.show(market);
    this.talk.show(market);
  }

  #drawAbout(market) {
    const rows = [
      ["Description", market.description],
      ["Decided by", market.resolution_criteria],
      ["Tags", market.tags?.join(", ")],
      ["Opened", date(market.activated_at ?? market.created_at)],
      ["Outcome proposed", market.proposed_outcome],
      ["Fair price of YES", market.fair_price_yes && percent(market.fair_price_yes, 2)],
      ["b", market.b_parameter && `${amount(market.b_parameter, 0)} shares`],
      ["Shares", market.shares_yes && `${amount(market.shares_yes, 2)} YES, ${amount(market.shares_no, 2)} NO`],
      ["Disputed", market.was_disputed ? `${count(market.dispute_agree)} for, ${count(market.dispute_disagree)} against` : null],
      ["Creator", market.creator_wallet && h("span", { class: "mono break" }, market.creator_wallet)],
      ["Account", h("span", { class: "mono break" }, market.id)],
      ["Journal entry", market.seq && `${count(market.seq)}`],
    ].filter(([, value]) => value);
    const warnings = (market.warnings ?? []).map(({ message }) => h("p", { class: "warn" }, message));
    fill($("tab-about"), ...warnings, h("dl", { class: "about" }, rows.map(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])));
  }

  #connected({ state, slot }) {
    const status = $("status");
    status.dataset.state = state;
    say(status.querySelector("b"), { on: "live", off: "reconnecting", gone: "not connected" }[state]);
    if (slot !== undefined) say($("slot"), `slot ${count(slot)}`);
  }
}

/** Trades, newest first, as a point a second. */
function points(trades) {
  const bars = new Map();
  for (const trade of [...trades].reverse()) {
    if (!trade.price_after) continue;
    const [time, price] = [seconds(trade.created_at), Number(trade.price_after) * 100];
    const bar = bars.get(time) ?? { time, open: price, high: price, low: price, close: price, volume: 0 };
    bar.high = Math.max(bar.high, price);
    bar.low = Math.min(bar.low, price);
    bar.close = price;
    bar.volume += Number(trade.cost);
    bars.set(time, bar);
  }
  return [...bars.values()].sort((a, b) => a.time - b.time);
}

places().then(
  (found) => new Page(found),
  (error) => fill($("nothing"), h("p", {}, error.message)),
);
