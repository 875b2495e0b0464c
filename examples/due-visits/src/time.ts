/** Moments of the trial's time zone, wherever the browser is. */

/** The moment of a local day and time there, as the service takes it. */
export function moment(date: string, time: string, zone: string): string {
  // Close enough to know the offset, but for the hours in which a clock is put forward or back.
  const near = new Date(`${date}T${time}:00Z`);
  if (Number.isNaN(near.getTime())) return `${date}T${time}`;
  const parts = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(near);
  const offset = parts.find(({ type }) => type === "timeZoneName")?.value.slice(3) ?? "";
  return `${date}T${time}:00${offset === "" ? "Z" : offset}`;
}
