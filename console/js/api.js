// REST, of this origin and of the ops port: JSON in, JSON out, refusals as errors that say why.

/** A refusal, or no answer (`status` 0). */
export class ApiError extends Error {
  constructor(status, body, retryAfter) {
    const details = (body?.details ?? []).map(({ field, message }) => `${field}: ${message}`);
    super(details.length > 0 ? details.join(" ") : (body?.message ?? "The server does not answer."));
    this.status = status;
    this.code = body?.error ?? "NO_ANSWER";
    this.program = body?.program_error;
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

const PATIENCE_MS = 15_000;

/** Asks; answers what was said. `token` is an access token. */
export async function ask(method, path, { query, body, token, base = "", key } = {}) {
  const known = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const target = known.length > 0 ? `${path}?${new URLSearchParams(known)}` : path;
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  if (key) headers["idempotency-key"] = key;
  let reply;
  let text;
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    reply = await fetch(base + target, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal });
    text = await reply.text();
  } catch {
    throw new ApiError(0);
  }
  let said = text;
  const isJson = (reply.headers.get("content-type") ?? "").startsWith("application/json");
  if (isJson && text !== "") said = JSON.parse(text);
  if (!reply.ok) throw new ApiError(reply.status, isJson ? said : undefined, Number(reply.headers.get("retry-after")) || undefined);
  return said === "" ? null : said;
}

export const get = (path, query, more) => ask("GET", path, { query, ...more });
export const post = (path, body, more) => ask("POST", path, { body, ...more });

/** Where the parts of this node are. */
export async function places() {
  const { api_port, ws_port, ops_port, has_faucet } = await get("/console.json");
  const { protocol, hostname, host, port } = location;
  const isDirect = ws_port !== null && (api_port === 0 || Number(port || (protocol === "https:" ? 443 : 80)) === api_port);
  const socket = protocol === "https:" ? "wss:" : "ws:";
  return {
    // Behind a proxy, both have one address.
    ws: isDirect ? `${socket}//${hostname}:${ws_port}/` : `${socket}//${host}/ws`,
    ops: ops_port === null || ops_port === undefined ? null : `http://${hostname}:${ops_port}`,
    hasFaucet: has_faucet,
  };
}
