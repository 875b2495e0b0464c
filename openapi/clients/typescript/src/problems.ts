/** Why a request has no success: the service refused it, or did not answer. */
import type { components } from "./schema.ts";

export type FieldError = components["schemas"]["FieldError"];

/** RFC 9457 problem details, as far as they came. */
export type ProblemDetails = Partial<components["schemas"]["Problem"]>;

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
   * The answer of an earlier attempt was lost, so the change may have been made all the same:
   * read the record.
   */
  readonly uncertain: boolean;
  /** The key that was sent: give it again to repeat the same request later. */
  readonly idempotencyKey: string | null;

  constructor(
    response: Response,
    problem: ProblemDetails,
    sent: { uncertain?: boolean; idempotencyKey?: string | null } = {},
  ) {
    const title = problem.title ?? response.statusText;
    super(`${response.status} ${codeOf(problem)}: ${title}. ${problem.detail ?? ""}`);
    this.status = response.status;
    this.code = codeOf(problem);
    this.title = title;
    this.detail = problem.detail ?? "";
    this.errors = problem.errors ?? [];
    this.requestId = response.headers.get("X-Request-Id") ?? "";
    this.problem = problem;
    this.retryAfter = response.headers.get("Retry-After");
    this.uncertain = sent.uncertain ?? false;
    this.idempotencyKey = sent.idempotencyKey ?? null;
  }
}

/**
 * There was no answer, or not all of it, in any attempt. Whether the request was done is not
 * known: send it again with the same Idempotency-Key, or read the record.
 */
export class Unreachable extends Error {
  override readonly name = "Unreachable";
  readonly method: string;
  readonly url: string;
  /** The key that was sent: give it again to repeat the same request later. */
  readonly idempotencyKey: string | null;

  constructor(request: Request, cause: unknown) {
    super(`no answer to ${request.method} ${new URL(request.url).pathname}`, { cause });
    this.method = request.method;
    this.url = request.url;
    this.idempotencyKey = request.headers.get("Idempotency-Key");
  }
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
