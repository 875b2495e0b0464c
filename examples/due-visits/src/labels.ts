/** What values, visits, sites and scales are called: the service's own words. */
import type { components } from "trial-api-client";
import type { Session } from "./session.ts";

type Schemas = components["schemas"];
export type Labels = Schemas["LabelsRead"];

/** In the language that is spoken now; the browser keeps the answer of each for ten minutes. */
export async function readLabels(session: Session): Promise<Labels> {
  return (await session.call((trial) => trial.GET("/v1/labels"))).data;
}

/** A value in words; as it stands where the service has no words for it. */
export function valueLabel(labels: Labels, enumeration: string, value: string): string {
  return labels.enumerations[enumeration]?.[value]?.label ?? value;
}

/** A visit in words; a code such as RT4A is one of the weeks of RT{n}A. */
export function visitLabel(labels: Labels, code: string): string {
  const { visits } = labels.protocol;
  return visits[code] ?? visits[code.replace(/\d+/, "{n}")] ?? code;
}

export function siteLabel(labels: Labels, code: string): string {
  return labels.protocol.sites[code]?.city ?? code;
}
