/** Versions of records, and what they say. */
import type { Body, Data, PathWith } from "./operations.ts";
import type { paths } from "./schema.ts";

type Members = Record<string, unknown>;

type Put = PathWith<"put">;
type Written = { [P in Put]: keyof Body<paths[P]["put"]> }[Put];
type Told = { [P in Put]: keyof Data<paths[P]["put"]> }[Put];

/**
 * What records tell of themselves although no PUT says it. The types keep this list whole; what a
 * newer service tells beside it is taken for what a PUT may say.
 */
const ONLY_TOLD: Record<Exclude<Told, Written>, true> = {
  version: true,
  recorded_at: true,
  protocol_version: true,
  overall: true,
  evaluation_hash: true,
  normalised: true,
  criteria: true,
  unknown_facts: true,
  stale_facts: true,
  evaluated_on: true,
  signature: true,
  code: true,
  label: true,
  planned_on: true,
  window: true,
  status: true,
  flags: true,
  graded: true,
  awaits_grading: true,
  treatment_ended_on: true,
  since: true,
  by: true,
};

/** The If-Match of a record that does not exist yet. */
export const NEW = '"0"';

/** The If-Match of an item of a list: its page has no ETag for each. */
export function etagOf(item: { version: number }): string {
  return `"${item.version}"`;
}

/** The version that an entity tag names; -1 where it names none. */
export function versionOf(etag: string | null): number {
  const found = /^(?:W\/)?"(\d+)/.exec(etag ?? "");
  return found ? Number(found[1]) : -1;
}

/**
 * Whether a record is what a change makes of it. A PATCH changes what it names; a PUT says the
 * whole, so what it leaves out is empty afterwards. A record that keeps the reason of its change
 * keeps ours.
 */
export function isMadeBy(method: string, record: Members, { reason, ...given }: Members): boolean {
  const because = typeof reason === "string" ? reason.trim() : null;
  if ("reason" in record && (record.reason ?? null) !== because) return false;
  if (method !== "PUT") return says(record, given);
  const told = Object.entries(record).filter(([name]) => name !== "reason" && !(name in ONLY_TOLD));
  return saysJust(Object.fromEntries(told), given);
}

/** Whether a record holds what was given; it may hold more. */
function says(record: unknown, given: unknown): boolean {
  if (Array.isArray(given)) {
    return (
      Array.isArray(record) &&
      record.length === given.length &&
      given.every((one, place) => says(record[place], one))
    );
  }
  if (typeof given === "object" && given !== null) {
    if (typeof record !== "object" || record === null) return false;
    const held = record as Members;
    return Object.entries(given).every(([name, value]) => says(held[name] ?? null, value));
  }
  return record === given;
}

/** Whether a record, or a part of it, holds what a PUT gave, and is empty where that gave nothing. */
function saysJust(record: unknown, given: unknown): boolean {
  if (typeof record !== "object" || typeof given !== "object" || record === null || given === null) {
    return record === given;
  }
  if (lengthOf(record) !== lengthOf(given)) return false;
  const [held, whole] = [record as Members, given as Members];
  return Object.keys({ ...held, ...whole }).every((name) =>
    name in whole ? saysJust(held[name] ?? null, whole[name]) : isEmpty(held[name]),
  );
}

/** That of a list; null of what is none. */
function lengthOf(part: object): number | null {
  return Array.isArray(part) ? part.length : null;
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === undefined || value === "";
}
