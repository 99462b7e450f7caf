// Pictures of both pages, of an engine that runs: `node screenshots.mjs API FOLDER`.

import { openBrowser } from "./stage.mjs";

const [api, folder] = process.argv.slice(2);
const { browser, close } = await openBrowser();

/** A page of a size, in a theme, as it is after `prepare`. */
async function picture(name, path, size, theme, prepare) {
  const page = await browser.newPage();
  await page.emulateMedia({ colorScheme: theme });
  await page.setViewportSize(size);
  await page.goto(api + path);
  await page.locator("#status:is([data-state='on'], [data-state='ready'])").waitFor();
  await prepare(page);
  await page.screenshot({ path: `${folder}/${name}.png` });
  await page.close();
}

/** The market that is traded most, and what the ticket says of a trade. */
async function market(page) {
  await page.locator("#markets a").first().click();
  await page.locator("#chart canvas").first().waitFor();
  await page.locator("#quoted", { hasText: /\d/ }).waitFor();
  await page.waitForTimeout(4_000);
}

try {
  await picture("console-markets", "/", { width: 1280, height: 800 }, "dark", async (page) => {
    await market(page);
    await page.locator("#wallet").click();
    await page.getByRole("button", { name: "Make a wallet and sign in" }).click();
    await page.locator("#wallet", { hasText: " SOL" }).waitFor();
    await page.keyboard.press("Escape");
    // The price may run away from a trade: then it is tried again, as a person would.
    for (let tries = 0; tries < 10 && (await page.locator("#positions").isHidden()); tries += 1) {
      const accept = page.locator("#accept");
      if (await accept.count()) await accept.check();
      await page.locator("#ticket button.primary:enabled").click();
      await page.locator("#positions td").first().waitFor({ timeout: 8_000 }).catch(() => undefined);
    }
    await page.locator("#positions td").first().waitFor();
    await page.locator(".toast").first().waitFor({ state: "detached" });
    await page.waitForTimeout(1_500);
  });
  await picture("console-light", "/", { width: 1280, height: 800 }, "light", market);
  await picture("console-phone", "/", { width: 390, height: 844 }, "dark", market);
  await picture("console-ops", "/ops", { width: 1280, height: 900 }, "dark", async (page) => {
    await page.locator("#actors td").first().waitFor();
    await page.waitForTimeout(6_000);
  });
} finally {
  await close();
}
