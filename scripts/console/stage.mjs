// What both scripts need: a chain, a database and an engine (`zmart-arena`), driven by lines, and a browser.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const PATIENCE_MS = 120_000;

/** Waits, with a bound. */
export async function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited for ${what}`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The arena, running. */
export class Arena {
  #process;
  #lines;
  #errors = "";

  static async open(settings = {}) {
    const arena = new Arena();
    // Pages from a folder, for who works on them; else those that were built in.
    const { CONSOLE_DIR } = process.env;
    if (CONSOLE_DIR) settings = { CONSOLE_DIR, ...settings };
    const program = process.env.ZMART_ARENA_BIN;
    if (!program) throw new Error("ZMART_ARENA_BIN: run scripts/check-console");
    arena.#process = spawn(program, Object.entries({ LOG_LEVEL: "info", ...settings }).map(([name, value]) => `${name}=${value}`));
    arena.#process.stderr.on("data", (text) => (arena.#errors = (arena.#errors + text).slice(-20_000)));
    arena.#lines = createInterface({ input: arena.#process.stdout })[Symbol.asyncIterator]();
    const ready = await arena.#line("ready").catch((error) => {
      arena.#process.stdin.end();
      arena.#process.kill();
      throw error;
    });
    for (const [, name, value] of ready.matchAll(/ (\w+)=(\S+)/g)) arena[name] = value;
    return arena;
  }

  /** Has a line carried out; what it answers. */
  async say(line) {
    this.#process.stdin.write(`${line}\n`);
    return (await this.#line("ok")).slice(3);
  }

  async close() {
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once("exit", resolve));
  }

  async #line(beginning) {
    for (;;) {
      const { value, done } = await within(`"${beginning}" of the arena`, this.#lines.next());
      if (done) throw new Error(`the arena ended: ${this.#errors}`);
      if (value.startsWith(beginning)) return value;
    }
  }
}

/** Headless Chromium with a profile of its own. */
export async function openBrowser(options = {}) {
  const folder = mkdtempSync(join(tmpdir(), "zmart-console-"));
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launchPersistentContext(folder, { executablePath: process.env.CHROMIUM, headless: true, args, ...options });
  return {
    browser,
    close: async () => {
      await browser.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
