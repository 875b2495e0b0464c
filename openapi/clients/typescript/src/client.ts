/** The client: typed requests, each with its token, its attempts, and its answer or problem. */
import createClient from "openapi-fetch";
import { type Credentials, Session } from "./credentials.ts";
import { deliver, type Delivered, RETRIES, type Retries, sleep } from "./delivery.ts";
import type { Argument, Data, Given, Item, ListPath, PathWith, Verb } from "./operations.ts";
import { holdsJson, problemIn, TrialProblem, Unreachable } from "./problems.ts";
import { isMadeBy, versionOf } from "./records.ts";
import type { components, paths } from "./schema.ts";

const JSON_TYPE = "application/json";
const MERGE_PATCH = "application/merge-patch+json";

type Fetch = (request: Request) => Promise<Response>;

/** A success. `etag` names the version in `data`: give it as If-Match to change that. */
export interface Answer<T> {
  data: T;
  etag: string;
  /** An earlier attempt had done it already, so this is the answer of then. */
  replayed: boolean;
  requestId: string;
}

export interface TrialOptions {
  /** Where the installation is, such as `https://trial.example.org`; empty where the page came from. */
  baseUrl: string;
  /** Left out, only what is public can be called. */
  credentials?: Credentials;
  retries?: Partial<Retries>;
  /** The language of labels and problems, such as `zh-CN`. */
  language?: string;
  /** Told of each new refresh token, for who wants to go on after a reload; null after the end. */
  onRefreshToken?: (token: string | null) => void;
  fetch?: Fetch;
}

export interface FeedOptions {
  /** The `id` of the last event that you have worked through. */
  after?: string;
  type?: components["schemas"]["EventType"];
  /** Between two looks; null ends the feed when there is no more for now. */
  pauseMs?: number | null;
  signal?: AbortSignal;
}

type Call<V extends Verb> = <P extends PathWith<V>>(
  path: P,
  ...options: Argument<Given<paths[P][V]>>
) => Promise<Answer<Data<paths[P][V]>>>;

/** One installation of the trial API, as one caller. */
export interface Trial {
  GET: Call<"get">;
  POST: Call<"post">;
  PUT: Call<"put">;
  PATCH: Call<"patch">;
  DELETE: Call<"delete">;

  /** Every item of a list, page after page. */
  items<P extends ListPath>(
    path: P,
    ...options: Argument<Given<paths[P]["get"]>>
  ): AsyncGenerator<Item<paths[P]["get"]>, void, undefined>;

  /**
   * What happens, in its order, without end. Keep the `id` of the last event that you have
   * worked through, and give it as `after` when you start again: nothing is missed, nothing
   * comes twice.
   */
  feed(options?: FeedOptions): AsyncGenerator<components["schemas"]["EventRead"], void, undefined>;

  /**
   * A file, whose body is read as it comes. Reports take their form as `format`, other operations
   * as the media type in `accept`.
   */
  download<P extends PathWith<"get">>(
    path: P,
    ...options: Argument<Given<paths[P]["get"]> & { accept?: string }>
  ): Promise<Response>;

  /** End the session: its tokens are refused from now on. Where it throws, call it again. */
  signOut(): Promise<void>;
}

/** What openapi-fetch needs of a call; which call has which options is for the types above. */
type Untyped = (
  verb: string,
  path: string,
  options: object | undefined,
) => Promise<{ data?: unknown; response: Response }>;

/** The client of an installation. */
export function createTrial(options: TrialOptions): Trial {
  const connection = new Connection(options);
  const { baseUrl } = connection;
  const records = createClient<paths>({ baseUrl, fetch: (asked) => connection.send(asked) });
  const files = createClient<paths>({ baseUrl, fetch: (asked) => connection.send(asked, true) });
  const request = records.request as unknown as Untyped;
  const requestFile = files.request as unknown as Untyped;

  async function answer(verb: Verb, path: string, given?: object): Promise<Answer<unknown>> {
    const { data, response } = await request(verb, path, { ...given, headers: { Accept: JSON_TYPE } });
    return {
      data,
      etag: response.headers.get("ETag") ?? "",
      replayed: response.headers.get("Idempotency-Replayed") === "true",
      requestId: response.headers.get("X-Request-Id") ?? "",
    };
  }

  const call = (verb: Verb) => (path: string, given?: object) => answer(verb, path, given);

  async function* items(path: string, given: { params?: { query?: object } } = {}) {
    let cursor: string | null = null;
    do {
      const query: object = { ...given.params?.query, ...(cursor === null ? {} : { cursor }) };
      const page = await answer("get", path, { ...given, params: { ...given.params, query } });
      const { items, next_cursor } = page.data as { items: unknown[]; next_cursor: string | null };
      yield* items;
      cursor = next_cursor;
    } while (cursor !== null);
  }

  const trial = {
    GET: call("get"),
    POST: call("post"),
    PUT: call("put"),
    PATCH: call("patch"),
    DELETE: call("delete"),
    items,

    async *feed({ after, type, pauseMs = 5_000, signal }: FeedOptions = {}) {
      for (;;) {
        const query = { limit: 200, ...(after && { after }), ...(type && { type }) };
        const page = await answer("get", "/v1/events", { params: { query }, signal });
        const { items, next_cursor } = page.data as components["schemas"]["EventPage"];
        for (const event of items) {
          yield event;
          after = event.id;
        }
        if (next_cursor !== null) continue;
        if (pauseMs === null) return;
        await sleep(pauseMs, signal);
      }
    },

    async download(path: string, { accept = "*/*", ...given }: { accept?: string } = {}) {
      const headers = { Accept: accept };
      const { response } = await requestFile("get", path, { ...given, headers, parseAs: "stream" });
      return response;
    },

    signOut: () => connection.signOut(),
  };
  return trial as unknown as Trial;
}

