"""Which call follows from an answer: OpenAPI's links, for readers and for clients that walk them.

Three rules make most of them: a page leads to the next one, a record leads to
its own change with the version that was read, and what names its subject leads
to the subject. The table holds the others: what one does next in the trial.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

BODY = "$response.body#/"


@dataclass(frozen=True)
class Next:
    """A call that follows: the operation, why, and where its parameters come from.

    What is not given is taken over from the request, where both have a
    parameter of that name.
    """

    operation: str
    why: str
    given: Mapping[str, str] = field(default_factory=dict)


def of_subject(operation: str, why: str) -> Next:
    """A call about the subject who was answered."""
    return Next(operation, why, {"subject_id": f"{BODY}id"})


def of_it(operation: str, why: str, parameter: str, member: str = "id") -> Next:
    """A call about the record that was answered."""
    return Next(operation, why, {parameter: f"{BODY}{member}"})


NEXT: Mapping[str, tuple[Next, ...]] = {
    "issue_token": (Next("read_me", "Who signed in, and what they may do."),),
    "create_user": (of_it("read_user", "The account, with its version.", "user_id"),),
    "create_client": (of_it("read_client", "The account, with its version.", "account_id"),),
    "record_certificate": (
        of_it("read_certificate", "The certificate, with its version.", "certificate_id"),
    ),
    "create_subject": (
        of_subject("read_subject", "The subject, as it stands later."),
        of_subject("record_consent", "First: what the subject signed."),
        of_subject("read_eligibility", "Then: the facts of screening, and each verdict."),
        of_subject("read_radiotherapy", "The plan, which holds a stratification factor."),
        of_subject("randomize", "Once consent, eligibility and plan are there."),
        of_subject("list_visits", "The schedule, which follows radiotherapy."),
        of_subject("report_adverse_event", "From consent on, whatever happens."),
    ),
    "record_consent": (
        Next("read_eligibility", "The facts of screening come next."),
        Next(
            "withdraw_consent",
            "The end of the subject's part, if it comes to that.",
            {"consent_id": f"{BODY}id"},
        ),
    ),
    "record_eligibility": (
        Next("sign_eligibility", "An investigator signs this `evaluation_hash`."),
    ),
    "sign_eligibility": (
        Next("read_radiotherapy", "The plan is needed before randomization."),
        Next("randomize", "Once the plan is there too."),
    ),
    "record_radiotherapy": (
        Next("randomize", "Before the first fraction is given."),
        Next("list_visits", "The schedule that follows from these dates."),
    ),
    "randomize": (
        Next("read_randomization", "The allocation, at any later time."),
        Next("list_visits", "What is due, and when."),
        Next("record_exposure", "The study drug, day by day, of an arm that receives it."),
        Next("read_proof", "What proves that it was the list's, for the auditor."),
    ),
    "record_exposure": (of_it("read_exposure", "The day, with its version.", "exposure_id"),),
    "record_visit": (Next("create_grading", "What was seen at the visit."),),
    "create_grading": (
        of_it("read_grading", "The grading, with its version.", "grading_id"),
        of_it("sign_grading", "The assessor signs this `content_hash`.", "grading_id"),
        of_it("list_grading_versions", "What it said before corrections.", "grading_id"),
        of_it("verify_grading", "The monitor compares it with its source.", "grading_id"),
        Next("read_endpoint", "What it means for the subject's outcome."),
    ),
    "report_adverse_event": (
        of_it("read_adverse_event", "The event, with its version.", "event_id"),
        of_it("sign_adverse_event", "The investigator signs this `content_hash`.", "event_id"),
        of_it("list_deadlines", "Which reports it makes due, by when, to whom.", "event_id"),
        of_it("record_submission", "The safety officer tells what was sent.", "event_id"),
        of_it("list_submissions", "What was sent about the case.", "event_id"),
    ),
    "record_submission": (
        Next("read_submission", "The report, with its version.", {"submission_id": f"{BODY}id"}),
        of_it("list_deadlines", "Which deadlines it met.", "case_id", "case_id"),
    ),
    "read_deadline": (
        Next("list_deadline_versions", "What it was before."),
        of_it("read_adverse_event", "The occurrence that started it.", "event_id", "event_id"),
    ),
    "publish_reference_document": (
        of_it("read_reference_document", "The document.", "version", "version"),
    ),
    "raise_query": (of_it("read_query", "The query, with its version.", "query_id"),),
    "verify_grading": (Next("list_grading_verifications", "Every comparison so far."),),
    "record_discontinuation": (Next("read_endpoint", "What it means for the outcome."),),
    "record_correction": (Next("list_subject_corrections", "Every error of the subject."),),
    "report_deviation": (Next("list_deviations", "Every departure of the subject."),),
    "create_webhook": (
        of_it("read_webhook", "The webhook, with its version.", "webhook_id"),
        of_it("list_deliveries", "What was sent to it.", "webhook_id"),
        of_it("rotate_secret", "Another secret, at any time.", "webhook_id"),
    ),
}


def add_links(document: Json) -> None:
    """Put into each success the calls that follow from it."""
    operations = {
        operation["operationId"]: (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    for name, (path, _, operation) in operations.items():
        follows = [*NEXT.get(name, ()), *_by_rule(name, path, document)]
        links = {one.operation: _link(one, operation, operations) for one in follows}
        success = next(one for status, one in operation["responses"].items() if status < "3")
        if links:
            success["links"] = links


def _by_rule(name: str, path: str, document: Json) -> Iterator[Next]:
    methods = document["paths"][path]
    described = next(one for one in methods.values() if one["operationId"] == name)
    members = _members(described, document)
    if "next_cursor" in members and "cursor" in _parameters(described):
        yield Next(name, "The next page, while there is one.", {"cursor": f"{BODY}next_cursor"})
    change = methods.get("put") or methods.get("patch")
    if described is methods.get("get") and change is not None and "items" not in members:
        tag = {"If-Match": "$response.header.ETag"}
        yield Next(change["operationId"], "A change of what was read.", tag)
    by_id = name.startswith("read_") and "{subject_id}" not in path
    if by_id and "subject_id" in members:
        given = {"subject_id": f"{BODY}subject_id"}
        yield Next("read_subject", "Whom it is about.", given)


def _members(operation: Json, document: Json) -> Json:
    success = next(one for status, one in operation["responses"].items() if status < "3")
    schema = success.get("content", {}).get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Json = document["components"]["schemas"].get(name, {}).get("properties", {})
    return found


def _parameters(operation: Json) -> Json:
    return {parameter["name"]: parameter for parameter in operation.get("parameters", ())}


def _link(one: Next, source: Json, operations: Mapping[str, tuple[str, str, Json]]) -> Json:
    _, _, target = operations[one.operation]
    asked = _parameters(source)
    given: Json = {}
    for name, parameter in _parameters(target).items():
        place = parameter["in"]
        if name in one.given:
            given[f"{place}.{name}"] = one.given[name]
        elif place == "path" and name in asked:
            given[f"path.{name}"] = f"$request.path.{name}"
    link: Json = {"operationId": one.operation, "description": one.why}
    if given:
        link["parameters"] = given
    return link
