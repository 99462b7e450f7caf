/** The client: one connection, kept up, and everything that is asked and heard over it. */

import { Backoff, type BackoffOptions } from "./backoff.js";
import { Connection, type End, type Heard, type SocketClass } from "./connection.js";
import { Disconnected, Refused, Stopped } from "./errors.js";
import { CLOSES, type WelcomeMessage } from "./generated/asyncapi.js";
import type { Quotes } from "./quotes.js";
import { Rest } from "./rest.js";
import { Session } from "./session.js";
import { Subscription, type EventOf, type Line, type SubscribeOptions } from "./subscription.js";
import { Trading } from "./trading.js";
import type { Wallet } from "./wallet.js";

export interface ClientOptions {
  /** REST: `http://HOST:4000`. */
  api: string;
  /** WebSocket: `ws://HOST:4001`. */
  ws: string;
  /** Where there is no global one (Node 20): `import { WebSocket } from "ws"`. */
  WebSocket?: SocketClass;
  backoff?: BackoffOptions;
  fetch?: typeof fetch;
  observer?: Observer;
}

/** What an application may want to see; nothing needs to be done about any of it. */
export interface Observer {
  connected?(welcome: WelcomeMessage): void;
  /** It is come back to after so many milliseconds. */
  disconnected?(end: End, wait: number): void;
  stopped?(error: Stopped): void;
  /** The token could not be renewed; it is tried again. */
  signInFailed?(error: unknown): void;
}

type Answered = (answer: Heard | Disconnected) => void;

/** An answer is waited for so long, in milliseconds. */
const PATIENCE = 20_000;
/** A connection that held so long counts as good: the next failure is waited for from the beginning. */
const HELD = 5_000;
/** An action that may succeed a little later is said again after so long, in milliseconds. */
const RETRY = 1_000;
/** So often a sign-in that may succeed a little later is tried before one goes on without. */
const SIGN_INS = 5;
/** After 4009 the wait is at least this. */
const RATE_LIMITED_WAIT = 5_000;

