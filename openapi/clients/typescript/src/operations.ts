/** The operations' types: what each takes, and what its success holds. */
import type { ParamsOption, RequestBodyOption } from "openapi-fetch";
import type { paths } from "./schema.ts";

export type Verb = "get" | "post" | "put" | "patch" | "delete";

/** The paths that have the verb. */
export type PathWith<V extends Verb> = {
  [P in keyof paths]: paths[P][V] extends object ? P : never;
}[keyof paths];

/** The JSON of an operation's success; `undefined` where there is none. */
export type Data<Operation> = Operation extends { responses: infer Answers }
  ? {
      [Status in keyof Answers]: Answers[Status] extends { content: { "application/json": infer T } }
        ? T
        : undefined;
    }[keyof Answers]
  : never;

/** The JSON that an operation takes. */
export type Body<Operation> = Operation extends {
  requestBody: { content: { "application/json": infer T } };
}
  ? T
  : never;

/** Parameters and body as openapi-fetch takes them. */
export type Given<Operation> = ParamsOption<Operation> &
  RequestBodyOption<Operation> & { signal?: AbortSignal };

/** An argument that may be left out where nothing in it has to be given. */
export type Argument<Options> = object extends Options ? [options?: Options] : [options: Options];

/** The items of a list in pages. */
export type Item<Operation> =
  Data<Operation> extends { items: (infer T)[]; next_cursor: unknown } ? T : never;

/** The paths of lists in pages. */
export type ListPath = {
  [P in PathWith<"get">]: [Item<paths[P]["get"]>] extends [never] ? never : P;
}[PathWith<"get">];
