// Lists of the ops port as tables: their columns are the fields of their rows, or those that are worth the room.

import { $, fill, h } from "./dom.js";
import { ago, brief, count } from "./format.js";

const MOMENT = /^\d{4}-\d\d-\d\dT/;

function cell(value) {
  if (value === null || value === undefined) return h("td", { class: "dim" }, "–");
  if (typeof value === "number") return h("td", { class: "num" }, count(value));
  if (typeof value === "boolean") return h("td", {}, value ? "yes" : "no");
  if (typeof value === "object") return h("td", { class: "mono", title: JSON.stringify(value) }, JSON.stringify(value));
  if (MOMENT.test(value)) return h("td", { title: value }, ago(value));
  const isAddress = /^[1-9A-HJ-NP-Za-km-z]{32,90}$/.test(value);
  return h("td", { class: isAddress ? "mono" : null, title: value }, isAddress ? brief(value) : value);
}

/** Draws the rows of an answer, which are its field `rows`; `act(row)` is a button for one, or nothing. */
export function table(id, answer, { rows: key, columns: wanted, act } = {}) {
  const section = $(id);
  if (!answer) return;
  const rows = answer[key] ?? [];
  section.hidden = false;
  const place = section.querySelector(".over");
  if (place.contains(document.activeElement)) return;
  if (rows.length === 0) {
    fill(place, h("p", { class: "note" }, "Nothing now."));
    return;
  }
  const columns = wanted ?? Object.keys(rows[0]);
  const isNumber = (name) => typeof rows[0][name] === "number";
  fill(place, h("table", {}, h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col", class: isNumber(name) && "num" }, name.replaceAll("_", " "))), act && h("th"))), h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((name) => cell(row[name])), act && h("td", { class: "acts" }, act(row)))))));
}
