// Figures for people. Amounts come as decimal strings of base units (1e-9) and stay integers until they are shown.

const UNIT = 1_000_000_000n;
const grouped = new Intl.NumberFormat("en-US");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });

/** `"1234567890"` -> `"1.23"`: so many digits behind the point, cut, not rounded. */
export function amount(units, digits = 2) {
  if (units === null || units === undefined) return "–";
  let value = BigInt(units);
  const sign = value < 0n ? "−" : "";
  if (value < 0n) value = -value;
  const rest = (value % UNIT).toString().padStart(9, "0").slice(0, digits);
  return `${sign}${grouped.format(value / UNIT)}${digits > 0 ? `.${rest}` : ""}`;
}

/** As much as is needed of a large or a small amount. */
export function short(units) {
  if (units === null || units === undefined) return "–";
  const value = Number(units) / 1e9;
  const size = Math.abs(value);
  if (size >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  if (size >= 1e4) return `${(value / 1e3).toFixed(1)}k`;
  return size >= 100 ? value.toFixed(1) : value.toFixed(2);
}

/** What was typed, in base units; null if it is no amount. */
export function units(text) {
  const match = /^\s*(\d{1,9})?(?:[.,](\d{0,9}))?\s*$/.exec(text);
  if (!match || (!match[1] && !match[2])) return null;
  return BigInt(match[1] ?? 0) * UNIT + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/** A price of YES, in percent with one digit. */
export const percent = (price, digits = 1) =>
  price === null || price === undefined ? "–" : `${(Number(price) * 100).toFixed(digits)}%`;

/** Basis points as percent. */
export const bps = (value) => (value === null || value === undefined ? "–" : `${(value / 100).toFixed(value % 100 ? 1 : 0)}%`);

/** A whole number, in groups. */
export const count = (value) => (value === null || value === undefined ? "–" : grouped.format(value));

/** The time of day. */
export const time = (moment) => clock.format(new Date(moment));

/** The day and the time. */
export const date = (moment) => (moment ? day.format(new Date(moment)) : "–");

/** How long ago, in one unit. */
export function ago(moment) {
  if (!moment) return "–";
  return `${lasting((Date.now() - new Date(moment).getTime()) / 1_000)} ago`;
}

/** So many seconds, in one or two units. */
export function lasting(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3_600) return `${Math.floor(s / 60)}m ${s % 60}s`;
  if (s < 86_400) return `${Math.floor(s / 3_600)}h ${Math.floor((s % 3_600) / 60)}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3_600)}h`;
}

/** An address, to be told from others at a glance. */
export const brief = (address) => (address ? `${address.slice(0, 4)}…${address.slice(-4)}` : "–");

/** What a market is about; one whose document is not known is named by its address. */
export const title = (market) => market.question ?? `Market ${brief(market.id)}`;
