/** The client in a real browser, on a page of another origin, against a real engine. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import test from "node:test";
import { chromium } from "playwright-core";
import { Arena, within } from "../engine/arena.js";
import type { Page } from "./page.js";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
/** By somebody's word only: a browser that is missing is a failure. */
const LEFT_OUT = (process.env["CI_WITHOUT"] ?? "").split(/\s+/).includes("browser");
const DIST = new URL("../../", import.meta.url).pathname;

/** The built files as they are: a browser reads modules without a bundler. */
async function serve(): Promise<{ server: Server; origin: string }> {
  const page = `<!doctype html><title>zmart</title><script type="module" src="/test/browser/page.js"></script>`;
  const server = createServer((request, response) => {
    const path = normalize(request.url ?? "/");
    if (path === "/") {
      response.setHeader("content-type", "text/html").end(page);
      return;
    }
    readFile(join(DIST, path)).then(
      (text) => response.setHeader("content-type", "text/javascript").end(text),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("in a browser: sign in, subscribe, trade, and every frame once while the engine is killed and stopped", { skip: LEFT_OUT && "left out by CI_WITHOUT" }, async () => {
  const { server, origin } = await serve();
  const arena = await Arena.open({ CORS_ORIGINS: origin });
  const folder = mkdtempSync(join(tmpdir(), "zmart-chromium-"));
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launchPersistentContext(folder, { executablePath: CHROMIUM, headless: true, args: [...flags, ...quiet] });
  try {
    const tab = await browser.newPage();
    await tab.goto(origin);
    await tab.waitForFunction(() => "zmart" in globalThis);
    const { api, ws } = arena;
    const market = await arena.say("market");
    const address = await within("sign-in", tab.evaluate(([api, ws, market]) => {
      return (globalThis as unknown as { zmart: Page }).zmart.begin(api ?? "", ws ?? "", market ?? "");
    }, [api, ws, market]));
    await arena.say(`fund ${address}`);
    const trade = (spend: string): Promise<string> =>
      within("a trade", tab.evaluate(([market, spend]) => {
        return (globalThis as unknown as { zmart: Page }).zmart.trade(market ?? "", spend ?? "");
      }, [market, spend]));

    const signatures = [await trade("50000000")];
    await arena.say(`buy ${market} 3`);
    await arena.say("kill");
    await arena.say(`buy ${market} 5`);
    await arena.say("start");
    await arena.say("stop");
    await arena.say(`buy ${market} 2`);
    await arena.say("start");
    signatures.push(await trade("60000000"));

    const trades = 12;
    await tab.waitForFunction((wanted) => {
      const heard = (globalThis as unknown as { zmart: Page }).zmart.heard();
      return heard.filter(({ type }) => type === "price_update").length >= wanted;
    }, trades, { timeout: 90_000 });
    const heard = await tab.evaluate(() => (globalThis as unknown as { zmart: Page }).zmart.heard());
    const first = heard[0]?.seq ?? 0;
    assert.equal(heard[0]?.type, "subscribed");
    const expected = Array.from({ length: trades }, (_, n) => [
      { type: "trade_executed", seq: first + n + 1 },
      { type: "price_update", seq: first + n + 1 },
    ]).flat();
    assert.deepEqual(heard.slice(1).map(({ type, seq }) => ({ type, seq })), expected);
    for (const signature of signatures) assert.equal(heard.filter((event) => event.signature === signature).length, 1);
    const ends = await tab.evaluate(() => (globalThis as unknown as { zmart: Page }).zmart.ends());
    assert.ok(ends.length >= 2, JSON.stringify(ends));
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
    await arena.close();
    server.close();
  }
});
