// The page of operations: asks the ops port again and again what runs, and gives orders by hand.

import { ApiError, ask, get, places } from "./api.js";
import { $, fill, h, say, toast } from "./dom.js";
import { actorTable, serviceTable } from "./actors.js";
import { count, lasting } from "./format.js";
import { table } from "./tables.js";

/** What moves is asked for so often; lists, and the log, more rarely. */
const PULSE_MS = 1_000;
const LISTS_MS = 3_000;
/** Points of the small charts: two minutes. */
const POINTS = 120;
const LINES = 200;

class Ops {
  #base;
  #token = null;
  #before = null;
  #history = {};
  #levelIsEdited = false;
  /** What this engine does not have. */
  #missing = new Set();

  constructor(base) {
    this.#base = base;
    try {
      this.#token = sessionStorage.getItem("ops-token");
    } catch {
      // Nothing is kept here: it is typed again.
    }
    $("sign").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#token = $("token").value.trim();
      try {
        sessionStorage.setItem("ops-token", this.#token);
      } catch {
        // As above.
      }
      void this.#pulse();
      void this.#lists();
    });
    $("levels").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#levelIsEdited = false;
      void this.#order("PUT", "/log-levels", `Levels: ${$("level").value}`, { levels: $("level").value });
    });
    $("level").addEventListener("input", () => (this.#levelIsEdited = true));
    $("pause").addEventListener("click", () => {
      const paused = $("pause").getAttribute("aria-pressed") !== "true";
      void this.#order("PUT", "/intake", paused ? "New input is refused" : "New input is taken", { paused }).then(() => this.#lists());
    });
    this.#again(() => this.#pulse(), PULSE_MS);
    this.#again(() => this.#lists(), LISTS_MS);
  }

  /** One after the other, never two at once, and not while nobody looks. */
  #again(run, ms) {
    const next = async () => {
      if (!document.hidden) await run();
      setTimeout(next, ms);
    };
    void next();
  }

  #ask(method, path, body) {
    return ask(method, path, { base: this.#base, token: this.#token, body });
  }

  async #order(method, path, done, body) {
    try {
      await this.#ask(method, path, body);
      toast(done);
    } catch (error) {
      toast(error.message, "bad");
    }
  }

  async #pulse() {
    void this.#readiness();
    let census;
    try {
      census = await this.#ask("GET", "/actors");
    } catch (error) {
      this.#away(error);
      return;
    }
    $("sign").hidden = true;
    const at = performance.now();
    const before = this.#before ?? { at, census };
    const seconds = Math.max((at - before.at) / 1_000, 0.001);
    this.#before = { at, census };
    say($("node"), `${census.node} · ${census.version} · process ${census.pid}`);
    const act = (name, order) => void this.#order("POST", `/actors/${encodeURIComponent(name)}/${order}`, `${name}: ${order}`);
    for (const [id, draw] of [["services", serviceTable], ["actors", actorTable]]) {
      $(id).hidden = false;
      draw($(id).querySelector(".over"), census, before.census, seconds, act);
    }
    const sum = (name) => census.actors.reduce((all, actor) => all + (actor[name] ?? 0), 0);
    this.#card("restarts", "Restarts", count(sum("restarts")), census.actors.filter((actor) => actor.last_panic).length > 0 ? "panics below" : "no panic");
    this.#card("uptime", "Up for", lasting((Date.now() - Date.parse(census.started_at)) / 1_000), `since ${new Date(census.started_at).toLocaleTimeString(undefined, { hour12: false })}`);
    this.#card("markets", "Markets in memory", count(census.markets?.alive), `${count(census.markets?.stale)} stale`);
    void this.#metrics(seconds);
  }

  #away(error) {
    const isRefused = error instanceof ApiError && (error.status === 401 || error.status === 403);
    $("sign").hidden = false;
    say($("why"), isRefused ? (this.#token ? "This token is not the one." : "This page needs the operator's token.") : `The ops port at ${this.#base} does not answer.`);
    if (isRefused) for (const id of ["services", "actors", "alerts", "lag", "connections", "submissions", "logs"]) $(id).hidden = true;
  }

  async #readiness() {
    let ready;
    try {
      ready = await get("/ready");
    } catch (error) {
      ready = error.body ?? null;
    }
    const status = $("status");
    status.dataset.state = ready?.status ?? "gone";
    say(status.querySelector("b"), { ready: "ready", not_ready: "not ready" }[ready?.status] ?? "no answer");
    if (!ready?.parts) return;
    this.#card("lag", "Chain lag", `${count(ready.lag_slots)} slots`, `covered to ${count(ready.covered_slot)}`, ready.lag_slots);
    $("parts").hidden = false;
    fill($("parts"), Object.entries(ready.parts).map(([name, { status: state, reason }]) => h("span", { class: "part", "data-status": state, title: reason ?? state }, h("i"), name.replaceAll("_", " "), state === "down" && `: ${reason}`)));
  }

  /** Figures of Prometheus, by name; labels are summed. */
  async #metrics() {
    const text = await this.#ask("GET", "/metrics").catch(() => null);
    if (typeof text !== "string") return;
    const at = performance.now();
    const values = new Map();
    for (const line of text.split("\n")) {
      const match = /^(zmart_\w+)(?:\{[^}]*\})? (\S+)/.exec(line);
      if (match) values.set(match[1], (values.get(match[1]) ?? 0) + Number(match[2]));
    }
    const entries = values.get("zmart_journal_entries_total");
    if (entries !== undefined) {
      const last = this.#history.entries;
      const rate = last ? Math.max(0, (entries - last.value) / ((at - last.at) / 1_000)) : 0;
      this.#history.entries = { value: entries, at };
      this.#card("journal", "Journal", `${rate.toFixed(1)}/s`, `${count(entries)} entries`, rate);
    }
  }

  #card(id, name, value, more, point) {
    let card = $(`card-${id}`);
    if (!card) {
      card = h("dl", { class: "card", id: `card-${id}` }, h("dt", {}, name), h("dd"), h("small"));
      if (point !== undefined) card.append(spark());
      $("figures").append(card);
      const order = ["lag", "journal", "markets", "connections", "restarts", "uptime"];
      const cards = [...$("figures").children].sort((a, b) => order.indexOf(a.id.slice(5)) - order.indexOf(b.id.slice(5)));
      if (cards.some((one, place) => $("figures").children[place] !== one)) fill($("figures"), cards);
    }
    say(card.querySelector("dd"), value);
    say(card.querySelector("small"), more);
    if (point === undefined) return;
    const points = (this.#history[id] ??= []);
    points.push(point);
    if (points.length > POINTS) points.shift();
    const top = Math.max(...points, 1);
    const path = points.map((one, place) => `${place === 0 ? "M" : "L"}${(place * 100) / (POINTS - 1)} ${20 - (one / top) * 18}`).join("");
    card.querySelector("path").setAttribute("d", path);
  }

  async #lists() {
    if (!$("sign").hidden && this.#before === null) return;
    const read = async (path) => {
      if (this.#missing.has(path)) return null;
      try {
        return await this.#ask("GET", path);
      } catch (error) {
        if (error.status === 404) this.#missing.add(path);
        return null;
      }
    };
    const [alerts, markets, connections, submissions, levels, logs, intake] = await Promise.all([
      read("/alerts"), read("/actors/markets?sort=lag&limit=100"), read("/connections"), read("/submissions"), read("/log-levels"), read(`/logs?lines=${LINES}`), read("/intake"),
    ]);
    const acknowledge = ({ id, acknowledged_at, resolved_at }) => acknowledged_at || resolved_at ? null : h("button", { type: "button", onclick: () => void this.#order("POST", `/alerts/${id}/acknowledge`, "Acknowledged").then(() => this.#lists()) }, "Acknowledge");
    table("alerts", alerts, { rows: "alerts", columns: ["severity", "kind", "subject", "message", "raised_at", "times", "resolved_at"], act: acknowledge });
    table("lag", markets, { rows: "markets", columns: ["market", "lag_ms", "running", "reason", "idle_ms"] });
    table("connections", connections, { rows: "connections", columns: ["id", "address", "wallet", "channels", "waiting_frames", "waiting_bytes", "catching_up"] });
    table("submissions", submissions, { rows: "submissions" });
    const total = connections?.total;
    if (total !== undefined) this.#card("connections", "Connections", count(total), "WebSocket", total);
    if (levels) {
      $("logs").hidden = false;
      if (!this.#levelIsEdited && document.activeElement !== $("level")) $("level").value = levels.levels;
    }
    if (logs) this.#log(logs.lines ?? logs);
    if (intake) {
      $("pause").hidden = false;
      $("pause").setAttribute("aria-pressed", String(intake.paused));
      say($("pause"), intake.paused ? "Input is paused: resume" : "Pause new input");
    }
  }

  #log(lines) {
    $("logs").hidden = false;
    const box = $("lines");
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 30;
    fill(box, lines.map((line) => {
      const text = typeof line === "string" ? line : [line.at ?? line.timestamp, line.level, line.target, line.message].filter(Boolean).join(" ");
      return h("span", { class: /\b(ERROR|WARN|INFO|DEBUG|TRACE)\b/.exec(text)?.[1] }, `${text}\n`);
    }));
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }
}

function spark() {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 22");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS(space, "path"));
  return svg;
}

places().then(
  ({ ops }) => {
    if (ops) return new Ops(ops);
    $("sign").hidden = false;
    say($("why"), "This node has no ops port.");
    return null;
  },
  (error) => {
    $("sign").hidden = false;
    say($("why"), error.message);
  },
);
