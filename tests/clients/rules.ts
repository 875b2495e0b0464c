/**
 * What the TypeScript client does where a service would be hard to bring to it: each scene is
 * played against answers that are made up. Takes the scene's name and what the test gives it;
 * prints what came of it.
 */
import {
  createTrial,
  type Credentials,
  type Retries,
  type Trial,
  TrialProblem,
  Unreachable,
} from "trial-api-client";

declare const process: { argv: string[] };

const [, , scene, given] = process.argv as [string, string, string, string];
const args = JSON.parse(given);

type Met = (request: Request) => Response | Promise<Response>;

const ADDRESS = "https://trial.example.org";
const SUBJECT = { site: "NN", year_of_birth: 1971, sex: "female" } as const;
const KEYED = { params: { header: { "Idempotency-Key": "a-key" } }, body: SUBJECT };
const PASSWORD = { username: "investigator-nn", password: "sandbox-only" };

/** The requests that came, as `METHOD /path form`. */
const asked: string[] = [];
/** What `onRefreshToken` was told. */
const told: (string | null)[] = [];

/** A client whose requests meet these answers, one after the other. */
function meeting(met: Met[], credentials?: Credentials, retries: Partial<Retries> = {}): Trial {
  return createTrial({
    baseUrl: ADDRESS,
    credentials,
    retries: { pauseMs: 1, longestMs: 1, ...retries },
    onRefreshToken: (token) => told.push(token),
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const form = pathname.startsWith("/v1/oauth/") ? ` ${await request.clone().text()}` : "";
      asked.push(`${request.method} ${pathname}${form}`);
      const answer = met.shift();
      if (answer === undefined) throw new Error(`not foreseen: ${asked.at(-1)}`);
      return answer(request);
    },
  });
}

const lost: Met = () => {
  throw new TypeError("fetch failed");
};

function json(body: unknown, headers: Record<string, string> = {}): Met {
  return () => Response.json(body, { headers });
}

function refusal(status: number, code: string): Met {
  const headers = { "Content-Type": "application/problem+json" };
  return () => new Response(JSON.stringify({ type: `/problems/${code}`, title: code }), { status, headers });
}

function page(status: number): Met {
  return () => new Response("<h1>Sign in</h1>", { status, headers: { "Content-Type": "text/html" } });
}

/** An answer to a sign-in or a renewal. */
function tokens(refresh_token: string): Met {
  return json({ access_token: `access-${refresh_token}`, expires_in: 900, refresh_token });
}

function toldOf(error: unknown): object {
  if (error instanceof TrialProblem) {
    const { code, status, uncertain, idempotencyKey } = error;
    return { code, status, uncertain, key: idempotencyKey };
  }
  if (!(error instanceof Unreachable)) throw error;
  const { method, url, uncertain, idempotencyKey } = error;
  return { asked: `${method} ${new URL(url).pathname}`, uncertain, key: idempotencyKey };
}

/** What a call throws. */
async function failureOf(call: Promise<unknown>): Promise<object> {
  return call.then(() => {
    throw new Error("a success");
  }, toldOf);
}

