// The WebSocket: channels that are told without gaps or repeats across connections, questions, streams of quotes.
//
// It does what docs/websocket.md says under "Reconnecting": of each channel it keeps the newest entry and the frames that it
// had of it, resumes from there, and asks again where a number is missing.

const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 15_000;
const WELCOME_MS = 10_000;
/** Of which nothing comes back by being tried again. */
const FINAL = new Set([1002, 1003, 1007, 1009, 4500, 4501, 4502, 4503]);

/** A refusal of an action. */
export class Refused extends Error {
  constructor(message) {
    const details = (message.details ?? []).map(({ field, message: text }) => `${field}: ${text}`);
    super(details.length > 0 ? details.join(" ") : message.message);
    this.code = message.code;
    this.retryable = message.retryable === true;
    this.program = message.program_error;
  }
}

export class Live {
  #url;
  #state;
  #socket = null;
  #channels = new Map();
  #asked = new Map();
  #quotes = new Map();
  #nextId = 1;
  #failures = 0;
  #silence = 0;
  #heartbeatMs = 10_000;
  #token = null;
  #openedAt = 0;
  #reconnectAfter;

  /** `state({ state, slot })` is told of every change: `off`, `on`, `gone` (it will not come back). */
  constructor(url, state) {
    this.#url = url;
    this.#state = state;
    this.#connect();
  }

