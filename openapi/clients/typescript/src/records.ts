/** Versions of records, and what they say. */

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

/** Whether a record holds what was given; it may hold more. */
export function says(record: unknown, given: unknown): boolean {
  if (Array.isArray(given)) {
    return (
      Array.isArray(record) &&
      record.length === given.length &&
      given.every((one, place) => says(record[place], one))
    );
  }
  if (typeof given === "object" && given !== null) {
    if (typeof record !== "object" || record === null) return false;
    const held = record as Record<string, unknown>;
    return Object.entries(given).every(([name, value]) => says(held[name] ?? null, value));
  }
  return record === given;
}
