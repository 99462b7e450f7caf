// Keys, addresses and signatures, from nothing but Node's own library: base58, Ed25519, and the addresses that a program
// derives (those that are on no point of the curve).

import { createHash, createPublicKey, verify } from "node:crypto";

const ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const P = 2n ** 255n - 19n;
const D = mod(-121665n * power(121666n, P - 2n));
const MASK = 2n ** 255n - 1n;

function mod(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  let square = base % P;
  for (let bits = exponent; bits > 0n; bits >>= 1n) {
    if (bits & 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

export const sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** The first eight bytes of sha256("kind:name"): how Anchor names accounts, instructions and events. */
export const name8 = (kind, name) => sha256(`${kind}:${name}`).subarray(0, 8);

/** Base58 as bytes of exactly that length; undefined if it is none. */
export function fromBase58(text, length) {
  if (typeof text !== "string" || text.length > 2 * length) return undefined;
  let value = 0n;
  for (const character of text) {
    const digit = ALPHABET.indexOf(character);
    if (digit < 0) return undefined;
    value = value * 58n + BigInt(digit);
  }
  const zeros = /^1*/.exec(text)[0].length;
  const hex = value === 0n ? "" : value.toString(16);
  const bytes = Buffer.concat([Buffer.alloc(zeros), Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex")]);
  return bytes.length === length ? bytes : undefined;
}

export function toBase58(bytes) {
  let text = "";
  for (let value = BigInt(`0x0${Buffer.from(bytes).toString("hex")}`); value > 0n; value /= 58n) {
    text = ALPHABET[Number(value % 58n)] + text;
  }
  let zeros = 0;
  while (zeros < bytes.length && bytes[zeros] === 0) zeros += 1;
  return "1".repeat(zeros) + text;
}

function littleEndian(bytes) {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
}

/** Is this y the coordinate of a point? x² = (y² − 1) / (d·y² + 1) must be a square. */
export function isOnCurve(bytes) {
  const y = mod(littleEndian(bytes) & MASK);
  const square = mod(y * y);
  const u = mod(square - 1n);
  const v = mod(D * square + 1n);
  return power(mod(u * v), (P - 1n) / 2n) !== P - 1n;
}

/** The program's address of these seeds, with the greatest bump that is on no point of the curve. */
export function derive(program, ...seeds) {
  for (let bump = 255; bump >= 0; bump -= 1) {
    const hash = sha256(...seeds, Buffer.from([bump]), program, "ProgramDerivedAddress");
    if (!isOnCurve(hash)) return { address: hash, bump };
  }
  throw new Error("no address for these seeds");
}

// The y of all points whose order divides 8, and their second encodings: as keys they "sign" anything.
const SMALL = new Set([
  0n, 1n, P - 1n, P, P + 1n,
  littleEndian(Buffer.from("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "hex")),
  littleEndian(Buffer.from("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "hex")),
]);

/** Did this key sign this text? Keys of small order did not: a signature of theirs fits any text. */
export function signed(key, signature, text) {
  if (SMALL.has(littleEndian(key) & MASK)) return false;
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), key]);
  try {
    return verify(null, text, createPublicKey({ key: der, format: "der", type: "spki" }), signature);
  } catch {
    return false; // no point of the curve
  }
}
