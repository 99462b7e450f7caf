// A throw-away wallet of this browser: an Ed25519 key of WebCrypto, which can't be read out, and its sign-in.
//
// It is for chains where money is worth nothing. The key is kept by the browser (IndexedDB) until it is thrown away.

import { ApiError, ask, get, post } from "./api.js";

const DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** Bytes as Solana writes keys and signatures. */
export function base58(bytes) {
  const digits = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let at = 0; at < digits.length; at += 1) {
      carry += digits[at] << 8;
      digits[at] = carry % 58;
      carry = Math.floor(carry / 58);
    }
    for (; carry > 0; carry = Math.floor(carry / 58)) digits.push(carry % 58);
  }
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros === -1 ? bytes.length : zeros) + digits.reverse().map((digit) => DIGITS[digit]).join("");
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

function store(mode, use) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("zmart", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("keys", mode);
      const request = use(transaction.objectStore("keys"));
      transaction.oncomplete = () => {
        opening.result.close();
        resolve(request.result);
      };
      transaction.onerror = () => reject(transaction.error);
    };
  });
}

export class Wallet {
  #pair;
  #session = null;
  #signingIn = null;

  constructor(pair, address) {
    this.#pair = pair;
    /** Base58. */
    this.address = address;
    try {
      const kept = JSON.parse(sessionStorage.getItem("session") ?? "null");
      if (kept?.address === address) this.#session = kept;
    } catch {
      // Nothing is kept here: the wallet signs in again.
    }
  }

  static async #of(pair) {
    return new Wallet(pair, base58(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey))));
  }

  /** Whether this page may make one: browsers sign on secure pages only, and not all know Ed25519. */
  static get isPossible() {
    return globalThis.isSecureContext && globalThis.crypto?.subtle !== undefined && globalThis.indexedDB !== undefined;
  }

  /** The one that this browser has, or null. */
  static async kept() {
    if (!Wallet.isPossible) return null;
    const pair = await store("readonly", (keys) => keys.get("throw-away")).catch(() => undefined);
    return pair ? Wallet.#of(pair) : null;
  }

  /** A new one, kept by the browser. */
  static async make() {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    await store("readwrite", (keys) => keys.put(pair, "throw-away")).catch(() => undefined);
    return Wallet.#of(pair);
  }

  /** Throws the key away, and ends its session. */
  async forget() {
    if (this.#session) await post("/api/auth/logout", undefined, { token: this.#session.token }).catch(() => undefined);
    this.#keep(null);
    await store("readwrite", (keys) => keys.delete("throw-away"));
  }

  /** Over these bytes. */
  async sign(bytes) {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.#pair.privateKey, bytes));
  }

  /** A text's signature, base58. */
  async signText(text) {
    return base58(await this.sign(new TextEncoder().encode(text)));
  }

  /** What the server built, signed: base64. Refuses what is not one transaction of this wallet alone around its message. */
  async signTransaction({ transaction, message }) {
    const [whole, signed] = [fromBase64(transaction), fromBase64(message)];
    const body = whole.subarray(65);
    if (whole[0] !== 1 || body.length !== signed.length || !body.every((byte, at) => byte === signed[at])) {
      throw new Error("The server built something else than it shows.");
    }
    // A header of three bytes (after the version's, where there is one), the count of the accounts, then the payer.
    const payerAt = ((signed[0] & 0x80) === 0 ? 0 : 1) + 4;
    if (base58(signed.subarray(payerAt, payerAt + 32)) !== this.address) throw new Error("Another wallet would pay for it.");
    whole.set(await this.sign(signed), 1);
    return toBase64(whole);
  }

  /** An access token that is good for a while yet; signs in where there is none. */
  async token() {
    if (this.#session && Date.parse(this.#session.expires_at) - Date.now() > 60_000) return this.#session.token;
    this.#signingIn ??= this.#signIn().finally(() => (this.#signingIn = null));
    await this.#signingIn;
    return this.#session.token;
  }

  /** Whether it has signed in already. */
  get isSignedIn() {
    return this.#session !== null;
  }

  async #signIn() {
    const { message } = await post("/api/auth/nonce", { wallet: this.address });
    const signature = await this.signText(message);
    const { token, expires_at } = await post("/api/auth/login", { message, signature, wallet: this.address });
    this.#keep({ address: this.address, token, expires_at });
  }

  #keep(session) {
    this.#session = session;
    try {
      if (session) sessionStorage.setItem("session", JSON.stringify(session));
      else sessionStorage.removeItem("session");
    } catch {
      // Nothing is kept here: it holds until the page is left.
    }
  }

  /** Asks as this wallet; signs in anew, once, where the session has ended. */
  async ask(method, path, more = {}) {
    try {
      return await ask(method, path, { ...more, token: await this.token() });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      this.#keep(null);
      return ask(method, path, { ...more, token: await this.token() });
    }
  }

  /** What it has, in lamports. */
  async balance() {
    return BigInt((await this.ask("GET", "/api/faucet")).balance);
  }

  /** Asks the development chain for money, and waits until it is there. */
  async fund() {
    const before = await this.balance();
    await this.ask("POST", "/api/faucet");
    for (let tries = 0; tries < 40; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const now = await this.balance();
      if (now > before) return now;
    }
    throw new Error("The money did not come.");
  }

  /** Its shares. */
  positions() {
    return get(`/api/users/${this.address}/positions`, { limit: 50 });
  }
}
