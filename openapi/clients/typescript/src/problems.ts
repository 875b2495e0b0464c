/** Why a request has no success: the service refused it, or did not answer. */
import type { components } from "./schema.ts";

export type FieldError = components["schemas"]["FieldError"];

/** RFC 9457 problem details, as far as they came. */
export type ProblemDetails = Partial<components["schemas"]["Problem"]>;

const NOT_THE_SERVICE =
  "Something before the service gave this answer: look at the address, and at any proxy.";

/**
 * A refusal. Decide by `code`; `detail` says in a sentence what to do next, and `errors` names
 * each thing that is wrong. `requestId` is what to quote to the service's operators.
 */
export class TrialProblem extends Error {
  override readonly name = "TrialProblem";
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string;
  readonly problem: ProblemDetails;
  /** What Retry-After says, where the service names a pause that the client did not wait for. */
  readonly retryAfter: string | null;
  /**
   * What became of an attempt is not known: its answer was lost, or this one does not tell. So the
   * change may have been made all the same: read the record, or repeat the request with its key.
   */
  readonly uncertain: boolean;
  /** The key of the request: give it again to repeat the same request later. */
  readonly idempotencyKey: string | null;
  readonly #response: Response;

  constructor(
    response: Response,
    problem: ProblemDetails,
    sent: { uncertain?: boolean; idempotencyKey?: string | null; cause?: unknown } = {},
  ) {
    // Of a redirect a browser shows nothing, not even its status.
    const untitled = response.type === "opaqueredirect" ? "Redirected" : response.statusText;
    const title = problem.title ?? untitled;
    const { cause } = sent;
    const detail = problem.detail ?? (codeOf(problem) === "no_problem" ? NOT_THE_SERVICE : "");
    const message = `${response.status} ${codeOf(problem)}: ${title}. ${detail}`;
    super(message, cause === undefined ? {} : { cause });
    this.#response = response;
    this.status = response.status;
    this.code = codeOf(problem);
    this.title = title;
    this.detail = detail;
    this.errors = problem.errors ?? [];
    this.requestId = response.headers.get("X-Request-Id") ?? "";
    this.problem = problem;
    this.retryAfter = response.headers.get("Retry-After");
    this.uncertain = sent.uncertain ?? false;
    this.idempotencyKey = sent.idempotencyKey ?? null;
  }

  /** The same refusal, of the request that it kept from being sent. */
  keeping(request: Request, uncertain: boolean): TrialProblem {
    const idempotencyKey = request.headers.get("Idempotency-Key");
    return new TrialProblem(this.#response, this.problem, { uncertain, idempotencyKey, cause: this });
  }
}

/**
 * There was no answer, or not all of it, in any attempt: send the request again with the same
 * Idempotency-Key, or read the record.
 */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  readonly method: string;
  readonly url: string;
  /** Whether the request was done is not known. False where no token came for it: it was not. */
  readonly uncertain: boolean;
  /** The key of the request: give it again to repeat the same request later. */
  readonly idempotencyKey: string | null;

  constructor(request: Request, cause: unknown, uncertain = true) {
    super(`no answer to ${request.method} ${new URL(request.url).pathname}`, { cause });
    this.method = request.method;
    this.url = request.url;
    this.uncertain = uncertain;
    this.idempotencyKey = request.headers.get("Idempotency-Key");
  }
}

/**
 * What kept a request from being sent, the renewal of its token for instance, told of the request
 * itself: whether an earlier attempt may have been done, and with which key to go on. It is a new
 * error, for requests at the same time share a renewal and its failure.
 */
export function keptFrom(request: Request, error: unknown, uncertain: boolean): unknown {
  if (error instanceof TrialProblem) return error.keeping(request, uncertain);
  if (error instanceof Unreachable || uncertain) return new Unreachable(request, error, uncertain);
  return error;
}

/** The problem in an answer; empty where something between us and the service answered. */
export async function problemIn(response: Response): Promise<ProblemDetails> {
  const mediaType = (response.headers.get("Content-Type") ?? "").split(";")[0];
  if (mediaType !== "application/problem+json") return {};
  try {
    return (await response.clone().json()) as ProblemDetails;
  } catch {
    return {};
  }
}

/** The problem's code; `no_problem` where the answer is none of the service's. */
export function codeOf(problem: ProblemDetails): string {
  return problem.type?.split("/problems/")[1] ?? "no_problem";
}

/** Whether an answer holds a record, or needs none; a page of a proxy is neither. */
export async function holdsJson(response: Response): Promise<boolean> {
  if (response.status === 204) return true;
  try {
    const body: unknown = await response.clone().json();
    return typeof body === "object" && body !== null;
  } catch {
    return false;
  }
}
