/**
 * The life of a subject, told with the TypeScript client.
 *
 * Takes the address of the client's line, that of the service itself, today's date and the
 * facts of an eligible subject; prints the types of what the feed tells of the subject.
 */
import { createTrial, NEW, type Trial } from "trial-api-client";

declare const process: { argv: string[] };

const [, , line, service, today, facts] = process.argv as [string, string, string, string, string, string];

function signedIn(username: string): Trial {
  const credentials = { username, password: "sandbox-only" };
  return createTrial({ baseUrl: line, credentials, retries: { pauseMs: 10, longestMs: 20 } });
}

function day(after: number): string {
  return new Date(Date.parse(today) + after * 86_400_000).toISOString().slice(0, 10);
}

function holds(what: string, held: boolean): void {
  if (!held) throw new Error(what);
}

const trial = signedIn("investigator-nn");
const assessor = signedIn("assessor-nn");

const year_of_birth = Number(today.slice(0, 4)) - 52;
const screened = await trial.POST("/v1/subjects", { body: { site: "NN", year_of_birth, sex: "female" } });
const path = { subject_id: screened.data.id };

await trial.POST("/v1/subjects/{subject_id}/consents", {
  params: { path },
  body: { version: "1.0", signed_on: today },
});
const evaluation = await trial.PUT("/v1/subjects/{subject_id}/eligibility", {
  params: { path, header: { "If-Match": NEW } },
  body: { facts: JSON.parse(facts) },
});
holds("eligible", evaluation.data.overall === "eligible");
await trial.POST("/v1/subjects/{subject_id}/eligibility/signature", {
  params: { path },
  body: {
    evaluation_hash: evaluation.data.evaluation_hash ?? "",
    meaning: "I confirm eligibility",
    password: "sandbox-only",
  },
});

const plan = {
  planned_dose_gy: 66,
  planned_fractions: 33,
  planned_start: day(10),
  concurrent_chemotherapy: true,
};
await trial.PUT("/v1/subjects/{subject_id}/radiotherapy", {
  params: { path, header: { "If-Match": NEW } },
  body: plan,
});
const allocation = await trial.POST("/v1/subjects/{subject_id}/randomization", { params: { path } });
holds("an arm", allocation.data.arm === "experimental" || allocation.data.arm === "control");

await createTrial({ baseUrl: service }).POST("/sandbox/clock", { body: { now: `${day(11)}T15:30:00Z` } });
const planned = await trial.GET("/v1/subjects/{subject_id}/radiotherapy", { params: { path } });
await trial.PUT("/v1/subjects/{subject_id}/radiotherapy", {
  params: { path, header: { "If-Match": planned.etag } },
  body: { ...plan, first_fraction_on: day(10), reason: "First fraction delivered" },
});
const visits = await trial.GET("/v1/subjects/{subject_id}/visits", { params: { path } });
holds("due", visits.data.items.some((visit) => visit.code === "RT1A" && visit.status === "due"));

const visit = { ...path, code: "RT1A" };
await assessor.PUT("/v1/subjects/{subject_id}/visits/{code}", {
  params: { path: visit, header: { "If-Match": NEW } },
  body: { date: day(11) },
});
const graded = await assessor.POST("/v1/subjects/{subject_id}/visits/{code}/gradings", {
  params: { path: visit },
  body: {
    assessed_at: `${day(11)}T01:30:00Z`,
    grade: 1,
    mucosal_appearance: "erythema",
    ulceration: false,
    pain_score: 2,
    analgesic: "none",
    diet: "solid",
  },
});
holds("derived", graded.data.derived.protocol === 1);

const event = await trial.POST("/v1/subjects/{subject_id}/adverse-events", {
  params: { path },
  body: {
    term: "Nausea",
    grade: 3,
    onset_on: day(11),
    aware_at: `${day(11)}T01:45:00Z`,
    serious: true,
    seriousness: ["hospitalisation"],
    causality: { study_drug: "unlikely", radiotherapy: "possibly" },
    action_taken: "none",
    outcome: "recovering",
  },
});
holds("a code", event.data.meddra_code !== null);

const told: string[] = [];
for await (const one of trial.feed({ pauseMs: null })) {
  if (one.subject_id === screened.data.id) told.push(one.type);
}
console.log(JSON.stringify(told));
