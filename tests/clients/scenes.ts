/**
 * What a caller meets beside the story, played with the TypeScript client; `scenes.py` plays the
 * same. Takes the scene's name, the client's line and what the test gives it; prints what came
 * of it.
 */
import { createTrial, etagOf, type Retries, type Trial, TrialProblem, Unreachable } from "trial-api-client";

declare const process: { argv: string[] };

const [, , scene, line, given] = process.argv as [string, string, string, string, string];
const args = JSON.parse(given);

const PROMPT = { pauseMs: 10, longestMs: 20 };
const SUBJECT = { site: "NN", year_of_birth: 1971, sex: "female" } as const;
const KEYED = { params: { header: { "Idempotency-Key": "a-key" } } };
/** After which a token is about to expire. */
const LATER_MS = 870_000;

function calling(retries: Partial<Retries> = PROMPT): Trial {
  return createTrial({ baseUrl: line, credentials: { token: () => args.token }, retries });
}

async function problemOf(asked: Promise<unknown>): Promise<object | null> {
  try {
    await asked;
  } catch (error) {
    if (!(error instanceof TrialProblem)) throw error;
    return {
      status: error.status,
      code: error.code,
      pointers: error.errors.map((one) => one.pointer),
      quotable: error.requestId !== "",
      uncertain: error.uncertain,
      retry_after: error.retryAfter,
      key: error.idempotencyKey,
    };
  }
  return null;
}

async function silenceOf(asked: Promise<unknown>): Promise<Unreachable> {
  try {
    await asked;
  } catch (error) {
    if (error instanceof Unreachable) return error;
    throw error;
  }
  throw new Error("answered");
}

const scenes: Record<string, () => Promise<unknown>> = {
  refused: () =>
    problemOf(calling().POST("/v1/subjects", { ...KEYED, body: { ...SUBJECT, year_of_birth: 1800 } })),

  async repeated() {
    const trial = calling({ attempts: 1 });
    const { idempotencyKey } = await silenceOf(trial.POST("/v1/subjects", { body: SUBJECT }));
    const header = { "Idempotency-Key": String(idempotencyKey) };
    const again = await trial.POST("/v1/subjects", { params: { header }, body: SUBJECT });
    return { replayed: again.replayed, number: again.data.number };
  },

  async unkeyed() {
    const trial = createTrial({ baseUrl: line, retries: PROMPT });
    const moved = trial.POST("/sandbox/clock", { body: { now: "2026-01-01T00:00:00Z" } });
    return { key: (await silenceOf(moved)).idempotencyKey };
  },

  impatient: () =>
    problemOf(
      calling({ patienceMs: 500 }).POST("/v1/subjects", {
        ...KEYED,
        body: SUBJECT,
      }),
    ),

  async patient() {
    return (await calling().GET("/v1/me")).data.role;
  },

  overtaken: () =>
    problemOf(
      calling().PUT("/v1/subjects/{subject_id}/radiotherapy", {
        params: { path: { subject_id: args.subject }, header: { "If-Match": '"1"' } },
        body: args.plan,
      }),
    ),

  async listed() {
    const numbers: string[] = [];
    for await (const subject of calling().items("/v1/subjects", { params: { query: { limit: 2 } } })) {
      numbers.push(subject.number);
    }
    return [numbers, etagOf({ version: 7 })];
  },

  async followed() {
    const ids: string[] = [];
    for await (const event of calling().feed()) if (ids.push(event.id) === 3) break;
    const after = String(ids.at(-1));
    for await (const event of calling().feed({ after, pauseMs: 50 })) {
      if (ids.push(event.id) === args.events) break;
    }
    return ids;
  },

  async renewed() {
    const credentials = { username: "investigator-nn", password: "sandbox-only" };
    const trial = createTrial({ baseUrl: line, credentials, retries: PROMPT });
    await trial.GET("/v1/me");
    const began = performance.now();
    performance.now = () => began + LATER_MS;
    const roles = await Promise.all([1, 2, 3, 4].map(async () => (await trial.GET("/v1/me")).data.role));
    await trial.signOut();
    return roles;
  },

  async interrupted() {
    const trial = createTrial({ baseUrl: line, credentials: args.credentials, retries: { attempts: 1 } });
    const began = performance.now();
    const came: string[] = [];
    for (const renewals of [0, 1, 2, 2]) {
      performance.now = () => began + renewals * LATER_MS;
      const role = trial.GET("/v1/me").then(({ data }) => data.role as string);
      came.push(await role.catch((error: Error) => error.name));
    }
    return came;
  },

  async denied() {
    const tokens = ["not.a.token", args.token];
    const trial = createTrial({ baseUrl: line, credentials: { token: () => String(tokens.shift()) } });
    return (await trial.GET("/v1/me")).data.role;
  },

  async machine() {
    const known = createTrial({
      baseUrl: line,
      credentials: { clientId: "his-nn", clientSecret: "sandbox-only" },
    });
    const unknown = createTrial({
      baseUrl: line,
      credentials: { clientId: "his-nn", clientSecret: "wrong" },
    });
    const { role } = (await known.GET("/v1/me")).data;
    const problem = await unknown.GET("/v1/me").catch((error: TrialProblem) => error);
    return [role, "code" in problem ? problem.code : null];
  },

  async downloaded() {
    const report = await calling().download("/v1/reports/consort", { params: { query: { format: "html" } } });
    return (await report.text()).slice(0, 9).toLowerCase();
  },
};

console.log(JSON.stringify(await scenes[scene]?.()));
