/** What can go wrong, one class for each thing that a caller can do differently. */

import type { ErrorMessage } from "./generated/asyncapi.js";
import type { components } from "./generated/openapi.js";

/** A refusal by the server, over the socket or REST. */
export class Refused extends Error {
  override readonly name: string = "Refused";

  constructor(
    /** For programs: `NOT_FOUND`, `CHAIN_REFUSED`, … */
    readonly code: string,
    message: string,
    /** The same may succeed a little later. */
    readonly retryable: boolean,
    /** The whole answer, as it came. */
    readonly answer?: ErrorMessage | components["schemas"]["ErrorBody"],
    /** The status, of a refusal by REST. */
    readonly status?: number,
  ) {
    super(`${code}: ${message}`);
  }
}

/** The connection was lost while an answer was out: it is not known whether the action had its effect. */
export class Disconnected extends Error {
  override readonly name = "Disconnected";
}

/** The server closed for good (45xx, or a fault of the client): it is not come back to. */
export class Stopped extends Error {
  override readonly name = "Stopped";

  constructor(
    /** The close code; `undefined`: the client itself was closed. */
    readonly code: number | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** A transaction that had no effect, or can't land any more. */
export class NotLanded extends Error {
  override readonly name = "NotLanded";

  constructor(
    readonly signature: string,
    readonly status: "failed" | "expired",
    /** The program's name of its error, where it failed. */
    readonly reason: string | undefined,
  ) {
    super(`the transaction ${signature} ${status}${reason === undefined ? "" : `: ${reason}`}`);
  }
}
