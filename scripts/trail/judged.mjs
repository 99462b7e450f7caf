// Judges until it can be said: trail and chain are read one after the other while both go on, so what was decided in
// between looks wrong. Where something is wrong all is read again after a pause, and only what stays is held to be so.

import { Unreachable } from "./chain.mjs";
import { Judge } from "./judge.mjs";

const READINGS_MAX = 3;
/** The server follows the chain within so long. */
const PAUSE_MS = 3_000;

async function reading(chain, trail) {
  const judge = new Judge(chain, trail);
  try {
    await judge.judge();
  } catch (error) {
    const isKnown = error instanceof Unreachable || error instanceof RangeError;
    judge.unknown(isKnown ? error.message : error.stack);
  }
  return judge;
}

/** The judge of the last reading. */
export async function judged(chain, trail, pauseMs = PAUSE_MS) {
  let before = new Set();
  for (let count = 1; ; count += 1) {
    const judge = await reading(chain, trail);
    const wrong = judge.findings.filter(({ verdict }) => verdict === "WRONG");
    const passing = wrong.filter(({ what }) => !before.has(what));
    if (passing.length === 0 || count === READINGS_MAX) {
      for (const finding of passing) Object.assign(finding, { verdict: "unknown", what: `${finding.what} (in one reading of ${count})` });
      return judge;
    }
    before = new Set(wrong.map(({ what }) => what));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
