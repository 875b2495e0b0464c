import { createTrial, TrialProblem } from "trial-api-client";

const trial = createTrial({
  baseUrl: "http://127.0.0.1:8000",
  credentials: { username: "investigator-nn", password: "sandbox-only" },
});

const screened = await trial.POST("/v1/subjects", {
  body: { site: "NN", year_of_birth: 1971, sex: "female" },
});
const path = { subject_id: screened.data.id };
console.log(screened.data.number, screened.data.status);

try {
  await trial.POST("/v1/subjects/{subject_id}/randomization", { params: { path } });
} catch (problem) {
  if (!(problem instanceof TrialProblem)) throw problem;
  console.log(problem.code, problem.errors.map((missing) => missing.code).join(" "));
}

const corrected = await trial.PATCH("/v1/subjects/{subject_id}", {
  params: { path, header: { "If-Match": screened.etag } },
  body: { year_of_birth: 1972, reason: "Misread" },
});
console.log(corrected.etag !== screened.etag);

for await (const each of trial.items("/v1/subjects", { params: { query: { site: "NN" } } })) {
  console.log(each.number);
}
for await (const event of trial.feed({ pauseMs: null })) {
  console.log(event.type, event.links.subject);
}
