/** One life of a socket: from the handshake to the close, with its end told once.
 *
 * It knows when the server is silent for too long, and sends no faster than the server takes it. */

import type { ClientAction, Frame, ServerMessage, WelcomeMessage } from "./generated/asyncapi.js";

/** What is used of a WebSocket: the browser's own, or that of the package `ws`. */
export interface SocketLike {
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(text: string): void;
  close(): void;
}

export type SocketClass = new (url: string) => SocketLike;

/** Anything that is heard. */
export type Heard = ServerMessage | Frame;

/** How a connection ended. */
export interface End {
  /** 1006 where there was none. */
  code: number;
  reason: string;
  /** The server said when to come back, in milliseconds. */
  reconnectAfter: number | undefined;
}

export interface ConnectionEvents {
  opened(welcome: WelcomeMessage): void;
  heard(message: Heard): void;
  ended(end: End): void;
}

/** From the handshake to `welcome`, in milliseconds. */
const PATIENCE = 10_000;
/** So many heartbeats may be missed. */
const HEARTBEATS = 2.5;
/** What is used of the server's limits on messages: the other part is its own measure of time. */
const SHARE = 0.8;

export class Connection {
  readonly #socket: SocketLike;
  #silence: ReturnType<typeof setTimeout>;
  #patience = PATIENCE;
  #reconnectAfter: number | undefined;
  #isOver = false;
  #unsent: string[] = [];
  #tokens = 0;
  #burst = 0;
  #perMillisecond = 0;
  #countedAt = 0;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(
    url: string,
    Socket: SocketClass,
    private readonly events: ConnectionEvents,
  ) {
    this.#socket = new Socket(url);
    this.#silence = this.#watch();
    this.#socket.onmessage = (event: { data: unknown }) => {
      this.#hear(event.data);
    };
    this.#socket.onclose = (event: { code: number; reason: string }) => {
      this.#end(event.code, event.reason);
    };
    // A close follows.
    this.#socket.onerror = () => undefined;
  }

  /** Says it as soon as the server's limits allow. */
  send(message: ClientAction | (Record<string, unknown> & { action: string })): void {
    this.#unsent.push(JSON.stringify(message));
    this.#flush();
  }

  /** Ends it; `ended` is told at once. */
  close(reason: string): void {
    this.#end(1000, reason);
  }

  #hear(data: unknown): void {
    if (this.#isOver || typeof data !== "string") return;
    let message: Heard;
    try {
      message = JSON.parse(data) as Heard;
    } catch {
      this.#end(1006, "what was heard is not JSON");
      return;
    }
    if (message.type === "welcome") this.#patience = message.heartbeat_seconds * 1_000 * HEARTBEATS;
    clearTimeout(this.#silence);
    this.#silence = this.#watch();
    switch (message.type) {
      case "welcome":
        this.#burst = Math.max(1, Math.floor(message.limits.message_burst * SHARE));
        this.#perMillisecond = (message.limits.messages_per_second * SHARE) / 1_000;
        this.#tokens = this.#burst;
        this.#countedAt = Date.now();
        this.events.opened(message);
        this.#flush();
        return;
      case "shutdown":
        this.#reconnectAfter = message.reconnect_after_ms;
        return;
      default:
        this.events.heard(message);
    }
  }

  #flush(): void {
    if (this.#isOver || this.#burst === 0) return;
    const now = Date.now();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) * this.#perMillisecond);
    this.#countedAt = now;
    while (this.#tokens >= 1) {
      const text = this.#unsent.shift();
      if (text === undefined) return;
      this.#tokens -= 1;
      this.#socket.send(text);
    }
    if (this.#unsent.length > 0 && this.#later === undefined) {
      this.#later = setTimeout(() => {
        this.#later = undefined;
        this.#flush();
      }, Math.ceil(1 / this.#perMillisecond));
    }
  }

  #watch(): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.#end(1006, "the server is silent");
    }, this.#patience);
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#silence);
    clearTimeout(this.#later);
    this.#unsent = [];
    // A peer that is gone does not answer a close: nobody waits for it.
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket.close();
    this.events.ended({ code, reason, reconnectAfter: this.#reconnectAfter });
  }
}
