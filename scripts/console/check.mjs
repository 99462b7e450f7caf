// The console in headless Chromium, against a real engine, chain and database. Every test ends with no error in the
// browser's console.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Arena, openBrowser, within } from "./stage.mjs";

const PATIENCE = 60_000;
let arena;
let chromium;
let page;
const errors = [];

/** A new tab whose errors are collected. */
async function tab(path = "/", options) {
  const opened = await chromium.browser.newPage();
  opened.setDefaultTimeout(PATIENCE);
  if (options?.size) await opened.setViewportSize(options.size);
  opened.on("console", (message) => message.type() === "error" && errors.push(`${path}: ${message.text()}`));
  opened.on("pageerror", (error) => errors.push(`${path}: ${error.stack}`));
  await opened.goto(arena.api + path);
  return opened;
}

const text = (selector, on = page) => on.locator(selector).innerText();
/** Waits until the text of an element satisfies a rule. */
async function shows(selector, rule, on = page) {
  let last = "";
  for (const began = Date.now(); Date.now() - began < PATIENCE; await new Promise((resolve) => setTimeout(resolve, 100))) {
    last = await on.locator(selector).first().innerText().catch(() => "");
    if (rule(last)) return last;
  }
  return assert.fail(`${selector} shows ${JSON.stringify(last)}: ${rule}`);
}
const isLive = (on) => on.locator('#status[data-state="on"]').waitFor();

before(async () => {
  arena = await Arena.open();
  chromium = await openBrowser();
  page = await tab("/");
});

after(async () => {
  try {
    await chromium?.close();
  } finally {
    await arena?.close();
  }
});

test("the list shows the market, and its page a live price", async () => {
  await isLive(page);
  await page.locator(`#markets a[href="#${arena.market}"]`).click();
  assert.match(await shows("#price", (price) => price.endsWith("%")), /^\d+\.\d%$/);
  await page.locator("#chart canvas").first().waitFor();
});

test("a price moves on the page when others trade, and each trade is on the tape once", async () => {
  const before = await text("#price");
  const rows = () => page.locator("#tab-trades tbody tr[data-id]").count();
  const had = await rows();
  await arena.say(`buy ${arena.market} 7`);
  await shows("#price", (price) => price !== before);
  await page.waitForFunction((wanted) => document.querySelectorAll("#tab-trades tbody tr[data-id]").length >= wanted, had + 7);
  const ids = await page.locator("#tab-trades tbody tr[data-id]").evaluateAll((all) => all.map((row) => row.dataset.id));
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(ids.length, had + 7);
});

test("who has no wallet makes one in the page, signs in, and has money", async () => {
  await page.locator("#wallet").click();
  await page.getByRole("button", { name: "Make a wallet and sign in" }).click();
  await shows("#wallet", (said) => said === "100.00 SOL");
  assert.match(await text("#address"), /^[1-9A-HJ-NP-Za-km-z]{32,44}$/);
  await page.keyboard.press("Escape");
  await page.locator("#purse").waitFor({ state: "hidden" });
});

async function trade(side, amount) {
  await page.locator(`#ticket button[data-value="${side}"]`).click();
  await page.locator("#amount").fill(amount);
  await shows("#quoted", (said) => /\d/.test(said));
  const accept = page.locator("#accept");
  // A warning may come with the next price, too.
  if ((await accept.count()) > 0) await accept.check();
  await page.locator("#ticket button.primary:enabled").click();
  await page.locator('#ticket .result[data-status="confirmed"], #ticket .result[data-status="finalized"]').waitFor();
  await page.locator("#ticket .result").evaluate((element) => delete element.dataset.status);
}

test("the ticket quotes live and buys, and the position and the balance follow", async () => {
  await page.locator("#amount").fill("2");
  const first = await shows("#quoted", (said) => /\d/.test(said));
  await arena.say(`buy ${arena.market} 1`);
  await shows("#quoted", (said) => said !== first && /\d/.test(said));
  await trade("buy", "2");
  await shows("#positions", (said) => /\d+\.\d\d YES/.test(said));
  await shows("#wallet", (said) => said.startsWith("97.99") || said.startsWith("98."));
});

test("what was bought can be sold", async () => {
  await page.locator('#ticket button[data-value="sell"]').click();
  await page.getByRole("button", { name: "100%", exact: true }).click();
  await trade("sell", await page.locator("#amount").inputValue());
  await page.locator("#positions").waitFor({ state: "hidden" });
});

test("a proposal is voted on, once, and the tally shows it", async () => {
  await page.goto(`${arena.api}/#${arena.proposal}`);
  await page.locator("#ballot").waitFor();
  await page.locator('#ballot button[data-vote="true"]').click();
  await shows("#tally", (said) => said === "1 · 0");
  await shows("#ballot", (said) => said.includes("You voted"));
  await arena.say(`vote ${arena.proposal}`);
  await shows("#tally", (said) => said === "2 · 0");
  assert.equal(await page.locator("#ballot button:enabled").count(), 0);
});

