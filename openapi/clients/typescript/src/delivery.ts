/** Sending again what may be sent again, with pauses that grow. */
import { codeOf, keptFrom, problemIn, Unreachable } from "./problems.ts";

/**
 * How often and how patiently. Pauses begin at about `pauseMs` and double up to `longestMs`;
 * where the service names its own with Retry-After, that is waited for, unless it is longer than
 * `patienceMs`: then the refusal is yours to handle.
 */
export interface Retries {
  attempts: number;
  pauseMs: number;
  longestMs: number;
  patienceMs: number;
  /** How long one attempt may take: for a token at most 4 seconds, a file takes what it needs. */
  timeoutMs: number;
}

export const RETRIES: Retries = {
  attempts: 5,
  pauseMs: 500,
  longestMs: 8_000,
  patienceMs: 60_000,
  timeoutMs: 30_000,
};

/** An answer; `uncertain` when what became of its attempt, or of an earlier one, is not known. */
export interface Delivered {
  response: Response;
  uncertain: boolean;
}

/** Too many requests, and a service that is away or behind a proxy that is: these pass. */
const BUSY = new Set([429, 502, 503, 504]);

/** Answers of a proxy that lost ours. */
const UNCERTAIN = new Set([502, 504]);

/** What is sent once, so that it can be sent again. */
export type Attempt = (number: number) => Promise<Response>;

/**
 * Send until there is an answer that will not change by itself.
 *
 * Only what is `safe` to send twice is: what changes nothing, what carries an Idempotency-Key, and
 * what changes the version that If-Match names.
 */
export async function deliver(
  request: Request,
  attempt: Attempt,
  safe: boolean,
  retries: Retries,
): Promise<Delivered> {
  let uncertain = false;
  for (let number = 1; ; number += 1) {
    const last = !safe || number >= retries.attempts;
    let pause = grown(number, retries);
    try {
      const response = await attempt(number);
      uncertain ||= await isLostBehind(response);
      const wait = retryAfterMs(response);
      if (last || wait > retries.patienceMs || !(await passes(response))) {
        return { response, uncertain };
      }
      pause = Math.max(pause, wait);
    } catch (error) {
      if (request.signal.aborted) throw error;
      if (!isLost(error)) throw keptFrom(request, error, uncertain);
      if (last) throw new Unreachable(request, error);
      uncertain = true;
    }
    await sleep(pause, request.signal);
  }
}

/** Wait, or until the caller gives up. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    }, milliseconds);
    if (signal?.aborted) giveUp();
    else signal?.addEventListener("abort", giveUp, { once: true });
  });
}

/** Whether `fetch` failed for the line and not for a mistake of ours. */
function isLost(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof DOMException && error.name === "TimeoutError");
}

/** Whether an answer leaves open what became of the request: the service's own did not come. */
async function isLostBehind(response: Response): Promise<boolean> {
  if (UNCERTAIN.has(response.status) || (await hasCode(response, "outcome_unknown"))) return true;
  return response.status >= 500 && (await hasCode(response, "no_problem"));
}

/** Whether the same request may succeed a little later. */
async function passes(response: Response): Promise<boolean> {
  return BUSY.has(response.status) || (response.status === 409 && (await hasCode(response, "still_in_flight")));
}

async function hasCode(response: Response, code: string): Promise<boolean> {
  return codeOf(await problemIn(response)) === code;
}

/** At random in its upper half, so that many callers do not come at once. */
function grown(number: number, retries: Retries): number {
  const most = Math.min(retries.longestMs, retries.pauseMs * 2 ** (number - 1));
  return most / 2 + (Math.random() * most) / 2;
}

/** Retry-After, in either of its forms (RFC 9110, section 10.2.3). */
function retryAfterMs(response: Response): number {
  const given = response.headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(given)) return Number(given) * 1000;
  const moment = Date.parse(given);
  return Number.isNaN(moment) ? 0 : Math.max(0, moment - Date.now());
}
