/** What must not compile: each mistake is marked, and `make types` fails where one is none. */
import { createTrial, NEW } from "trial-api-client";

const trial = createTrial({ baseUrl: "http://127.0.0.1:8000" });
const path = { subject_id: "019c8a52-7d10-7c3e-9a41-5f2b8d6e1c07" };

export async function mistakes(): Promise<void> {
  // @ts-expect-error: no such path
  await trial.GET("/v1/subject");
  // @ts-expect-error: the subject is missing
  await trial.GET("/v1/subjects/{subject_id}");
  // @ts-expect-error: no such verb there
  await trial.DELETE("/v1/subjects/{subject_id}", { params: { path } });
  // @ts-expect-error: no such sex
  await trial.POST("/v1/subjects", { body: { site: "NN", year_of_birth: 1971, sex: "woman" } });
  // @ts-expect-error: no such field
  await trial.POST("/v1/subjects", { body: { site: "NN", year_of_birth: 1971, sex: "male", name: "" } });
  // @ts-expect-error: a change needs If-Match
  await trial.PUT("/v1/subjects/{subject_id}/eligibility", { params: { path }, body: { facts: {} } });
  // @ts-expect-error: the answer has no such field
  (await trial.GET("/v1/me")).data.password;
  // @ts-expect-error: not a list in pages
  trial.items("/v1/study");

  // and these are none
  await trial.GET("/v1/subjects");
  await trial.POST("/v1/subjects/{subject_id}/randomization", { params: { path } });
  await trial.PUT("/v1/subjects/{subject_id}/eligibility", {
    params: { path, header: { "If-Match": NEW } },
    body: { facts: {} },
  });
}
