/** What docs/asyncapi.json promises, as a judge of messages: each by the schema of its type, on its channel. */

import { Ajv, type ValidateFunction } from "ajv";
import * as formats from "ajv-formats";
import { readFileSync } from "node:fs";

interface Document {
  channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
  components: { messages: Record<string, { name: string; payload: { $ref: string } }>; schemas: Record<string, object> };
}

const PLACE = new URL("../../../../../docs/asyncapi.json", import.meta.url);

export class Contract {
  readonly #document = JSON.parse(readFileSync(PLACE, "utf8")) as Document;
  readonly #judges = new Map<string, ValidateFunction>();
  /** What was seen, by the document's keys. */
  readonly seen = new Map<string, number>();

  constructor() {
    const ajv = new Ajv({ strict: false, allErrors: true });
    formats.default.default(ajv);
    ajv.addSchema({ $id: "document", components: { schemas: this.#document.components.schemas } });
    for (const [key, message] of Object.entries(this.#document.components.messages)) {
      this.#judges.set(key, ajv.compile({ $ref: `document${message.payload.$ref}` }));
    }
  }

  /** All that the server may say. */
  get keys(): string[] {
    return [...this.#judges.keys()].filter((key) => !key.startsWith("client."));
  }

  /** The frame of a message; throws with what the document does not allow. */
  judge(text: string): void {
    const message = JSON.parse(text) as { type: string; channel?: string };
    const candidates = this.#candidates(message);
    const reasons = [];
    for (const key of candidates) {
      const judge = this.#judges.get(key);
      if (judge?.(message) === true) {
        this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
        return;
      }
      const errors = (judge?.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message ?? ""} ${JSON.stringify(params)}`);
      // Of several kinds of reply the one of another action tells nothing.
      if (!errors.some((error) => error.startsWith("/action"))) reasons.push(`${key}: ${errors.join("; ")}`);
    }
    throw new Error(`not as documented: ${text}\n${reasons.join("\n") || "no such message"}`);
  }

  /** A message of a client, by its action. */
  judgeAction(text: string): void {
    const message = JSON.parse(text) as { action: string; op?: string; what?: string };
    const kind = message.op ?? message.what;
    const judge = this.#judges.get(`client.${message.action}${kind === undefined ? "" : `_${kind}`}`);
    if (judge?.(message) !== true) throw new Error(`not as documented: ${text}\n${JSON.stringify(judge?.errors)}`);
  }

  #candidates(message: { type: string; channel?: string }): string[] {
    const kind = message.channel?.split(":")[0];
    return Object.entries(this.#document.components.messages)
      .filter(([key, { name }]) => name === message.type && (key.startsWith("server.") || key.startsWith(`${kind ?? ""}.`)))
      .map(([key]) => key);
  }
}
