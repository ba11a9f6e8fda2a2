// What every story needs: looks that are bounded in number, and facts told as one line of JSON.
import { setTimeout as sleep } from 'node:timers/promises';

const pauseMs = Number(process.env.STORY_PAUSE_S) * 1000;
const mostLooks = Number(process.env.STORY_MOST_LOOKS);

/** Look until it is there; all that was seen on the way, the last look included. */
export async function poll(look, isThere) {
  const seen = [];
  while (seen.length < mostLooks) {
    seen.push(await look());
    if (isThere(seen.at(-1))) return seen;
    if (pauseMs) await sleep(pauseMs);
  }
  throw new Error(`not there after ${mostLooks} looks: ${JSON.stringify(seen.at(-1))}`);
}

/** Look until the look itself is refused; all that was seen before, and the refusal. */
export async function pollUntil(look, refusal) {
  const seen = [];
  while (seen.length < mostLooks) {
    try {
      seen.push(await look());
    } catch (refused) {
      if (refused instanceof refusal) return [seen, refused];
      throw refused;
    }
    if (pauseMs) await sleep(pauseMs);
  }
  throw new Error(`still there after ${mostLooks} looks: ${JSON.stringify(seen.at(-1))}`);
}

/** The refusal that this call meets. */
export async function refused(refusal, call) {
  let answer;
  try {
    answer = await call();
  } catch (met) {
    if (met instanceof refusal) return met;
    throw met;
  }
  throw new Error(`not refused: ${JSON.stringify(answer)}`);
}

/** Hand the facts to the test that runs the story. */
export function tell(facts) {
  console.log(JSON.stringify(facts));
}
