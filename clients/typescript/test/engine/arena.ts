/** A real chain, database and engine (`zmart-arena` of the testkit), driven by lines. */

import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { WebSocket } from "ws";
import { ZmartClient, type ClientOptions } from "../../src/index.js";

const PATIENCE = 120_000;

export class Arena {
  api = "";
  ws = "";
  market = "";
  proposal = "";
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string, undefined>;
  readonly #reader: Interface;
  #errors = "";
  #clients: ZmartClient[] = [];

  private constructor(settings: Record<string, string>) {
    const program = process.env["ZMART_ARENA_BIN"];
    if (program === undefined) throw new Error("ZMART_ARENA_BIN: run scripts/check-client");
    this.#process = spawn(program, Object.entries(settings).map(([name, value]) => `${name}=${value}`));
    this.#process.stderr.on("data", (text: Buffer) => (this.#errors = (this.#errors + text.toString()).slice(-40_000)));
    this.#reader = createInterface({ input: this.#process.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  static async open(settings: Record<string, string> = {}): Promise<Arena> {
    const arena = new Arena({ RATE_LIMITS: "off", LOG_LEVEL: "warn", ...settings });
    const ready = await arena.#line("ready");
    const field = (name: string): string => new RegExp(` ${name}=(\\S+)`).exec(ready)?.[1] ?? "";
    arena.api = field("api");
    arena.ws = field("ws");
    arena.market = field("market");
    arena.proposal = field("proposal");
    return arena;
  }

  /** Has a line carried out; what it answers. */
  async say(line: string): Promise<string> {
    this.#process.stdin.write(`${line}\n`);
    return (await this.#line("ok")).slice(3);
  }

  /** A client of it, closed with it. */
  client(options: Partial<ClientOptions> = {}): ZmartClient {
    const backoff = { base: 100, cap: 1_000 };
    const client = new ZmartClient({ api: this.api, ws: this.ws, WebSocket, backoff, ...options });
    this.#clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    this.#process.stdin.end();
    if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once("exit", resolve));
    this.#reader.close();
  }

  async #line(beginning: string): Promise<string> {
    const line: IteratorResult<string, undefined> = await within(`"${beginning}" of the arena`, this.#lines.next());
    if (line.done === true) throw new Error(`the arena ended: ${this.#errors}`);
    return line.value.startsWith(beginning) ? line.value : this.#line(beginning);
  }
}

/** Waits, with a bound. */
export async function within<T>(what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited for ${what}`));
    }, PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => {
    clearTimeout(timer);
  });
}
