// uWebSockets as bun ships it: the same handshake, the same frames and the same commands as the other servers of this
// benchmark. A client subscribes to a topic, is answered, and is sent what is published there, by bun's own publish.
import { createInterface } from 'node:readline';

const TEXT_BYTES = 300;
// A snapshot of the size that the engine's has.
const SNAPSHOT = { filler: 'x'.repeat(1_000) };
const seqs = new Map();

function filled(head) {
  return head + 'x'.repeat(Math.max(0, TEXT_BYTES - head.length - 3)) + '"}}';
}

function configText(seq) {
  return filled(`{"type":"config_update","channel":"config","epoch":1,"seq":${seq},"data":{"filler":"`);
}

function marketText(channel, seq, at) {
  return filled(`{"type":"price_update","seq":${seq},"at":${at},"channel":"${channel}","data":{"filler":"`);
}

function nextSeq(channel) {
  const seq = (seqs.get(channel) ?? 0) + 1;
  seqs.set(channel, seq);
  return seq;
}

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response('not a handshake', { status: 400 });
  },
  websocket: {
    perMessageDeflate: false,
    message(ws, message) {
      const { id, channels } = JSON.parse(message);
      for (const channel of channels) {
        ws.subscribe(channel);
        const seq = seqs.get(channel) ?? 0;
        const answer = { type: 'subscribed', id, channel, seq };
        ws.send(JSON.stringify(channel === 'config' ? answer : { ...answer, snapshot: SNAPSHOT }));
      }
    },
  },
});
console.log(`127.0.0.1:${server.port}`);

for await (const line of createInterface({ input: process.stdin })) {
  if (line.startsWith('@')) {
    const [, at, ...channels] = line.split(' ');
    for (const channel of channels) server.publish(channel, marketText(channel, nextSeq(channel), at));
  } else {
    for (let left = Number(line); left > 0; left--) server.publish('config', configText(nextSeq('config')));
  }
  console.log('done');
}
process.exit(0);
