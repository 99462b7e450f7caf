/** Who is signed in: tokens by a wallet's signature, renewed before they run out, once however many ask. */

import { encodeBase58 } from "./base58.js";
import { Refused } from "./errors.js";
import type { Rest, Schemas } from "./rest.js";
import type { Wallet } from "./wallet.js";

type Tokens = Schemas["TokensView"];

/** A token is renewed when so much of its time is left, in milliseconds; or a fifth of it, where that is less. */
const MARGIN = 60_000;

export class Session {
  #tokens: Tokens;
  #renewAt: number;
  #renewing: Promise<string> | undefined;

  private constructor(
    private readonly rest: Rest,
    private readonly wallet: Wallet,
    tokens: Tokens,
  ) {
    this.#tokens = tokens;
    this.#renewAt = renewal(tokens);
  }

  /** The wallet signs the server's text. */
  static async signIn(rest: Rest, wallet: Wallet): Promise<Session> {
    return new Session(rest, wallet, await signIn(rest, wallet));
  }

  /** Whose. */
  get address(): string {
    return this.wallet.address;
  }

  /** When `token` will give another one, in milliseconds since 1970. */
  get renewAt(): number {
    return this.#renewAt;
  }

  /** A token that is good for a while. */
  token(): Promise<string> {
    if (Date.now() < this.#renewAt) return Promise.resolve(this.#tokens.token);
    return this.renew();
  }

  /** Another token, whatever is left of this one's time. A session that was ended is begun anew: the wallet is asked. */
  renew(): Promise<string> {
    this.#renewing ??= this.#fetch().finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  /** Ends it, with all its tokens. */
  async signOut(): Promise<void> {
    await this.rest.ask("post", "/api/auth/logout", { token: this.#tokens.token });
  }

  async #fetch(): Promise<string> {
    let tokens: Tokens;
    try {
      tokens = await this.rest.ask("post", "/api/auth/refresh", { body: { refresh_token: this.#tokens.refresh_token } });
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== "UNAUTHORIZED") throw error;
      tokens = await signIn(this.rest, this.wallet);
    }
    this.#tokens = tokens;
    this.#renewAt = renewal(tokens);
    return tokens.token;
  }
}

async function signIn(rest: Rest, wallet: Wallet): Promise<Tokens> {
  const { message } = await rest.ask("post", "/api/auth/nonce", { body: { wallet: wallet.address } });
  const signature = encodeBase58(await wallet.signMessage(new TextEncoder().encode(message)));
  return rest.ask("post", "/api/auth/login", { body: { message, signature, wallet: wallet.address } });
}

function renewal(tokens: Tokens): number {
  const left = Date.parse(tokens.expires_at) - Date.now();
  return Date.now() + left - Math.min(MARGIN, left / 5);
}
