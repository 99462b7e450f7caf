/** Who signs. A browser's wallet is put behind this interface by the application; a bot holds a key of its own. */

import { encodeBase58 } from "./base58.js";

/** What the client needs of a wallet. It never sees a secret key. */
export interface Wallet {
  /** Base58. */
  readonly address: string;
  /** Ed25519 over these bytes: the sign-in text. A wallet's `signMessage`. */
  signMessage(message: Uint8Array): Promise<Uint8Array>;
  /** Ed25519 over a transaction's message. A wallet that only signs whole transactions answers the signature it put in. */
  signTransaction(message: Uint8Array, transaction: Uint8Array): Promise<Uint8Array>;
}

/** A key of WebCrypto as a wallet: for bots and tests. */
export class KeyWallet implements Wallet {
  private constructor(
    readonly address: string,
    private readonly key: CryptoKey,
  ) {}

  /** A new one; its key can't be read out. */
  static async generate(): Promise<KeyWallet> {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    const address = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return new KeyWallet(encodeBase58(address), pair.privateKey);
  }

  /** Of the 64 bytes of a Solana key file: 32 of the secret, 32 of the address. */
  static async fromKeyFile(bytes: Uint8Array): Promise<KeyWallet> {
    if (bytes.length !== 64) throw new RangeError("a key file holds 64 bytes");
    // The frame that PKCS #8 puts around an Ed25519 seed.
    const frame = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
    const pkcs8 = Uint8Array.from([...frame, ...bytes.subarray(0, 32)]);
    const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
    return new KeyWallet(encodeBase58(bytes.subarray(32)), key);
  }

  async signMessage(message: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("Ed25519", this.key, Uint8Array.from(message)));
  }

  signTransaction(message: Uint8Array): Promise<Uint8Array> {
    return this.signMessage(message);
  }
}
