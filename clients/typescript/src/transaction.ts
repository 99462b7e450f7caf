/** The one thing to know of a transaction's bytes: where its signature goes. */

import { encodeBase58 } from "./base58.js";
import type { Wallet } from "./wallet.js";

/** What the server builds. */
export interface Unsigned {
  /** Base64, an empty place for the signature. */
  transaction: string;
  /** What is signed, base64. */
  message: string;
}

/** A transaction, ready to be submitted. */
export interface Signed {
  /** Base64. */
  transaction: string;
  /** Base58: how it will be known on the chain. */
  signature: string;
}

const SIGNATURE_BYTES = 64;

/** Bytes of base64. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Base64 of bytes. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Has the wallet sign. Throws if the transaction is not one of the wallet alone around that message. */
export async function sign(unsigned: Unsigned, wallet: Wallet): Promise<Signed> {
  const transaction = fromBase64(unsigned.transaction);
  const message = fromBase64(unsigned.message);
  const body = transaction.subarray(1 + SIGNATURE_BYTES);
  const isSame = body.length === message.length && body.every((byte, at) => byte === message[at]);
  if (transaction[0] !== 1 || !isSame) throw new Error("not a transaction with one signature around its message");
  // A header of three bytes (after the version's, where there is one), the count of the accounts, then the payer.
  const isVersioned = ((message[0] ?? 0) & 0x80) !== 0;
  const payerAt = (isVersioned ? 1 : 0) + 4;
  if (encodeBase58(message.subarray(payerAt, payerAt + 32)) !== wallet.address) {
    throw new Error("the transaction is to be paid by another wallet");
  }
  const signature = await wallet.signTransaction(message, transaction);
  if (signature.length !== SIGNATURE_BYTES) throw new Error("a signature has 64 bytes");
  transaction.set(signature, 1);
  return { transaction: toBase64(transaction), signature: encodeBase58(signature) };
}
