import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, randomBytes, verify } from "node:crypto";
import test from "node:test";
import { decodeBase58, encodeBase58 } from "../../src/base58.js";
import { fromBase64, sign, toBase64 } from "../../src/transaction.js";
import { KeyWallet } from "../../src/wallet.js";

const FRAME = Buffer.from("302a300506032b6570032100", "hex");
const publicKey = (address: string) =>
  createPublicKey({ key: Buffer.concat([FRAME, decodeBase58(address)]), format: "der", type: "spki" });

test("base58 is Solana's, both ways", () => {
  assert.equal(encodeBase58(new Uint8Array(32)), "1".repeat(32));
  assert.equal(encodeBase58(Buffer.from("Hello World!")), "2NEpo7TZRRrLZSi2U");
  for (let length = 0; length < 70; length += 1) {
    const bytes = new Uint8Array(randomBytes(length));
    if (length % 3 === 0) bytes.fill(0, 0, 3);
    assert.deepEqual(decodeBase58(encodeBase58(bytes)), bytes);
  }
  assert.throws(() => decodeBase58("0"), RangeError);
});

test("a wallet's signature holds under its address, whether the key was made or read", async () => {
  const message = new TextEncoder().encode("a text");
  const made = await KeyWallet.generate();
  assert.ok(verify(null, message, publicKey(made.address), await made.signMessage(message)));
  const seed = randomBytes(32);
  const secret = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
  const address = createPublicKey(secret).export({ format: "der", type: "spki" }).subarray(12);
  const read = await KeyWallet.fromKeyFile(new Uint8Array(Buffer.concat([seed, address])));
  assert.equal(read.address, encodeBase58(new Uint8Array(address)));
  assert.ok(verify(null, message, publicKey(read.address), await read.signMessage(message)));
});

for (const version of ["legacy", "0"]) {
  test(`a transaction of version ${version} is signed in its place, and only if it is the wallet's`, async () => {
    const wallet = await KeyWallet.generate();
    const head = version === "0" ? [0x80, 1, 0, 0, 1] : [1, 0, 0, 1];
    const message = Uint8Array.from([...head, ...decodeBase58(wallet.address), 7, 7]);
    const unsigned = { transaction: toBase64(Uint8Array.from([1, ...new Uint8Array(64), ...message])), message: toBase64(message) };
    const signed = await sign(unsigned, wallet);
    const bytes = fromBase64(signed.transaction);
    assert.equal(encodeBase58(bytes.subarray(1, 65)), signed.signature);
    assert.ok(verify(null, message, publicKey(wallet.address), bytes.subarray(1, 65)));
    await assert.rejects(sign(unsigned, await KeyWallet.generate()), /another wallet/);
    await assert.rejects(sign({ ...unsigned, message: toBase64(message.with(9, 1 ^ (message[9] ?? 0))) }, wallet), /around its message/);
  });
}
