// The same data behind express or fastify: node server.mjs express|fastify PATH FILE [PATH FILE …]. Each file holds a
// reply as JSON; it is kept as objects and written for each request, as a handler that has its data in memory does.
import { readFileSync } from 'node:fs';

const [framework, ...rest] = process.argv.slice(2);
const routes = [];
for (let i = 0; i + 1 < rest.length; i += 2) routes.push([rest[i], JSON.parse(readFileSync(rest[i + 1], 'utf8'))]);

function listening(port) {
  console.log(`listening at=http://127.0.0.1:${port}`);
}

if (framework === 'express') {
  const { default: express } = await import('express');
  const app = express();
  for (const [path, data] of routes) app.get(path, (_, reply) => reply.json(data));
  const server = app.listen(0, '127.0.0.1', () => listening(server.address().port));
} else {
  const { default: fastify } = await import('fastify');
  const app = fastify();
  for (const [path, data] of routes) app.get(path, async () => data);
  await app.listen({ port: 0, host: '127.0.0.1' });
  listening(app.server.address().port);
}
