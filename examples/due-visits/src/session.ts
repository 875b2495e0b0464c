/**
 * Who is signed in. Tokens live in the client, in memory only; the password is forgotten as soon
 * as there is a refresh token for it.
 */
import { type components, createTrial, type Trial, TrialProblem } from "trial-api-client";
import { found } from "./dom.ts";
import { language } from "./words.ts";

export const API = found<HTMLMetaElement>('meta[name="trial-api"]').content;

/** A person waits: three attempts, then they are told and may press again. */
const RETRIES = { attempts: 3 };

export type Me = components["schemas"]["Me"];
type Action = components["schemas"]["Action"];

export interface Password {
  username: string;
  password: string;
  totp?: string;
}

/** Has the same person sign in again; `enter` throws what the service refuses. */
export type AskAgain = (username: string, enter: (given: Password) => Promise<void>) => Promise<void>;

/** One person's session, which outlives its tokens: when they are over, the person is asked again. */
export class Session {
  readonly me: Me;
  readonly #username: string;
  readonly #askAgain: AskAgain;
  #trial: Trial;
  #asking: Promise<void> | null = null;

  private constructor(me: Me, username: string, trial: Trial, askAgain: AskAgain) {
    this.me = me;
    this.#username = username;
    this.#trial = trial;
    this.#askAgain = askAgain;
  }

  static async begin(given: Password, askAgain: AskAgain): Promise<Session> {
    const { me, trial } = await enter(given);
    return new Session(me, given.username, trial, askAgain);
  }

  may(action: Action): boolean {
    return this.me.actions.includes(action);
  }

  /** A call; when the session is over, the person signs in again and it is repeated once. */
  async call<T>(ask: (trial: Trial) => Promise<T>): Promise<T> {
    const used = this.#trial;
    try {
      return await ask(used);
    } catch (problem) {
      if (!isOver(problem)) throw problem;
    }
    if (used === this.#trial) {
      this.#asking ??= this.#again().finally(() => {
        this.#asking = null;
      });
      await this.#asking;
    }
    return ask(this.#trial);
  }

  async end(): Promise<void> {
    await this.#trial.signOut();
  }

  #again(): Promise<void> {
    return this.#askAgain(this.#username, async (given) => {
      const { me, trial } = await enter({ ...given, username: this.#username });
      if (me.id !== this.me.id) throw new Error("another person");
      this.#trial = trial;
    });
  }
}

/** Whether a refusal means that the person has to sign in again. */
function isOver(problem: unknown): boolean {
  return (
    problem instanceof TrialProblem &&
    (problem.code === "unauthorized" || problem.code === "invalid_grant")
  );
}

async function enter(given: Password): Promise<{ me: Me; trial: Trial }> {
  let refreshToken: string | null = null;
  const first = createTrial({
    baseUrl: API,
    credentials: given,
    onRefreshToken: (token) => {
      refreshToken = token;
    },
    retries: RETRIES,
    fetch: spoken,
  });
  const { data: me } = await first.GET("/v1/me");
  if (refreshToken === null) throw new Error("no refresh token came");
  // A client that has the password would sign in with it again after the session was ended.
  const credentials = { refreshToken };
  return { me, trial: createTrial({ baseUrl: API, credentials, retries: RETRIES, fetch: spoken }) };
}

/** The language may change during a session; that of a client may not. */
function spoken(request: Request): Promise<Response> {
  request.headers.set("Accept-Language", language());
  return fetch(request);
}