  /** Follows a channel. `reader.snapshot(snapshot, message)` begins it anew, `reader.frame(frame)` goes on. */
  follow(name, reader) {
    const channel = { name, reader, epoch: null, seq: null, types: null, isLive: false };
    this.#channels.set(name, channel);
    if (this.isOn) this.#join(channel);
    return () => {
      if (this.#channels.get(name) !== channel) return;
      this.#channels.delete(name);
      if (this.isOn) this.#say({ action: "unsubscribe", channels: [name] });
    };
  }

  /** Quotes a trade, now and whenever the answer changes. `reader.quote(data)`, `reader.refused(error)`. */
  quote(fields, reader) {
    const id = `quote-${this.#nextId++}`;
    const stream = { id, fields, reader };
    this.#quotes.set(id, stream);
    if (this.isOn) this.#say({ id, action: "quote", stream: true, ...fields });
    return () => {
      if (this.#quotes.delete(id) && this.isOn) this.#say({ action: "unsubscribe", quote: id });
    };
  }

  /** Signs the connection in; channels of the wallet may be followed from then on. `token()` gives one that is good. */
  async signIn(token) {
    this.#token = token;
    if (this.isOn) await this.#authenticate();
  }

  /** Nobody's again: a connection has one wallet in its life. */
  signOut() {
    this.#token = null;
    this.#socket?.close(1000);
  }

  get isOn() {
    return this.#openedAt > 0;
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#watch(WELCOME_MS);
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(socket, code);
  }

  #say(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  /** The answer to an action. */
  #ask(message) {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject });
      this.#say({ id, ...message });
    });
  }

  #watch(ms) {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#silence = setTimeout(() => {
      socket.onclose = null;
      socket.close();
      this.#lost(socket, 1006);
    }, ms);
  }

  #lost(socket, code) {
    if (socket !== this.#socket) return;
    clearTimeout(this.#silence);
    if (this.isOn && Date.now() - this.#openedAt > 5_000) this.#failures = 0;
    this.#openedAt = 0;
    this.#socket = null;
    for (const channel of this.#channels.values()) channel.isLive = false;
    for (const { reject } of this.#asked.values()) reject(new Refused({ code: "UNAVAILABLE", message: "The connection was lost.", retryable: true }));
    this.#asked.clear();
    const isOver = FINAL.has(code) && code !== 4503;
    this.#state({ state: isOver ? "gone" : "off" });
    if (isOver) return;
    const bound = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 10);
    const least = code === 4009 || code === 4503 ? 5_000 : 0;
    setTimeout(() => this.#connect(), this.#reconnectAfter ?? least + Math.random() * bound);
    this.#reconnectAfter = undefined;
  }

  async #welcome(message) {
    this.#heartbeatMs = message.heartbeat_seconds * 1_000;
    this.#openedAt = Date.now();
    this.#state({ state: "on", version: message.version });
    if (this.#token) await this.#authenticate().catch(() => undefined);
    for (const channel of this.#channels.values()) this.#join(channel);
    for (const { id, fields } of this.#quotes.values()) this.#say({ id, action: "quote", stream: true, ...fields });
  }

  async #authenticate() {
    const token = await this.#token();
    await this.#ask({ action: "auth", token });
  }

  #join(channel) {
    channel.isLive = false;
    const isKnown = channel.seq !== null;
    // Of the newest entry not every frame may have come: it is asked for again, and what was had of it is skipped.
    const seq = isKnown && channel.types ? channel.seq - 1 : channel.seq;
    const since = isKnown ? { since: { [channel.name]: { epoch: channel.epoch, seq } } } : {};
    this.#ask({ action: "subscribe", channels: [channel.name], ...since }).catch((error) => {
      if (this.#channels.get(channel.name) !== channel) return;
      if (error.retryable) setTimeout(() => this.isOn && this.#channels.get(channel.name) === channel && this.#join(channel), 1_000 + Math.random() * 500);
      else channel.reader.refused?.(error);
    });
  }

  #hear(message) {
    this.#watch(this.#heartbeatMs * 2.5);
    switch (message.type) {
      case "welcome":
        void this.#welcome(message);
        return;
      case "shutdown":
        this.#reconnectAfter = message.reconnect_after_ms;
        return;
      case "heartbeat":
        this.#state({ state: "on", slot: message.slot });
        for (const [name, at] of Object.entries(message.channels ?? {})) {
          const channel = this.#channels.get(name);
          if (channel?.isLive && at.epoch === channel.epoch && at.seq > channel.seq) this.#join(channel);
        }
        return;
      case "subscribed":
        this.#subscribed(message);
        return;
      case "auth_expired":
        if (this.#token && message.reason === "token_expired") void this.#authenticate().catch(() => undefined);
        return;
      case "quote":
        this.#quotes.get(message.stream)?.reader.quote(message.data);
        return;
      case "error":
        if (message.stream !== undefined || this.#quotes.has(message.id)) {
          this.#quotes.get(message.stream ?? message.id)?.reader.refused(new Refused(message));
        } else this.#answered(message.id)?.reject(new Refused(message));
        return;
      case "reply":
        this.#answered(message.id)?.resolve(message.data);
        return;
      case "commitment":
      case "pong":
        return;
      default:
        this.#frame(message);
    }
  }

  #answered(id) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    return asked;
  }

  #subscribed(message) {
    const channel = this.#channels.get(message.channel);
    this.#answered(message.id)?.resolve(message);
    if (!channel) return;
    channel.isLive = true;
    if (message.recovered) return;
    channel.epoch = message.epoch ?? null;
    channel.seq = message.seq ?? null;
    channel.types = null;
    channel.reader.snapshot(message.snapshot, message);
  }

  #frame(frame) {
    const channel = this.#channels.get(frame.channel);
    if (!channel) {
      return;
    }
    // Of before the answer: it comes again.
    if (!channel.isLive) return;
    if (channel.seq === null) {
      channel.reader.frame(frame);
      return;
    }
    if (frame.epoch !== channel.epoch || frame.seq < channel.seq) return;
    if (frame.seq === channel.seq) {
      if (!channel.types || channel.types.has(frame.type)) return;
      channel.types.add(frame.type);
    } else if (frame.seq === channel.seq + 1 || (frame.from_seq ?? frame.seq) <= channel.seq + 1) {
      channel.seq = frame.seq;
      channel.types = new Set([frame.type]);
    } else {
      this.#join(channel);
      return;
    }
    channel.reader.frame(frame);
  }
}