/** One installation as one caller: sends requests, safely again where that can be. */
class Connection {
  readonly baseUrl: string;
  /** The path of `baseUrl`, without a slash at its end. */
  readonly #root: string;
  readonly #retries: Retries;
  readonly #session: Session | null;
  readonly #language: string | undefined;
  readonly #fetch: Fetch;

  constructor(options: TrialOptions) {
    this.baseUrl = addressOf(options.baseUrl);
    this.#root = new URL(this.baseUrl).pathname.replace(/\/$/, "");
    this.#retries = { ...RETRIES, ...options.retries };
    this.#language = options.language;
    this.#fetch = options.fetch ?? ((request) => globalThis.fetch(request));
    this.#session = options.credentials
      ? new Session({
          baseUrl: this.baseUrl,
          credentials: options.credentials,
          retries: this.#retries,
          fetch: (request, limitMs) => this.#answer(request, { limitMs }),
          onRefreshToken: options.onRefreshToken,
        })
      : null;
  }

  async signOut(): Promise<void> {
    await this.#session?.end();
  }

  /** The success of a request; whatever else is thrown. */
  async send(request: Request, file = false): Promise<Response> {
    const path = new URL(request.url).pathname.slice(this.#root.length);
    const { headers, method } = request;
    if (method === "PATCH") headers.set("Content-Type", MERGE_PATCH);
    // Every POST that creates takes a key, and nothing else does.
    const creates = method === "POST" && path.startsWith("/v1/") && !path.startsWith("/v1/oauth/");
    if (creates && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", freshKey());
    if (this.#language !== undefined) headers.set("Accept-Language", this.#language);

    const { response, uncertain } = await this.#delivered(request, file);
    if (response.ok && (file || (await holdsJson(response)))) return response;
    const own = response.status === 412 && uncertain ? await this.#ownChange(request) : null;
    if (own !== null) return own;
    // A success that is none of the service's, such as a proxy's page, tells nothing of a change.
    const told = { uncertain: uncertain || (response.ok && method !== "GET") };
    const idempotencyKey = headers.get("Idempotency-Key");
    throw new TrialProblem(response, await problemIn(response), { ...told, idempotencyKey });
  }

  #delivered(request: Request, file = false): Promise<Delivered> {
    const { headers, method } = request;
    const safe = method === "GET" || headers.has("Idempotency-Key") || headers.has("If-Match");
    const began = this.#session?.ended ?? 0;
    return deliver(request, () => this.#attempt(request, began, file), safe, this.#retries);
  }

  async #attempt(request: Request, began: number, file: boolean): Promise<Response> {
    if (this.#session === null) return this.#answer(request.clone(), { file });
    const token = await this.#session.token(began);
    const response = await this.#answer(withToken(request, token), { file });
    if (response.status !== 401) return response;
    const renewed = await this.#session.token(began, token);
    return renewed === null ? response : this.#answer(withToken(request, renewed), { file });
  }

  /**
   * An answer with all of its body, so that a cut in the middle is a failure of this attempt; a
   * file alone is read as it comes.
   */
  async #answer(
    request: Request,
    { file = false, limitMs = this.#retries.timeoutMs } = {},
  ): Promise<Response> {
    const limit = AbortSignal.timeout(limitMs);
    const signal = file ? request.signal : AbortSignal.any([request.signal, limit]);
    // The service never redirects, and who does would have the request sent to any host.
    const response = await this.#fetch(new Request(request, { signal, redirect: "manual" }));
    if ((file && response.ok) || response.type === "opaqueredirect") return response;
    const body = await response.arrayBuffer();
    return new Response(body.byteLength > 0 ? body : null, response);
  }

  /**
   * The answer of a change that was made, although its first answer was lost.
   *
   * The version that it was made on is gone. It was ours that took its place if the next
   * version is what our change makes of a record; where that cannot be told, it was not.
   */
  async #ownChange(request: Request): Promise<Response | null> {
    const response = await this.#current(request);
    const next = versionOf(request.headers.get("If-Match")) + 1;
    if (response === null || versionOf(response.headers.get("ETag")) !== next) return null;
    const text = await response.text();
    if (!isMadeBy(request.method, JSON.parse(text), await request.clone().json())) return null;
    const answered = new Headers(response.headers);
    answered.set("Idempotency-Replayed", "true");
    return new Response(text, { headers: answered });
  }

  /** The record as it is now; null where it cannot be read. */
  async #current({ url, signal }: Request): Promise<Response | null> {
    const asked = new Request(url, { headers: { Accept: JSON_TYPE }, signal });
    try {
      const { response } = await this.#delivered(asked);
      return response.ok && (await holdsJson(response)) ? response : null;
    } catch (error) {
      if (error instanceof TrialProblem || error instanceof Unreachable) return null;
      throw error;
    }
  }
}

/** An address in full, as a `Request` writes it: without a host it is on that of the page. */
function addressOf(baseUrl: string): string {
  return new URL(baseUrl || "/", globalThis.location?.href).href.replace(/\/+$/, "");
}

/** An Idempotency-Key; `crypto.randomUUID` is missing on pages that came over plain HTTP. */
export function freshKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function withToken(request: Request, token: string | null): Request {
  const sent = request.clone();
  if (token !== null) sent.headers.set("Authorization", `Bearer ${token}`);
  return sent;
}
