/** The client of the trial API: see README.md. */
export { type Answer, createTrial, type FeedOptions, freshKey, type Trial, type TrialOptions } from "./client.ts";
export type { Credentials } from "./credentials.ts";
export { RETRIES, type Retries } from "./delivery.ts";
export type { Data, Given, Item } from "./operations.ts";
export { type FieldError, type ProblemDetails, TrialProblem, Unreachable } from "./problems.ts";
export { etagOf, NEW } from "./records.ts";
export type { components, operations, paths } from "./schema.ts";