export class ZmartClient {
  readonly rest: Rest;
  readonly trading: Trading;
  readonly #options: ClientOptions;
  readonly #backoff: Backoff;
  readonly #subscriptions = new Map<string, Subscription>();
  /** Quote streams, and by which id the newest life of each is named. */
  readonly #quotes = new Map<Quotes, number>();
  readonly #asked = new Map<number, Answered>();
  readonly #opening = new Set<() => void>();
  #connection: Connection | undefined;
  #isOpen = false;
  /** Who one is was told: channels may be asked for. */
  #isReady = false;
  #openedAt = 0;
  #stopped: Stopped | undefined;
  #session: Session | undefined;
  #nextId = 1;
  #wake: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff ?? { base: 500, cap: 30_000 });
    this.rest = new Rest(options.api, options.fetch);
    this.trading = new Trading(this);
    this.#connect();
  }

  /** Who is signed in. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Signs in, on the socket too, and stays so: the token is renewed in time, and shown again after each reconnect. */
  async signIn(wallet: Wallet): Promise<Session> {
    const session = await Session.signIn(this.rest, wallet);
    this.#session = session;
    if (this.#isReady) await this.#authenticate(session);
    else await this.opened();
    return session;
  }

  /** Everything of a channel, from a snapshot on, or from `since`. A channel has one reader at a time. */
  subscribe<C extends string>(channel: C, options: SubscribeOptions = {}): Subscription<EventOf<C>> {
    if (this.#stopped) throw this.#stopped;
    if (this.#subscriptions.has(channel)) throw new Error(`${channel} has a reader already`);
    const subscription = new Subscription<EventOf<C>>(channel, this.#line, options);
    this.#subscriptions.set(channel, subscription as Subscription);
    if (this.#isReady) subscription.connected();
    return subscription;
  }

  /** Says an action and waits for its one answer. Throws Refused, Disconnected if the answer was lost, or Stopped. */
  async request(action: string, fields: Record<string, unknown> = {}): Promise<Heard> {
    await this.opened();
    return this.#say(action, fields);
  }

  #say(action: string, fields: Record<string, unknown>): Promise<Heard> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        reject(new Disconnected(`no answer to ${action}`));
      }, PATIENCE);
      const id = this.#ask({ action, ...fields }, (answer) => {
        clearTimeout(timer);
        if (answer instanceof Error) reject(answer);
        else if (answer.type === "error") reject(new Refused(answer.code, answer.message, answer.retryable, answer));
        else resolve(answer);
      });
    });
  }

  /** Begins a quote stream, and begins it again on each connection. */
  stream(quotes: Quotes): void {
    if (this.#stopped) throw this.#stopped;
    quotes.left = () => {
      const id = this.#quotes.get(quotes);
      this.#quotes.delete(quotes);
      if (this.#isReady && id !== undefined) this.#connection?.send({ action: "unsubscribe", quote: id });
    };
    this.#quotes.set(quotes, 0);
    if (this.#isReady) this.#beginQuotes(quotes);
  }

  /** Waits until there is a connection, signed in where one is. */
  async opened(): Promise<void> {
    while (!this.#isReady) {
      if (this.#stopped) throw this.#stopped;
      await new Promise<void>((resolve) => this.#opening.add(resolve));
    }
  }

  /** Ends it all: iterators end, nothing is come back to. */
  close(): void {
    this.#stop(new Stopped(undefined, "the client was closed"), undefined);
  }

  readonly #line: Line = {
    join: (channel, since, conflate, answered) => {
      const place = since && { since: { [channel]: since } };
      const prices = conflate !== undefined && { conflate: true, interval_ms: conflate };
      this.#ask({ action: "subscribe", channels: [channel], ...place, ...prices }, (answer) => {
        if (!(answer instanceof Error)) answered(answer);
      });
    },
    leave: (channel) => {
      if (this.#isOpen) this.#connection?.send({ action: "unsubscribe", channels: [channel] });
    },
    forget: (channel) => {
      this.#subscriptions.delete(channel);
    },
  };

  #connect(): void {
    const Socket = this.#options.WebSocket ?? (globalThis as { WebSocket?: SocketClass }).WebSocket;
    if (Socket === undefined) throw new Error("no WebSocket here: give one in the options");
    this.#connection = new Connection(this.#options.ws, Socket, {
      opened: (welcome) => {
        this.#openedAt = Date.now();
        this.#isOpen = true;
        this.#options.observer?.connected?.(welcome);
        void this.#begin(this.#connection);
      },
      heard: (message) => {
        this.#heard(message);
      },
      ended: (end) => {
        this.#ended(end);
      },
    });
  }

  /** Who one is goes before what one wants: private channels need it. */
  async #begin(connection: Connection | undefined): Promise<void> {
    if (this.#session) await this.#authenticate(this.#session);
    if (connection !== this.#connection || !this.#isOpen) return;
    this.#isReady = true;
    for (const resolve of this.#opening) resolve();
    this.#opening.clear();
    for (const subscription of this.#subscriptions.values()) subscription.connected();
    for (const quotes of this.#quotes.keys()) this.#beginQuotes(quotes);
  }

  #beginQuotes(quotes: Quotes): void {
    const id = this.#ask({ action: "quote", ...quotes.request, stream: true }, (answer) => {
      // A lost connection is come back to, with all this.
      if (answer instanceof Error || !this.#quotes.has(quotes)) return;
      if (answer.type === "error" && answer.stream === undefined) {
        // It did not begin.
        if (!answer.retryable) this.#quotes.delete(quotes);
        else {
          setTimeout(() => {
            if (this.#isReady && this.#quotes.get(quotes) === id) this.#beginQuotes(quotes);
          }, RETRY);
        }
      }
      quotes.heard(answer);
    });
    this.#quotes.set(quotes, id);
  }

  /** Shows the token on this connection, and again when it was renewed. What passes is tried again a few times; without an
   * answer one is nobody on this connection for now, and what is private is refused. As long as the connection lives, the
   * next time is planned. */
  async #authenticate(session: Session): Promise<void> {
    clearTimeout(this.#renewal);
    const connection = this.#connection;
    let isLost = false;
    for (let left = SIGN_INS; left > 0; left -= 1) {
      try {
        await this.#say("auth", { token: await session.token() });
        break;
      } catch (error) {
        // A lost connection is come back to, with all this.
        if (connection !== this.#connection || !this.#isOpen) return;
        this.#options.observer?.signInFailed?.(error);
        if (error instanceof Disconnected) {
          // Waited for long enough: others wait behind this.
          isLost = true;
          break;
        }
        if (error instanceof Refused && !error.retryable) break;
        await new Promise((resolve) => setTimeout(resolve, RETRY));
        if (connection !== this.#connection) return;
      }
    }
    if (connection !== this.#connection) return;
    const wait = isLost ? RETRY : Math.max(RETRY, session.renewAt - Date.now());
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => void this.#authenticate(session), wait);
  }

  /** The token ran out, or its session was ended: with another one, private channels go on from where they stopped. */
  async #signInAgain(session: Session): Promise<void> {
    try {
      await session.renew();
    } catch (error) {
      this.#options.observer?.signInFailed?.(error);
      return;
    }
    await this.#authenticate(session);
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.channel.startsWith("wallet:")) subscription.again();
    }
  }

  #ask(message: Record<string, unknown> & { action: string }, answered: Answered): number {
    const id = this.#nextId;
    this.#nextId += 1;
    if (!this.#isOpen || this.#connection === undefined) {
      answered(new Disconnected("no connection"));
      return id;
    }
    this.#asked.set(id, answered);
    this.#connection.send({ id, ...message });
    return id;
  }

  #heard(message: Heard): void {
    if (message.type === "auth_expired") {
      if (this.#session) void this.#signInAgain(this.#session);
    } else if ("id" in message && typeof message.id === "number") {
      const answered = this.#asked.get(message.id);
      this.#asked.delete(message.id);
      answered?.(message);
    } else if ("stream" in message && typeof message.stream === "number") {
      for (const [quotes, id] of this.#quotes) if (id === message.stream) quotes.heard(message);
    } else if (message.type === "heartbeat") {
      for (const subscription of this.#subscriptions.values()) {
        const sent = message.channels[subscription.name];
        if (sent) subscription.shouldHave(sent);
      }
    } else if ("channel" in message && typeof message.channel === "string") {
      if (message.type === "order_update") this.trading.heard(message);
      this.#reader(message.channel)?.heard(message);
    }
  }

  #reader(name: string): Subscription | undefined {
    const direct = this.#subscriptions.get(name);
    if (direct) return direct;
    // One that was named by its seed.
    for (const subscription of this.#subscriptions.values()) if (subscription.name === name) return subscription;
    return undefined;
  }

  #ended(end: End): void {
    this.#connection = undefined;
    this.#isOpen = false;
    this.#isReady = false;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const answered of asked) answered(new Disconnected(`the connection was lost (${end.code} ${end.reason})`));
    for (const subscription of this.#subscriptions.values()) subscription.disconnected();
    if (this.#stopped) return;
    const told = CLOSES.find(({ code }) => code === end.code);
    // What is not in the table (1006, a proxy's own) is a network's doing.
    if (told && told.code !== 1000 && !told.reconnect) {
      this.#stop(new Stopped(end.code, `closed with ${end.code}: ${end.reason}`), end);
      return;
    }
    if (this.#openedAt > 0 && Date.now() - this.#openedAt > HELD) this.#backoff.reset();
    const jittered = this.#backoff.next();
    const wait = end.reconnectAfter ?? (end.code === 4009 ? Math.max(RATE_LIMITED_WAIT, jittered) : jittered);
    this.#options.observer?.disconnected?.(end, wait);
    this.#wake = setTimeout(() => {
      this.#connect();
    }, wait);
  }

  #stop(why: Stopped, end: End | undefined): void {
    if (this.#stopped) return;
    this.#stopped = why;
    clearTimeout(this.#wake);
    clearTimeout(this.#renewal);
    this.#connection?.close("closed");
    // Who closed the client knows of it; everybody else is told.
    for (const subscription of this.#subscriptions.values()) subscription.end(end === undefined ? undefined : why);
    this.#subscriptions.clear();
    for (const quotes of this.#quotes.keys()) quotes.end(end === undefined ? undefined : why);
    this.#quotes.clear();
    for (const resolve of this.#opening) resolve();
    this.#opening.clear();
    this.#options.observer?.stopped?.(why);
  }
}
