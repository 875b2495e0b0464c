/** The table of visits. */
import type { components } from "trial-api-client";
import { element, found } from "./dom.ts";
import { type Labels, siteLabel, valueLabel, visitLabel } from "./labels.ts";
import type { Session } from "./session.ts";
import { days, word } from "./words.ts";

export type Visit = components["schemas"]["SubjectVisitRead"];
export type Choice = "open" | "ungraded" | "done";

/** What may be shown: visits to come to, those that took place without a grading, all that did. */
const CHOICES: Record<Choice, { status?: Visit["status"][]; awaits_grading?: boolean }> = {
  open: { status: ["due", "overdue"] },
  ungraded: { awaits_grading: true },
  done: { status: ["done"] },
};

/** All visits of the person's sites that are in the choice. */
export async function readVisits(session: Session, choice: Choice): Promise<Visit[]> {
  return session.call(async (trial) => {
    const all: Visit[] = [];
    const query = { ...CHOICES[choice], limit: 200 };
    for await (const one of trial.items("/v1/visits", { params: { query } })) all.push(one);
    return all;
  });
}

/** Show the visits, and keep the focus where it was. */
export function showVisits(
  place: HTMLElement,
  visits: Visit[],
  labels: Labels,
  session: Session,
  open: (visit: Visit) => void,
): void {
  const focused = document.activeElement?.id ?? "";
  if (visits.length === 0) {
    place.replaceChildren(element("p", {}, word("none")));
    return;
  }
  // Roles, for a phone shows the rows as cards, and a browser forgets the table's own then.
  const head = [word("subject"), word("site"), word("visit"), word("window"), word("status"), ""];
  const table = element(
    "table",
    { role: "table", "aria-label": word("title") },
    element(
      "thead",
      { role: "rowgroup" },
      element(
        "tr",
        { role: "row" },
        ...head.map((text) =>
          text ? element("th", { role: "columnheader", scope: "col" }, text) : element("td", { role: "cell" }),
        ),
      ),
    ),
    element("tbody", { role: "rowgroup" }, ...visits.map((visit) => row(visit, labels, session, open))),
  );
  place.replaceChildren(table);
  if (focused.startsWith("open-")) document.getElementById(focused)?.focus();
}

function row(visit: Visit, labels: Labels, session: Session, open: (visit: Visit) => void): HTMLElement {
  const cell = (kind: string, ...content: (Node | string)[]) =>
    element("td", { role: "cell", class: kind }, ...content);
  const button = element(
    "button",
    {
      type: "button",
      id: `open-${visit.number}-${visit.code}`,
      "aria-label": word("recordOf", { number: visit.number, code: visit.code }),
    },
    word(visit.status !== "done" ? "record" : visit.awaits_grading ? "grade" : "look"),
  );
  button.addEventListener("click", () => open(visit));
  return element(
    "tr",
    { role: "row", class: visit.status },
    element("th", { role: "rowheader", scope: "row" }, visit.number),
    cell("site", siteLabel(labels, visit.site)),
    cell("visit", element("b", {}, visit.code), " ", visitLabel(labels, visit.code)),
    cell("window", visit.window === null ? "–" : days(visit.window)),
    cell("status", element("span", {}, valueLabel(labels, "VisitStatus", visit.status))),
    cell("do", ...(session.may("visits:record") ? [button] : [])),
  );
}

/** Those whose subject's number has the text that is searched for. */
export function matching(visits: Visit[], form: HTMLFormElement): Visit[] {
  const asked = found<HTMLInputElement>('[name="number"]', form).value.trim().toUpperCase();
  return visits.filter(({ number }) => number.includes(asked));
}
