/** REST, typed by the server's own description: what is asked once. */

import { Refused } from "./errors.js";
import type { components, paths } from "./generated/openapi.js";

/** The objects of the API, by their names in docs/openapi.json. */
export type Schemas = components["schemas"];

type Methods = "get" | "post" | "put" | "patch" | "delete";
type Operation<P extends keyof paths, M extends Methods> = Exclude<paths[P][M], undefined>;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : undefined;
type Success<O> = O extends { responses: infer R } ? R[keyof R & (200 | 201)] : never;
type Reply<O> = Success<O> extends { content: { "application/json": infer B } } ? B : undefined;
type Query<O> = O extends { parameters: { query?: infer Q } } ? Q : never;

/** What goes with a request. */
export interface Ask<O> {
  /** Values for the braces of the path. */
  path?: Record<string, string>;
  query?: Query<O>;
  body?: Body<O>;
  token?: string;
  headers?: Record<string, string>;
  /** Milliseconds; 15,000 unless said otherwise. */
  timeout?: number;
}

export class Rest {
  constructor(
    /** `http://HOST:PORT`. */
    readonly base: string,
    private readonly fetcher: typeof fetch = (...args) => fetch(...args),
  ) {}

  /** Asks. Throws Refused with the server's own code, or what `fetch` throws. */
  async ask<P extends keyof paths, M extends Methods>(
    method: M,
    path: P,
    ask: Ask<Operation<P, M>> = {},
  ): Promise<Reply<Operation<P, M>>> {
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ask.path?.[name] ?? ""));
    const url = new URL(filled, this.base);
    for (const [name, value] of Object.entries(ask.query ?? {})) {
      if (value !== undefined && value !== null) url.searchParams.set(name, typeof value === "string" ? value : JSON.stringify(value));
    }
    const headers: Record<string, string> = { ...ask.headers };
    if (ask.token !== undefined) headers["authorization"] = `Bearer ${ask.token}`;
    if (ask.body !== undefined) headers["content-type"] = "application/json";
    const reply = await this.fetcher(url, {
      method: method.toUpperCase(),
      headers,
      signal: AbortSignal.timeout(ask.timeout ?? 15_000),
      ...(ask.body === undefined ? {} : { body: JSON.stringify(ask.body) }),
    });
    const text = await reply.text();
    if (reply.ok) return (text === "" ? undefined : JSON.parse(text)) as Reply<Operation<P, M>>;
    throw refusal(reply.status, text);
  }
}

function refusal(status: number, text: string): Refused {
  const retryable = status === 429 || status >= 500;
  try {
    const body = JSON.parse(text) as Schemas["ErrorBody"];
    return new Refused(body.error, body.message, retryable, body, status);
  } catch {
    return new Refused("HTTP", `status ${status}`, retryable, undefined, status);
  }
}
