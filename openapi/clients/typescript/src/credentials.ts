/** Who calls, and the tokens that show it: asked for when needed, renewed before they expire. */
import { deliver, type Retries } from "./delivery.ts";
import { holdsJson, problemIn, TrialProblem } from "./problems.ts";
import type { components } from "./schema.ts";

type TokenAnswer = components["schemas"]["TokenAnswer"];

/**
 * - A person, with the one-time code of a second factor where they have one.
 * - A session that was begun elsewhere, or on the page before.
 * - A system that keeps a secret, or a private key: `assertion` signs a new JWT at each call (RFC 7523).
 * - An outside identity provider: `token` gives one that is still good.
 */
export type Credentials =
  | { username: string; password: string; totp?: string }
  | { refreshToken: string }
  | { clientId: string; clientSecret: string }
  | { clientId: string; assertion: () => string | Promise<string> }
  | { token: () => string | Promise<string> };

type SignIn = Exclude<Credentials, { token: unknown }>;

const ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** How long before its end a token is renewed; of a short-lived one, a fifth of its life. */
const MARGIN_MS = 60_000;

/**
 * How long a request for a token, or to revoke one, may take. A used refresh token is good once
 * more for ten seconds: that its answer was lost has to be noticed well within them.
 */
const TOKEN_LIMIT_MS = 4_000;

export interface SessionOptions {
  baseUrl: string;
  credentials: Credentials;
  retries: Retries;
  fetch: (request: Request, limitMs: number) => Promise<Response>;
  /** Told of each new refresh token, for who wants to go on after a reload. */
  onRefreshToken?: ((token: string | null) => void) | undefined;
}

/** The current token of one caller; calls that need a new one at the same time share it. */
export class Session {
  readonly #options: SessionOptions;
  #token: string | null = null;
  #refreshToken: string | null = null;
  #renewAt = 0;
  #renewing: Promise<string> | null = null;
  #ending: Promise<void> | null = null;
  #ended = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** How often it was signed out. */
  get ended(): number {
    return this.#ended;
  }

  /**
   * A token that is still good, and is not the one that was refused. `began` is what `ended` was
   * when the call began: a call from before a sign-out does not sign in again, and may get none.
   */
  async token(began: number, refused: string | null = null): Promise<string | null> {
    const { credentials } = this.#options;
    if ("token" in credentials) return credentials.token();
    if (this.#ending !== null) await this.#ending.catch(() => {});
    if (this.#token !== null && this.#token !== refused && performance.now() < this.#renewAt) {
      return this.#token;
    }
    if (began !== this.#ended) return null;
    this.#renewing ??= this.#renewed(credentials).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** Sign out: the session's tokens are refused from now on. Try again where it throws. */
  end(): Promise<void> {
    this.#ending ??= this.#revoked().finally(() => {
      this.#ending = null;
    });
    return this.#ending;
  }

  async #revoked(): Promise<void> {
    // What is being renewed is to end, too; a failure of it is told to those who wait for it.
    await this.#renewing?.catch(() => {});
    const { credentials } = this.#options;
    const begunElsewhere = "refreshToken" in credentials ? credentials.refreshToken : null;
    const token = this.#refreshToken ?? this.#token ?? begunElsewhere;
    if (token !== null) await this.#post("/v1/oauth/revoke", async () => ({ token }));
    this.#token = null;
    this.#ended += 1;
    this.#keepRefreshToken(null);
  }

  async #renewed(credentials: SignIn): Promise<string> {
    const answer = await this.#answer(credentials);
    const life = answer.expires_in * 1000;
    this.#token = answer.access_token;
    this.#renewAt = performance.now() + life - Math.min(MARGIN_MS, life / 5);
    this.#keepRefreshToken(answer.refresh_token ?? null);
    return answer.access_token;
  }

  async #answer(credentials: SignIn): Promise<TokenAnswer> {
    if (this.#refreshToken !== null) {
      try {
        return await this.#ask({ refreshToken: this.#refreshToken });
      } catch (error) {
        // Without an answer, or with one that passes, it is still the newest: any before it would
        // end the session. What is refused stays, too, where the first proof was good once.
        const over = error instanceof TrialProblem && error.code === "invalid_grant";
        // And who is signing out is not signed in again.
        if (!over || !isLasting(credentials) || this.#ending !== null) throw error;
        this.#refreshToken = null;
      }
    }
    return this.#ask(credentials);
  }

  async #ask(credentials: SignIn): Promise<TokenAnswer> {
    const body = () => form(credentials);
    const response = await this.#post("/v1/oauth/token", body, isRepeatable(credentials));
    return (await response.json()) as TokenAnswer;
  }

  async #post(
    path: string,
    body: () => Promise<Record<string, string>>,
    safe = true,
  ): Promise<Response> {
    const { baseUrl, retries, fetch } = this.#options;
    const asked = new Request(baseUrl + path, { method: "POST" });
    const { response, uncertain } = await deliver(
      asked,
      async () => {
        const init = { method: "POST", body: new URLSearchParams(await body()) };
        return fetch(new Request(asked.url, init), Math.min(TOKEN_LIMIT_MS, retries.timeoutMs));
      },
      safe,
      retries,
    );
    if (response.ok && (await holdsJson(response))) return response;
    throw new TrialProblem(response, await problemIn(response), { uncertain: uncertain || response.ok });
  }

  #keepRefreshToken(token: string | null): void {
    this.#refreshToken = token;
    this.#options.onRefreshToken?.(token);
  }
}

/** Whether one can sign in with it again: a one-time code and a refresh token are good once. */
function isLasting(credentials: SignIn): boolean {
  return !("refreshToken" in credentials) && isRepeatable(credentials);
}

/**
 * Whether an attempt that failed may be sent again: signing in twice does no harm, and a refresh
 * token is good again for some seconds, but a one-time code is not.
 */
function isRepeatable(credentials: SignIn): boolean {
  return !("username" in credentials) || credentials.totp === undefined;
}

async function form(credentials: SignIn): Promise<Record<string, string>> {
  if ("refreshToken" in credentials) {
    return { grant_type: "refresh_token", refresh_token: credentials.refreshToken };
  }
  if ("username" in credentials) {
    const { username, password, totp } = credentials;
    const known = { grant_type: "password", username, password };
    return totp === undefined ? known : { ...known, totp };
  }
  const client = { grant_type: "client_credentials", client_id: credentials.clientId };
  if ("clientSecret" in credentials) {
    return { ...client, client_secret: credentials.clientSecret };
  }
  const assertion = await credentials.assertion();
  return { ...client, client_assertion_type: ASSERTION, client_assertion: assertion };
}
