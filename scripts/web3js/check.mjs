// Starts the chain given as the first argument on free ports, drives it with web3.js, and counts what holds.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import {
  Connection, Keypair, PublicKey, SystemProgram, Transaction, TransactionInstruction, sendAndConfirmTransaction,
} from "@solana/web3.js";

const PROGRAM = new PublicKey("6s8bbbCS7oNYNnTUHgrPDHG4jqaSrD6MSxQSPVR1rxw");
const SOL = 1_000_000_000n;
const DEADLINE = 15_000;

let passed = 0;
let failed = 0;

async function check(name, body) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing within ${DEADLINE} ms`)), DEADLINE);
  });
  try {
    const value = await Promise.race([body(), late]);
    passed += 1;
    console.log(`ok      ${name}`);
    return value;
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}: ${error.message}`);
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

function hold(condition, what) {
  if (!condition) throw new Error(what);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return String(port);
}

const name8 = (kind, name) => createHash("sha256").update(`${kind}:${name}`).digest().subarray(0, 8);
const u64 = (value) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(value)); return bytes; };
const u32 = (value) => { const bytes = Buffer.alloc(4); bytes.writeUInt32LE(value); return bytes; };
const pda = (...seeds) => PublicKey.findProgramAddressSync(seeds, PROGRAM)[0];

// An account as "sw", "w", "s" or "".
function instruction(name, args, accounts) {
  const keys = accounts.map(([pubkey, flags]) => ({
    pubkey, isSigner: flags.includes("s"), isWritable: flags.includes("w"),
  }));
  return new TransactionInstruction({ programId: PROGRAM, keys, data: Buffer.concat([name8("global", name), ...args]) });
}

const port = await freePort();
const wsPort = await freePort();
const chain = spawn(process.argv[2], [
  "--rpc-port", port, "--ws-port", wsPort, "--program-id", PROGRAM.toBase58(), "--slot-ms", "100",
], { stdio: ["ignore", "pipe", "inherit"] });
const gone = once(chain, "exit").then(([code]) => code);
process.on("exit", () => chain.kill("SIGKILL"));

const ready = await Promise.race([
  once(createInterface({ input: chain.stdout }), "line").then(([line]) => line),
  gone.then((code) => `the chain ended with ${code}`),
]);
const rpc = /rpc=(\S+)/.exec(ready)?.[1];
const ws = /ws=(\S+)/.exec(ready)?.[1];
const genesis = /genesis=(\S+)/.exec(ready)?.[1];
if (!rpc || !ws) {
  console.error(`the chain did not start: ${ready}`);
  process.exit(1);
}

const connection = new Connection(rpc, { commitment: "confirmed", wsEndpoint: ws });
const user = Keypair.generate();
const wallet = Keypair.generate().publicKey;
const id = randomBytes(32);
const config = pda(Buffer.from("global-config"));
const market = pda(Buffer.from("market"), id);
const position = pda(Buffer.from("position"), market.toBuffer(), user.publicKey.toBuffer());
const vote = pda(Buffer.from("vote"), market.toBuffer(), user.publicKey.toBuffer(), Buffer.from([0]));
const system = SystemProgram.programId;
const send = (...instructions) =>
  sendAndConfirmTransaction(connection, new Transaction().add(...instructions), [user], { commitment: "confirmed" });
const trade = (name, args) => instruction(name, args, [
  [config, ""], [market, "w"], [position, "w"], [user.publicKey, "sw"], [wallet, "w"], [system, ""],
]);
const buy = (yes, budget) => trade("buy_shares", [Buffer.from([yes ? 1 : 0]), u64(budget)]);
const sell = (yes, shares) => trade("sell_shares", [Buffer.from([yes ? 1 : 0]), u64(shares), u64(0)]);

await check("getGenesisHash is the one of the start", async () => {
  hold(await connection.getGenesisHash() === genesis, "another hash");
});

await check("an airdrop is confirmed and there", async () => {
  for (const key of [user.publicKey, wallet]) {
    const signature = await connection.requestAirdrop(key, Number(1000n * SOL));
    await connection.confirmTransaction(signature, "confirmed");
  }
  hold(await connection.getBalance(user.publicKey) === Number(1000n * SOL), "another balance");
});

