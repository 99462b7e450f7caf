// Services and the tree of actors: what each does, and orders to it.

import { fill, h } from "./dom.js";
import { count, lasting } from "./format.js";

/** A button that gives an order waits so long to be pressed again. */
const SURE_MS = 4_000;
/** Of the open ones, what is open stays so while the table is drawn anew. */
const open = new Set();

/** Buttons of a row: restart, and stop or start. Each wants to be pressed twice. */
function orders(name, status, act) {
  const isOff = status === "stopped" || status === "failed";
  return h("td", { class: "acts" }, status === "disabled" ? null : (isOff ? ["start"] : ["restart", "stop"]).map((order) => {
    const label = order[0].toUpperCase() + order.slice(1);
    return h("button", { type: "button", "aria-label": `${label} ${name}`, "data-order": `${order} ${name}`, onclick: ({ currentTarget: button }) => {
      if (button.classList.contains("sure")) {
        button.classList.remove("sure");
        button.textContent = label;
        act(name, order);
        return;
      }
      button.classList.add("sure");
      button.textContent = "Sure?";
      setTimeout(() => {
        button.classList.remove("sure");
        button.textContent = label;
      }, SURE_MS);
    } }, label);
  }));
}

const busyBar = (part) => {
  const bar = h("i");
  bar.style.width = `${Math.min(100, part * 100)}%`;
  return [h("span", { class: "busy", "data-high": part > 0.8 }, bar), ` ${(part * 100).toFixed(part < 0.1 ? 1 : 0)}%`.padStart(6)];
};

const dot = (status) => h("i", { class: "dot", "data-status": status });

/** Keeps rows as they are, but for what has changed: a button that has the focus keeps it. */
function draw(place, head, rows) {
  let body = place.querySelector("tbody");
  if (!body) {
    body = h("tbody");
    fill(place, h("table", {}, h("thead", {}, h("tr", {}, head.map(([name, kind]) => h("th", { scope: "col", class: kind ?? null }, name)))), body));
  }
  const known = new Map([...body.children].map((row) => [row.dataset.key, row]));
  const wanted = rows.map(({ key, cells, acts, status }) => {
    const row = known.get(key) ?? h("tr", { "data-key": key });
    const buttons = row.querySelector(".acts");
    if (buttons && row.dataset.status === status) {
      [...row.children].filter((cell) => cell !== buttons).forEach((cell, at) => cell.replaceWith(cells[at]));
    } else fill(row, cells, acts());
    row.dataset.status = status;
    return row;
  });
  if (wanted.length !== body.children.length || wanted.some((row, at) => body.children[at] !== row)) fill(body, wanted);
}

/** The six services. */
export function serviceTable(place, census, before, seconds, act) {
  const earlier = new Map(before.services.map((service) => [service.name, service]));
  draw(place, [["Service"], ["Status"], ["Up for", "num wide"], ["Busy", "wide"], ["Restarts", "num wide"], ["Actors", "wide"], [""]], census.services.map((service) => {
    const busy = Math.max(0, (service.busy_ms - (earlier.get(service.name)?.busy_ms ?? service.busy_ms)) / 1_000 / seconds);
    return {
      key: service.name,
      status: service.status,
      acts: () => orders(service.name, service.status, act),
      cells: [
        h("td", { class: "name" }, dot(service.status), h("b", {}, service.name)),
        h("td", {}, h("span", { class: "pill", "data-state": service.status }, service.status)),
        h("td", { class: "num wide" }, lasting(service.uptime_seconds)),
        h("td", { class: "num wide" }, busyBar(busy)),
        h("td", { class: "num wide" }, count(service.restarts)),
        h("td", { class: "dim wide" }, service.actors.join(", ")),
      ],
    };
  }));
}

/** Actors in the order of the tree, each with its depth. */
function tree(actors) {
  const names = new Set(actors.map(({ name }) => name));
  const under = (parent) => actors.filter((actor) => (names.has(actor.parent) ? actor.parent : null) === parent && actor.name !== parent);
  const ordered = [];
  const walk = (parent, rails) => {
    const children = under(parent);
    children.forEach((actor, at) => {
      const isLast = at === children.length - 1;
      ordered.push({ ...actor, rail: parent === null ? "" : `${rails}${isLast ? "└ " : "├ "}` });
      if (ordered.length < 1_000) walk(actor.name, parent === null ? "" : `${rails}${isLast ? "  " : "│ "}`);
    });
  };
  walk(null, "");
  return ordered;
}

/** The tree of actors. */
export function actorTable(place, census, before, seconds, act) {
  const earlier = new Map(before.actors.map((actor) => [actor.name, actor]));
  const rate = (actor, name) => Math.max(0, ((actor[name] ?? 0) - (earlier.get(actor.name)?.[name] ?? actor[name] ?? 0)) / seconds);
  draw(place, [["Actor"], ["Status"], ["Runs", "wide"], ["Queue", "num wide"], ["Processed", "num wide"], ["A second", "num wide"], ["Busy", "wide"], ["Restarts", "num wide"], ["Last panic"], [""]], tree(census.actors).map((actor) => ({
    key: actor.name,
    status: actor.status,
    acts: () => (actor.parent === null ? h("td", { class: "acts" }) : orders(actor.name, actor.status, act)),
    cells: [
      h("td", { class: "name" }, h("span", { class: "rail" }, actor.rail), dot(actor.status), h("b", {}, actor.name)),
      h("td", {}, h("span", { class: "pill", "data-state": actor.status }, actor.status)),
      h("td", { class: "dim wide" }, actor.runs),
      h("td", { class: "num wide" }, actor.queue === null ? "–" : actor.queue_max ? `${count(actor.queue)}/${count(actor.queue_max)}` : count(actor.queue)),
      h("td", { class: "num wide" }, count(actor.processed)),
      h("td", { class: "num wide" }, rate(actor, "processed").toFixed(1)),
      h("td", { class: "num wide" }, busyBar(rate(actor, "busy_ms") / 1_000)),
      h("td", { class: "num wide" }, count(actor.restarts)),
      h("td", { class: "panic" }, panic(actor)),
    ],
  })));
}

function panic({ name, last_panic: last }) {
  if (!last) return null;
  const key = `${name} ${last.at}`;
  return h("details", { open: open.has(key), ontoggle: ({ currentTarget }) => (currentTarget.open ? open.add(key) : open.delete(key)) }, h("summary", {}, last.message), h("pre", {}, `${last.at}\n${last.backtrace ?? ""}`));
}
