/** A server that a test plays by hand: sockets of the client, what was said on them, and what they hear. */

import type { SocketClass, SocketLike } from "../../src/connection.js";
import { ZmartClient, type ClientOptions } from "../../src/client.js";

export interface Said {
  id: number;
  action: string;
  channels?: string[];
  since?: Record<string, { epoch: number; seq: number }>;
}

export class FakeSocket implements SocketLike {
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  said: Said[] = [];
  isClosed = false;

  send(text: string): void {
    this.said.push(JSON.parse(text) as Said);
  }

  close(): void {
    this.isClosed = true;
  }

  hear(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  welcome(limits: object = {}): void {
    const all = { message_bytes: 65536, messages_per_second: 100, message_burst: 200, channels: 200, ...limits };
    this.hear({ type: "welcome", client_id: "x", server_time: "", version: "", heartbeat_seconds: 10, limits: all });
  }

  end(code: number, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  /** The newest thing said, which must be this action. */
  newest(action: string): Said {
    const said = this.said.at(-1);
    if (said?.action !== action) throw new Error(`${action} was not said last: ${JSON.stringify(this.said)}`);
    return said;
  }
}

export const MARKET = "market:M";

export function play(options: Partial<ClientOptions> = {}) {
  const sockets: FakeSocket[] = [];
  const Socket = class extends FakeSocket {
    constructor() {
      super();
      sockets.push(this);
    }
  } as unknown as SocketClass;
  const client = new ZmartClient({
    api: "http://127.0.0.1:1",
    ws: "ws://fake",
    WebSocket: Socket,
    backoff: { base: 1, cap: 1 },
    ...options,
  });
  return {
    client,
    sockets,
    /** The newest socket, once there are so many. */
    socket: async (count: number): Promise<FakeSocket> => {
      for (let looks = 0; sockets.length < count; looks += 1) {
        if (looks > 2_000) throw new Error(`${sockets.length} connections instead of ${count}`);
        await tick();
      }
      const socket = sockets[count - 1];
      if (!socket) throw new Error("no such socket");
      return socket;
    },
  };
}

export const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

export const subscribed = (id: number, seq: number, recovered: boolean, more: object = {}): object => ({
  type: "subscribed", id, channel: MARKET, epoch: 1, seq, head_seq: seq, recovered, ...more,
});

export const frame = (seq: number, type = "vote_update", more: object = {}): object => ({
  type, channel: MARKET, market_id: "M", epoch: 1, seq, slot: 1, timestamp: "", data: {}, ...more,
});