await check("a market is created, voted on, approved and activated", async () => {
  const key = user.publicKey;
  await send(instruction("initialize_global_config", [key.toBuffer()], [
    [key, "sw"], [config, "w"], [wallet, ""], [system, ""],
  ]));
  await send(instruction("create_market", [id, u64(100n * SOL), u64(SOL), Buffer.alloc(46, "Q")], [
    [key, "sw"], [market, "w"], [config, ""], [system, ""],
  ]));
  await send(instruction("submit_proposal_vote", [Buffer.from([1])], [
    [market, ""], [vote, "w"], [key, "sw"], [system, ""],
  ]));
  await send(
    instruction("aggregate_proposal_votes", [u32(1), u32(0)], [[market, "w"], [config, ""], [key, "s"]]),
    instruction("approve_proposal", [], [[key, "sw"], [market, "w"], [config, ""]]),
    instruction("activate_market", [], [[key, "sw"], [market, "w"], [config, ""]]),
  );
  const account = await connection.getAccountInfo(market);
  hold(account.data.length === 488 && account.data[72] === 2 && account.owner.equals(PROGRAM), "not an active market");
});

const notices = [];
let arrived = () => {};
const subscription = connection.onLogs(PROGRAM, (notice, context) => {
  notices.push({ ...notice, slot: context.slot });
  arrived();
}, "confirmed");
await new Promise((resolve) => setTimeout(resolve, 500));

async function noticeOf(signature) {
  for (;;) {
    const found = notices.find((notice) => notice.signature === signature);
    if (found) return found;
    await new Promise((resolve) => { arrived = resolve; });
  }
}

const bought = await check("a buy is confirmed", () => send(buy(true, 10n * SOL)));

await check("onLogs tells of it, with its event", async () => {
  const notice = await noticeOf(bought);
  hold(notice.err === null, "an error");
  const line = notice.logs.find((text) => text.startsWith("Program data: "));
  const event = Buffer.from(line.slice("Program data: ".length), "base64");
  hold(event.subarray(0, 8).equals(name8("event", "SharesBought")), "another event");
  hold(event.subarray(8, 40).equals(id) && event.subarray(40, 72).equals(user.publicKey.toBuffer()), "not of this buy");
  const shares = (await connection.getAccountInfo(position)).data.readBigUInt64LE(72);
  hold(event.readBigUInt64LE(73) === shares && shares > 0n, "the position holds other shares");
});

await check("getTransaction has the same logs and slot", async () => {
  const notice = await noticeOf(bought);
  const found = await connection.getTransaction(bought, { commitment: "confirmed", maxSupportedTransactionVersion: 0 });
  hold(found.slot === notice.slot && found.blockTime > 1_700_000_000, "another slot or no time");
  hold(JSON.stringify(found.meta.logMessages) === JSON.stringify(notice.logs), "other logs");
  hold(found.meta.fee === 5000 && found.meta.err === null, "another fee");
});

await check("a sell pays out", async () => {
  const before = await connection.getBalance(user.publicKey);
  await send(sell(true, 2n * SOL));
  hold(await connection.getBalance(user.publicKey) > before, "nothing came");
});

await check("an error of the program comes back from the simulation by its number", async () => {
  const transaction = new Transaction().add(buy(true, 9_999n));
  const { value } = await connection.simulateTransaction(transaction, [user]);
  hold(JSON.stringify(value.err) === JSON.stringify({ InstructionError: [0, { Custom: 6018 }] }), JSON.stringify(value.err));
});

const refused = await check("and from a transaction that landed", async () => {
  const { blockhash } = await connection.getLatestBlockhash();
  const transaction = new Transaction({ feePayer: user.publicKey, recentBlockhash: blockhash }).add(buy(true, 9_999n));
  transaction.sign(user);
  const signature = await connection.sendRawTransaction(transaction.serialize(), { skipPreflight: true });
  const notice = await noticeOf(signature);
  hold(JSON.stringify(notice.err) === JSON.stringify({ InstructionError: [0, { Custom: 6018 }] }), JSON.stringify(notice));
  return signature;
});

await check("getSignaturesForAddress lists newest first, the failed one with its error", async () => {
  const listed = await connection.getSignaturesForAddress(market, {}, "confirmed");
  hold(listed[0].signature === refused && listed[0].err !== null, "the failed one is not the newest");
  hold(listed.some((one) => one.signature === bought && one.err === null), "the buy is missing");
  const until = await connection.getSignaturesForAddress(market, { until: bought }, "confirmed");
  hold(until.length === 2 && until.every((one) => one.signature !== bought), `${until.length} since the buy`);
});

await check("getProgramAccounts filters by the market's id", async () => {
  const bytes = new PublicKey(id).toBase58();
  const found = await connection.getProgramAccounts(PROGRAM, { filters: [{ memcmp: { offset: 8, bytes } }] });
  hold(found.length === 1 && found[0].pubkey.equals(market), `${found.length} found`);
});

await check("a subscription ends, and the chain with SIGTERM", async () => {
  await connection.removeOnLogsListener(subscription);
  chain.kill("SIGTERM");
  hold(await gone === 0, "another exit code than 0");
});

console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