const scenes: Record<string, () => Promise<unknown>> = {
  async overtaken() {
    const first = args.first === "lost" ? lost : page(503);
    const read = args.record === null ? lost : json(args.record, { ETag: '"3"' });
    const trial = meeting([first, refusal(412, "stale_version"), read, read], undefined, { attempts: 2 });
    const change = trial[args.method as "PUT"] as unknown as (path: string, of: object) => Promise<object>;
    const header = { "If-Match": '"2"' };
    const made = change("/v1/subjects/1/radiotherapy", { params: { header }, body: args.sent });
    return made.then((answer) => ("replayed" in answer ? { replayed: answer.replayed } : null), toldOf);
  },

  async renewalFails() {
    const refused = refusal(400, "invalid_grant");
    const renewal = { lost, refused, page: page(200) }[args.renewal as string] ?? lost;
    const attempts = args.first === "lost" ? [lost] : [];
    const met = [tokens("R1"), ...attempts, refusal(401, "unauthorized"), renewal, renewal];
    const trial = meeting(met, { refreshToken: "R0" }, { attempts: 2 });
    return failureOf(trial.POST("/v1/subjects", KEYED));
  },

  async renewalFailsForTwo() {
    const trial = meeting([lost], PASSWORD, { attempts: 1 });
    const keys = ["one-key", "other-key"];
    return Promise.all(
      keys.map((key) =>
        failureOf(trial.POST("/v1/subjects", { ...KEYED, params: { header: { "Idempotency-Key": key } } })),
      ),
    );
  },

  async tokenFails() {
    const credentials = {
      async token() {
        if (asked.length > 0) throw new Error("the provider is away");
        return "a-token";
      },
    };
    return failureOf(meeting([lost], credentials).POST("/v1/subjects", KEYED));
  },

  async onlyAnswer() {
    const answer = args.code === null ? page(args.status) : refusal(args.status, args.code);
    return failureOf(meeting([answer], undefined, { attempts: 1 }).POST("/v1/subjects", KEYED));
  },

  async signedOutUnused() {
    await meeting([json({ revoked: true })], { refreshToken: "R0" }).signOut();
    return { asked, told };
  },

  async signedOutTwice() {
    const failed = args.revoke === "lost" ? lost : page(200);
    const met = [tokens("R1"), json({ role: "monitor" }), failed, json({ revoked: true })];
    const trial = meeting(met, PASSWORD, { attempts: 1 });
    await trial.GET("/v1/me");
    await failureOf(trial.signOut());
    const meanwhile = [...told];
    await trial.signOut();
    return { asked: asked.slice(2), meanwhile, told };
  },

  async signedOutWhileSigningIn() {
    const trial = meeting([tokens("R1"), json({ role: "monitor" }), json({ revoked: true })], PASSWORD);
    await Promise.all([trial.GET("/v1/me"), trial.signOut()]);
    return { revoked: asked.filter((one) => one.includes("revoke")), told };
  },

  async signedOutWhileRenewing() {
    let refuse = (_: Response): void => {};
    const refused = new Promise<Response>((resolve) => {
      refuse = resolve;
    });
    const first = [tokens("R1"), json({ role: "monitor" })];
    const met = [...first, refusal(401, "unauthorized"), () => refused, json({ revoked: true })];
    const trial = meeting(met, PASSWORD);
    await trial.GET("/v1/me");
    const call = failureOf(trial.GET("/v1/me"));
    while (asked.length < 4) await new Promise((resolve) => setTimeout(resolve));
    const end = trial.signOut();
    refuse(await refusal(400, "invalid_grant")(new Request(ADDRESS)));
    return { call: await call, end: await end.then(() => asked.slice(3)), told };
  },

  async signedOutDuringACall() {
    let answer = (_: Response): void => {};
    const late = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    const trial = meeting([tokens("R1"), () => late, json({ revoked: true })], PASSWORD);
    const call = failureOf(trial.GET("/v1/me"));
    while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve));
    await trial.signOut();
    answer(await refusal(401, "unauthorized")(new Request(ADDRESS)));
    return { call: await call, asked: asked.slice(2) };
  },

  async limits() {
    const limits: number[] = [];
    const { timeout } = AbortSignal;
    AbortSignal.timeout = (milliseconds) => {
      limits.push(milliseconds);
      return timeout.call(AbortSignal, milliseconds / 100);
    };
    const silent: Met = ({ signal }) =>
      new Promise((_, reject) => {
        const tooLate = setTimeout(() => reject(new Error("waited too long")), 10_000);
        signal.addEventListener("abort", () => {
          clearTimeout(tooLate);
          reject(signal.reason);
        });
      });
    const met = [silent, tokens("R1"), json({ role: "monitor" })];
    await meeting(met, { refreshToken: "R0" }, args.retries).GET("/v1/me");
    return limits;
  },

  async signsIn() {
    const totp = args.totp ?? undefined;
    const first = args.fault === "lost" ? lost : refusal(503, "unavailable");
    const trial = meeting([first, lost], { ...PASSWORD, totp }, { attempts: 2 });
    await failureOf(trial.GET("/v1/me"));
    return asked;
  },

  async addresses() {
    Object.assign(globalThis, { location: { href: "https://page.example.org/app/list?due=1" } });
    const came: string[] = [];
    for (const baseUrl of args.addresses as string[]) {
      const trial = createTrial({
        baseUrl,
        async fetch(request) {
          came.push(`${request.url} ${request.headers.has("Idempotency-Key")}`);
          return Response.json({});
        },
      });
      await trial.POST("/v1/subjects", { body: SUBJECT });
    }
    return came;
  },

  async redirected() {
    const elsewhere: string[] = [];
    const hidden = Object.defineProperty(Response.error(), "type", { value: "opaqueredirect" });
    const redirect: Met = async (request) => {
      if (request.redirect === "follow") elsewhere.push(await request.text());
      const headers = { Location: "https://x.org" };
      return args.hidden ? hidden : new Response(null, { status: 307, headers });
    };
    return [await failureOf(meeting([redirect]).POST("/v1/subjects", KEYED)), elsewhere];
  },

  async signInPage() {
    const signIn: Credentials | undefined = args.at === "token" ? PASSWORD : undefined;
    const trial = meeting([page(200)], signIn);
    const call = args.at === "read" ? trial.GET("/v1/me") : trial.POST("/v1/subjects", KEYED);
    return failureOf(call);
  },
};

console.log(JSON.stringify(await scenes[scene]?.()));