test("a comment is posted, heard by another page, and deleted by its author; its text is text", async () => {
  const other = await tab(`/#${arena.proposal}`);
  for (const on of [page, other]) await on.locator('#tabs button[data-value="talk"]').click();
  const said = `<img src=x onerror="document.title='broken'"> ${Date.now()}`;
  await page.locator(".say textarea").fill(said);
  await page.locator(".say button").click();
  for (const on of [page, other]) await shows("#tab-talk article p", (shown) => shown === said, on);
  await page.locator("#tab-talk article button").click();
  for (const on of [page, other]) await on.locator("#tab-talk article").waitFor({ state: "detached" });
  await other.close();
});

test("a page that is loaded again has its wallet", async () => {
  const address = await page.evaluate(() => JSON.parse(sessionStorage.getItem("session")).address);
  await page.reload();
  await shows("#wallet", (said) => said.endsWith(" SOL"));
  await page.locator("#wallet").click();
  assert.equal(await text("#address"), address);
  await page.keyboard.press("Escape");
});

test("everything can be reached by keys, and the focus is seen", async () => {
  await page.goto(`${arena.api}/#${arena.market}`);
  await shows("#price", (price) => price.endsWith("%"));
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.press("Tab");
  const reached = new Set();
  for (let step = 0; step < 40; step += 1) {
    const { what, isSeen } = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      // Past the last one the focus is on nothing.
      if (element === document.body) return { what: "", isSeen: true };
      return { what: element.id || element.dataset.value || element.textContent.trim().slice(0, 20), isSeen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
    });
    reached.add(what);
    assert.ok(isSeen, `the focus on ${what} is not seen`);
    await page.keyboard.press("Tab");
  }
  for (const wanted of ["ACTIVE", "trades", "amount", "YES"]) assert.ok(reached.has(wanted), `${wanted} is not reached: ${[...reached].join(", ")}`);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("s");
  assert.equal(await page.evaluate(() => document.activeElement.id), "amount");
  assert.equal(await text(".unit"), "shares");
});

/** Contrast of two colours as WCAG has it. */
const contrast = (on, selector) => on.locator(selector).first().evaluate((element) => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const luminance = (colour) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const parts = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255);
    const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let behind = element;
  while (behind.parentElement && /^rgba\(.*, 0\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  const [a, b] = [luminance(getComputedStyle(element).color), luminance(getComputedStyle(behind).backgroundColor)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
});

test("both pages fit a phone, in dark and in light, and are readable", async () => {
  for (const path of ["/", `/#${arena.market}`, "/ops"]) {
    const phone = await tab(path, { size: { width: 390, height: 844 } });
    await phone.locator("header.top").waitFor();
    await phone.locator(path === "/ops" ? "#actors tr[data-key]" : path === "/" ? "#markets a" : "#price").first().waitFor();
    await phone.waitForTimeout(500);
    for (const theme of ["dark", "light"]) {
      if ((await phone.evaluate(() => document.documentElement.dataset.theme)) !== theme) await phone.locator("#theme").click();
      const width = await phone.evaluate(() => document.scrollingElement.scrollWidth);
      assert.ok(width <= 390, `${path} is ${width} pixels wide`);
      for (const selector of ["body", ".status", ".top nav a:not([aria-current])"]) {
        const found = await contrast(phone, selector);
        assert.ok(found >= 4.5, `${path} ${theme} ${selector}: contrast ${found.toFixed(2)}`);
      }
    }
    await phone.close();
  }
});

test("a page outlives the engine: nothing is missing on the tape, nothing twice", async () => {
  const market = await arena.say("market");
  await page.goto(`${arena.api}/#${market}`);
  await isLive(page);
  await arena.say(`buy ${market} 2`);
  await page.waitForFunction(() => document.querySelectorAll("#tab-trades tbody tr[data-id]").length === 2);
  const known = errors.length;
  await arena.say("kill");
  await page.locator('#status[data-state="off"]').waitFor();
  await arena.say(`buy ${market} 3`);
  await arena.say("start");
  await isLive(page);
  await page.waitForFunction(() => document.querySelectorAll("#tab-trades tbody tr[data-id]").length === 5);
  // That nobody listens, or is not ready yet, is an error to the browser; anything else is one to us.
  const since = errors.splice(known);
  errors.push(...since.filter((error) => !/ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|status of 503/.test(error)));
});

test("an operator sees what runs, and restarts an actor by hand", async () => {
  const ops = await tab("/ops");
  await shows("#actors", (said) => said.includes("listener"), ops);
  for (const name of ["api-gateway", "websocket-server", "vote-aggregator", "market-monitor", "event-indexer", "ipfs-service"]) {
    await ops.locator(`#services tr[data-key="${name}"]`).waitFor();
  }
  const row = ops.locator('#actors tr[data-key="listener"]');
  const restarts = async () => Number(await row.locator("td").nth(7).innerText());
  const before = await restarts();
  const button = ops.locator('button[data-order="restart listener"]');
  await button.click();
  await button.click();
  await within("the restart", (async () => {
    while ((await restarts()) <= before) await ops.waitForTimeout(200);
  })());
  await row.locator('.pill[data-state="running"]').waitFor();
  await ops.close();
});

test("no page had an error in the browser's console", () => {
  assert.deepEqual(errors, []);
});
