/** Knows when the list has to be read again. */
import type { Session } from "./session.ts";

const STREAM = "text/event-stream";
/** Between two streams: each ends with the access token, or when a server stops. */
const AGAIN_MS = 3_000;
/** Between two looks of whoever hears of no events. */
const LOOK_MS = 30_000;
/** Events come in handfuls: one reading for all of them. */
const HANDFUL_MS = 300;
/** The stream says something every fifteen seconds; after three such silences the line is dead. */
const SILENCE_MS = 45_000;
/** Without a sign of the person for so long, nothing is asked, and the session may run out. */
const ATTENDED_MS = 15 * 60_000;

/** Call `changed` at once, and whenever the visits may have changed, until the signal. */
export async function follow(session: Session, changed: () => void, signal: AbortSignal): Promise<void> {
  const attendance = new Attendance(signal);
  changed();
  while (!signal.aborted) {
    if (session.may("events:read")) {
      try {
        await listen(session, changed, attendance, signal);
        await pause(AGAIN_MS, signal);
        await attendance.now();
        continue;
      } catch {
        // No stream is to be had, or it broke: look, as others do, and try again.
      }
    }
    // Assessors hear of no events at all.
    await pause(LOOK_MS, signal);
    await attendance.now();
    if (!signal.aborted) changed();
  }
}

/** Read the stream of events until it ends; with its first block the line stands, so read the list. */
async function listen(
  session: Session,
  changed: () => void,
  attendance: Attendance,
  signal: AbortSignal,
): Promise<void> {
  const silence = new AbortController();
  const either = AbortSignal.any([signal, silence.signal]);
  const answer = await session.call((trial) => trial.download("/v1/events", { accept: STREAM, signal: either }));
  const mediaType = answer.headers.get("Content-Type") ?? "";
  if (answer.body === null || !mediaType.startsWith(STREAM)) throw new Error("no stream");
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let handful: number | undefined;
  let text = "";
  try {
    while (attendance.here()) {
      const dead = setTimeout(() => silence.abort(), SILENCE_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(dead));
      if (done) return;
      const blocks = (text + value).split("\n\n");
      text = blocks.pop() ?? "";
      // A comment only says that the line is alive. What an event tells is not looked at: the
      // list is short, and read whole nothing is missed.
      if (!blocks.some((block) => /^event: (?!end$)/m.test(block))) continue;
      handful ??= setTimeout(() => {
        handful = undefined;
        changed();
      }, HANDFUL_MS);
    }
  } finally {
    silence.abort();
  }
}

/** Whether somebody sits before the page: a screen that is left alone keeps no session alive. */
class Attendance {
  #last = performance.now();
  #waiting: (() => void)[] = [];

  constructor(signal: AbortSignal) {
    const seen = () => {
      this.#last = performance.now();
      for (const go of this.#waiting.splice(0)) go();
    };
    for (const sign of ["pointerdown", "keydown", "focus"]) addEventListener(sign, seen, { signal });
    document.addEventListener("visibilitychange", seen, { signal });
    signal.addEventListener("abort", seen);
  }

  here(): boolean {
    return !document.hidden && performance.now() - this.#last < ATTENDED_MS;
  }

  /** Wait until somebody is there. */
  async now(): Promise<void> {
    if (!this.here()) await new Promise<void>((go) => this.#waiting.push(go));
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
