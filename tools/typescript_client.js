/**
 * Writes the TypeScript client's types from the OpenAPI document, with openapi-typescript.
 *
 * Two things differ from the document, for what the client does itself: it makes an
 * Idempotency-Key where none is given, and it throws every problem, so that an operation's
 * answers here are its successes. The problems' codes are told in its comment.
 */
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const ROOT = new URL("../", import.meta.url);
const DOCUMENT = new URL("openapi/openapi.json", ROOT);
const SCHEMA = new URL("openapi/clients/typescript/src/schema.ts", ROOT);
const VERBS = ["get", "post", "put", "patch", "delete"];
const HEADER = `/**
 * What is sent and what comes, as JSON.
 *
 * Written by \`make clients\` from openapi/openapi.json: do not edit.
 */
`;

/** Problems that any operation may have, or that the client does not let happen. */
const UNTOLD = new Set(JSON.parse(await readFile(new URL("tools/untold_problems.json", ROOT), "utf8")));

/** The codes that an answer's description names, each at the beginning of a line. */
function codes(answer) {
  return [...(answer.description ?? "").matchAll(/^`([a-z_]+)`/gm)].map((found) => found[1]);
}

/** A schema's title is its name again, and would stand in the comment of every field. */
function withoutTitles(schema) {
  if (schema === null || typeof schema !== "object") return;
  if (typeof schema.title === "string") delete schema.title;
  Object.values(schema).forEach(withoutTitles);
}

function forTheClient(operation, document) {
  for (const parameter of operation.parameters ?? []) {
    if (parameter.name === "Idempotency-Key") parameter.required = false;
  }
  const refusals = [];
  for (const [status, told] of Object.entries(operation.responses)) {
    // An answer of many operations stands among the components.
    const answer = told.$ref ? document.components.responses[told.$ref.split("/").at(-1)] : told;
    if (status.startsWith("2")) {
      // Read by the client, which gives their meaning a name.
      delete answer.headers;
      continue;
    }
    delete operation.responses[status];
    for (const code of codes(answer)) {
      if (!UNTOLD.has(code)) refusals.push(`\`${code}\` (${status})`);
    }
  }
  if (operation.description?.replace(/\.$/, "") === operation.summary) operation.description = "";
  if (refusals.length > 0) operation.description += `\n\nRefused with: ${refusals.join(", ")}.`;
}

const document = JSON.parse(await readFile(DOCUMENT, "utf8"));
for (const path of Object.values(document.paths)) {
  for (const verb of VERBS) if (path[verb]) forTheClient(path[verb], document);
}
delete document.components.responses;
for (const schema of Object.values(document.components.schemas)) withoutTitles(schema);
const types = await openapiTS(document, { alphabetize: false, defaultNonNullable: false, silent: true });
await writeFile(process.argv[2] ?? SCHEMA, HEADER + astToString(types));
