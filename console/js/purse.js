// The wallet of this page, what it has, and the dialog that shows it.

import { $, fill, h, say, toast } from "./dom.js";
import { amount, brief, title } from "./format.js";
import { Wallet } from "./wallet.js";

/** A wallet that has less is given money before it trades: 0.1 SOL. */
const LITTLE = 100_000_000n;

export class Purse {
  #live;
  #hasFaucet;
  #changed;
  #ordered;
  #positions = new Map();
  #follows = null;
  #making = null;
  wallet = null;
  /** Lamports; null: not known. */
  balance = null;

  /** `changed()` is called when anything of it is another; `ordered(order)` of every step of a transaction. */
  constructor(live, hasFaucet, changed, ordered) {
    this.#live = live;
    this.#hasFaucet = hasFaucet;
    this.#changed = changed;
    this.#ordered = ordered;
    $("wallet").addEventListener("click", () => {
      this.#draw();
      $("purse").showModal();
    });
    $("purse").addEventListener("click", (event) => event.target === $("purse") && $("purse").close());
  }

  /** Takes up the wallet that this browser has. */
  async resume() {
    const wallet = await Wallet.kept();
    if (wallet && this.wallet === null) await this.#take(wallet);
  }

  /** A wallet that has signed in and has money; makes one where there is none. */
  async ready(step = () => undefined) {
    this.#making ??= this.#ready(step).finally(() => (this.#making = null));
    return this.#making;
  }

  async #ready(step) {
    if (!Wallet.isPossible) throw new Error("This page is not served securely: open it on localhost or by https to sign.");
    if (!this.#hasFaucet) throw new Error("A throw-away wallet trades on development chains only.");
    if (!this.wallet) {
      step("Making a wallet…");
      const made = await Wallet.make();
      await made.token();
      await this.#take(made);
    }
    step("Signing in…");
    await this.wallet.token();
    await this.#listen();
    if (this.balance === null) this.balance = await this.wallet.balance();
    if (this.balance < LITTLE) {
      step("Asking for money…");
      this.balance = await this.wallet.fund();
    }
    this.#tell();
    return this.wallet;
  }

  /** The position in a market, if it is known. */
  shares(market) {
    return this.#positions.get(market);
  }

  async #take(wallet) {
    this.wallet = wallet;
    this.#tell();
    await this.#readPositions();
    if (wallet.isSignedIn && this.#hasFaucet) {
      void this.#listen();
      this.balance = await wallet.balance().catch(() => null);
      this.#tell();
    }
  }

  async #readPositions() {
    const rows = await this.wallet.positions().catch(() => []);
    for (const row of rows) this.#positions.set(row.market_id, row);
    this.#tell();
  }

  #listen() {
    if (this.#follows) return this.#follows;
    const wallet = this.wallet;
    const follow = () => this.#live.follow(`wallet:${wallet.address}`, {
      snapshot: ({ orders, positions }) => {
        for (const order of orders ?? []) this.#ordered(order);
        for (const row of positions ?? []) this.#positions.set(row.market_id, { ...this.#positions.get(row.market_id), ...row });
        this.#tell();
      },
      frame: ({ type, data }) => {
        if (type === "order_update") {
          this.#ordered(data);
          if (data.status === "confirmed" || data.status === "failed") void this.#recount();
        } else if (type === "position_update") {
          this.#positions.set(data.market_id, { ...this.#positions.get(data.market_id), ...data });
          this.#tell();
          setTimeout(() => void this.#readPositions(), 700);
        }
      },
    });
    this.#follows = this.#live
      .signIn(() => wallet.token())
      .catch(() => undefined)
      .then(() => void follow());
    return this.#follows;
  }

  async #recount() {
    this.balance = await this.wallet.balance().catch(() => this.balance);
    this.#tell();
  }

  #tell() {
    say($("wallet"), this.wallet ? (this.balance === null ? brief(this.wallet.address) : `${amount(this.balance, 2)} SOL`) : "Wallet");
    this.#drawPositions();
    if ($("purse").open) this.#draw();
    this.#changed();
  }

  #drawPositions() {
    const rows = [...this.#positions.values()].filter((row) => row.shares_yes !== "0" || row.shares_no !== "0");
    $("positions").hidden = rows.length === 0;
    if (rows.length === 0) return;
    const profit = (row) => {
      const value = row.unrealized_pnl === null || row.unrealized_pnl === undefined ? null : BigInt(row.unrealized_pnl);
      return h("td", { class: value === null ? "num" : value < 0n ? "num down-text" : "num up-text" }, value === null ? "–" : amount(value, 3));
    };
    fill($("positions"), h("h2", {}, "Your positions"), h("table", {}, h("thead", {}, h("tr", {}, ["Market", "Shares", "Value", "P/L"].map((name, at) => h("th", { class: at > 0 && "num", scope: "col" }, name)))), h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, h("a", { href: `#${row.market_id}`, class: "clip" }, row.question ?? title({ id: row.market_id, question: null }))), h("td", { class: "num" }, [["YES", row.shares_yes], ["NO", row.shares_no]].filter(([, shares]) => shares !== "0").map(([name, shares]) => h("div", { class: name === "YES" ? "up-text" : "down-text" }, `${amount(shares, 2)} ${name}`))), h("td", { class: "num" }, row.current_value === null || row.current_value === undefined ? "–" : amount(row.current_value, 3)), profit(row))))));
  }

  #draw() {
    const { wallet } = this;
    const close = h("button", { type: "button", class: "quiet", onclick: () => $("purse").close(), "aria-label": "Close" }, "✕");
    const act = (name, run, kind = "") => h("button", { type: "button", class: kind, onclick: async ({ currentTarget }) => {
      currentTarget.disabled = true;
      try {
        await run();
      } catch (error) {
        toast(error.message, "bad");
      }
      this.#draw();
    } }, name);
    const body = wallet
      ? [
          h("p", { class: "dim" }, "A throw-away wallet. Its key stays in this browser and can't be read out."),
          h("p", { class: "mono break", id: "address" }, wallet.address),
          h("dl", { class: "quote num" }, h("dt", {}, "Balance"), h("dd", { class: "strong" }, `${amount(this.balance, 4)} SOL`)),
          h("div", { class: "chips" }, [
            act("Copy the address", () => navigator.clipboard.writeText(wallet.address)),
            this.#hasFaucet && act("Get 100 SOL", async () => {
              this.balance = await wallet.fund();
              void this.#listen();
              this.#tell();
            }, "primary"),
            act("Throw it away", async () => {
              await wallet.forget();
              location.reload();
            }),
          ]),
        ]
      : [
          h("p", {}, this.#hasFaucet ? "Make a wallet in this page and trade at once: the development chain gives it money that is worth nothing." : "This console signs with throw-away wallets on development chains only. Here it shows, and does not trade."),
          this.#hasFaucet && h("div", { class: "chips" }, act("Make a wallet and sign in", () => this.ready(), "primary")),
        ];
    fill($("purse"), h("div", { class: "between" }, h("h2", {}, "Wallet"), close), ...body);
  }
}
