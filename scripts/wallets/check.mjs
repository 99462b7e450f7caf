// Signs in to the engine whose REST API is the first argument, as wallets do it, and counts what holds.
//
// The messages are written, read and verified by the wallets' own library, and signed by a library that is not the
// engine's: what both take is what a wallet in the field will send.

import { createSignInMessage, createSignInMessageText, parseSignInMessageText, verifySignIn } from "@solana/wallet-standard-util";
import bs58 from "bs58";
import { randomBytes } from "node:crypto";
import nacl from "tweetnacl";

const api = process.argv[2];
const DEADLINE = 15_000;

let passed = 0;
let failed = 0;

async function check(name, body) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${DEADLINE} ms`)), DEADLINE);
  });
  try {
    await Promise.race([body(), late]);
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.message}`);
  } finally {
    clearTimeout(timer);
  }
}

function hold(condition, what) {
  if (!condition) throw new Error(what);
}

async function post(path, body) {
  const answer = await fetch(api + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

async function begin(wallet) {
  const { status, body } = await post("/api/auth/nonce", { wallet });
  hold(status === 200, `nonce: ${status} ${JSON.stringify(body)}`);
  return body;
}

function newWallet() {
  const key = nacl.sign.keyPair();
  return { address: bs58.encode(key.publicKey), sign: (bytes) => nacl.sign.detached(bytes, key.secretKey), key };
}

const bytesOf = (text) => new TextEncoder().encode(text);
const base64 = (bytes) => Buffer.from(bytes).toString("base64");

// Logs in and asks who one is.
async function signIn(wallet, body) {
  const { status, body: answer } = await post("/api/auth/login", { wallet: wallet.address, ...body });
  hold(status === 200, `login: ${status} ${JSON.stringify(answer)}`);
  hold(answer.token_type === "Bearer" && answer.user.wallet === wallet.address, JSON.stringify(answer));
  const me = await fetch(`${api}/api/users/me`, { headers: { authorization: `Bearer ${answer.token}` } });
  hold(me.status === 200 && (await me.json()).wallet === wallet.address, `users/me: ${me.status}`);
}

async function refused(wallet, body) {
  const { status, body: answer } = await post("/api/auth/login", { wallet: wallet.address, ...body });
  hold(status === 401, `login: ${status} ${JSON.stringify(answer)}`);
}

await check("the message and the input are the same, to the wallets' library", async () => {
  const wallet = newWallet();
  const { message, input, nonce, expires_at } = await begin(wallet.address);
  hold(createSignInMessageText(input) === message, "the library writes another text");
  const parsed = parseSignInMessageText(message);
  hold(parsed !== null, "the library does not read the message");
  for (const name of Object.keys(input)) hold(parsed[name] === input[name], `${name} is read as ${parsed[name]}`);
  hold(parsed.nonce === nonce && parsed.expirationTime === expires_at && parsed.address === wallet.address, "the reply");
});

await check("signMessage over our message, the signature in base58", async () => {
  const wallet = newWallet();
  const { message } = await begin(wallet.address);
  await signIn(wallet, { message, signature: bs58.encode(wallet.sign(bytesOf(message))) });
});

await check("signMessage over our message, the signature in base64", async () => {
  const wallet = newWallet();
  const { message } = await begin(wallet.address);
  await signIn(wallet, { message, signature: base64(wallet.sign(bytesOf(message))) });
});

for (const chainId of [undefined, "solana:"]) {
  await check(`signIn with a text that the wallet composes${chainId ? ", with its own name of the chain" : ""}`, async () => {
    const wallet = newWallet();
    const { input } = await begin(wallet.address);
    const own = chainId ? { ...input, chainId: chainId + input.chainId } : input;
    const signedMessage = createSignInMessage(own);
    const signature = wallet.sign(signedMessage);
    const account = { address: wallet.address, publicKey: wallet.key.publicKey, chains: [], features: [] };
    hold(verifySignIn(own, { account, signedMessage, signature }), "the library does not verify it");
    const message = new TextDecoder().decode(signedMessage);
    await signIn(wallet, { message, signature: bs58.encode(signature), signed_message: base64(signedMessage) });
  });
}

// The envelope of hardware wallets, in both layouts of version 0 and in version 1.
const DOMAIN = Buffer.concat([Buffer.from([0xff]), Buffer.from("solana offchain")]);
function counted(message) {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(bytesOf(message).length);
  return Buffer.concat([length, bytesOf(message)]);
}
const short = (message) => Buffer.concat([DOMAIN, Buffer.from([0, 0]), counted(message)]);
const long = (message, wallet, application) =>
  Buffer.concat([DOMAIN, Buffer.from([0]), application, Buffer.from([0, 1]), wallet.key.publicKey, counted(message)]);
const newer = (message, wallet) =>
  Buffer.concat([DOMAIN, Buffer.from([1, 1]), wallet.key.publicKey, bytesOf(message)]);

const layouts = [
  ["the short layout", (message) => short(message), false],
  ["the long layout", (message, wallet) => long(message, wallet, Buffer.alloc(32)), false],
  ["the long layout with the application's domain", (message, wallet) => long(message, wallet, randomBytes(32)), true],
  ["version 1", newer, true],
];
for (const [name, layout, mustBeTold] of layouts) {
  await check(`a hardware wallet's envelope, ${name}`, async () => {
    for (const isTold of mustBeTold ? [true] : [false, true]) {
      const wallet = newWallet();
      const { message } = await begin(wallet.address);
      const envelope = layout(message, wallet);
      const signature = bs58.encode(wallet.sign(envelope));
      await signIn(wallet, { message, signature, ...(isTold ? { signed_message: base64(envelope) } : {}) });
    }
  });
}

await check("an envelope with another message is refused", async () => {
  const wallet = newWallet();
  const { message } = await begin(wallet.address);
  const envelope = long(message.replace("Nonce: ", "Nonce: 0"), wallet, Buffer.alloc(32));
  const signature = bs58.encode(wallet.sign(envelope));
  await refused(wallet, { message, signature, signed_message: base64(envelope) });
});

await check("a message is good once", async () => {
  const wallet = newWallet();
  const { message } = await begin(wallet.address);
  const body = { message, signature: bs58.encode(wallet.sign(bytesOf(message))) };
  await signIn(wallet, body);
  await refused(wallet, body);
});

await check("another wallet's signature is refused", async () => {
  const [wallet, other] = [newWallet(), newWallet()];
  const { message } = await begin(wallet.address);
  await refused(wallet, { message, signature: bs58.encode(other.sign(bytesOf(message))) });
});

await check("a text composed for another site is refused", async () => {
  const wallet = newWallet();
  const { input } = await begin(wallet.address);
  const message = createSignInMessageText({ ...input, domain: "evil.example" });
  await refused(wallet, { message, signature: bs58.encode(wallet.sign(bytesOf(message))) });
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
