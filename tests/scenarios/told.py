"""What a sandbox tells: the answers of its main lists, as callers get them."""

from tests.make import Api, ok

LISTS = {
    "/v1/sites": "data_manager",
    "/v1/protocol-versions": "data_manager",
    "/v1/certificates": "data_manager",
    "/v1/subjects": "data_manager",
    "/v1/randomizations": "statistician",
    "/v1/visits": "data_manager",
    "/v1/adjudications": "data_manager",
    "/v1/adverse-events": "safety_officer",
    "/v1/safety/deadlines": "safety_officer",
    "/v1/safety/reference-documents": "safety_officer",
    "/v1/queries": "data_manager",
    "/v1/events": "data_manager",
    "/v1/users": "admin",
}
"""By path, and who reads them."""
OF_SUBJECT = (
    "",
    "/consents",
    "/eligibility",
    "/radiotherapy",
    "/randomization",
    "/visits",
    "/exposures",
    "/deviations",
    "/discontinuation",
    "/endpoint",
)


def told(api: Api) -> dict[str, str]:
    """Each list's whole answer, and the records of each subject of a site, by path."""
    answers = {
        path: api.as_(role).get(path, params={"limit": 200}).text for path, role in LISTS.items()
    }
    reader = api.as_("data_manager")
    subjects = ok(reader.get("/v1/subjects", params={"site": "NN"}))["items"]
    for subject in subjects:
        for record in OF_SUBJECT:
            path = f"/v1/subjects/{subject['id']}{record}"
            answers[path] = reader.get(path).text
        for visit in ok(reader.get(f"/v1/subjects/{subject['id']}/visits"))["items"]:
            if visit["graded"] and visit["status"] == "done":
                path = f"/v1/subjects/{subject['id']}/visits/{visit['code']}/gradings"
                answers[path] = reader.get(path).text
    return {path: text for path, text in answers.items() if '"instance"' not in text}
