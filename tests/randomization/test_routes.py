"""Randomization over HTTP."""

from datetime import timedelta

import pytest

from services.api.randomization import rules
from tests.allocation_list import DESIGN, LIST, SECRET
from tests.make import Api, Json, created, ok, plan, problem

REASON = "Corrected from the source record"
SCREENING_WINDOW_DAYS = 28


def path(subject: Json, *parts: str) -> str:
    return "/".join(("/v1/subjects", subject["id"], *parts))


def randomize(api: Api, subject: Json, **options: str) -> Json:
    return created(api.post(path(subject, "randomization"), **options))


# --- what is allocated ------------------------------------------------------------------


def test_an_eligible_subject_gets_an_arm_a_number_and_the_stratum_used(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    answer = randomize(investigator, subject)
    assert answer["stratum"] == {"site": "NN", "concurrent_chemotherapy": True}
    assert answer["randomization_number"] == "NN-C-001"
    assert (answer["protocol_version"], answer["evaluation_version"]) == ("1.0", 1)
    assert answer["randomized_at"].startswith(str(api.state.clock.now().date()))
    assert ok(investigator.get(path(subject, "randomization"))) == answer
    assert ok(investigator.get(path(subject)))["status"] == "randomized"


def test_arms_are_those_of_the_sandbox_list_each_stratum_in_its_own_order(api: Api) -> None:
    section = api.state.loaded.protocol.randomization
    investigator = api.as_("investigator")
    seen: dict[bool, int] = {True: 0, False: 0}
    for chemotherapy in (True, False, True, True):
        subject = investigator.eligible(concurrent_chemotherapy=chemotherapy)
        answer = randomize(investigator, subject)
        seen[chemotherapy] += 1
        stratum = rules.stratum_of(answer["stratum"], section)
        assert answer["arm"] == LIST.arm(stratum.code, seen[chemotherapy])
        assert answer["randomization_number"] == f"{stratum.code}-{seen[chemotherapy]:03d}"


@pytest.mark.parametrize(("lead", "late"), [(7, False), (6, True), (0, True)])
def test_randomizing_less_than_seven_days_before_radiotherapy_is_a_recorded_deviation(
    api: Api, lead: int, late: bool
) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    body = plan(api.today() + timedelta(days=lead), reason="Brought forward")
    ok(investigator.put(path(subject, "radiotherapy"), body))
    randomize(investigator, subject)
    noted = ok(investigator.get(path(subject, "deviations")))["items"]
    assert [(one["code"], one["source"]) for one in noted] == (
        [("late_randomization", "system")] if late else []
    )
    assert all(f"Randomized {lead} days" in one["description"] for one in noted)


# --- once and for all -------------------------------------------------------------------


def test_the_same_key_gives_the_same_answer_and_says_so(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.eligible()
    first = investigator.post(path(subject, "randomization"), key="NN-0001-randomize")
    again = investigator.post(path(subject, "randomization"), key="NN-0001-randomize")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.count("allocation") == 1


def test_another_key_never_redraws(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.randomized()
    allocation = ok(investigator.get(path(subject, "randomization")))
    problem(investigator.post(path(subject, "randomization")), 409, "already_randomized")
    assert ok(investigator.get(path(subject, "randomization"))) == allocation
    assert api.count("allocation") == 1


def test_a_refused_randomization_may_be_retried_with_its_key(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.evaluated()
    ok(investigator.put(path(subject, "radiotherapy"), plan(api.today() + timedelta(days=10))))
    refused = investigator.post(path(subject, "randomization"), key="once")
    problem(refused, 409, "not_ready")
    created(investigator.sign(subject))
    randomize(investigator, subject, key="once")


def test_a_subject_who_is_not_randomized_has_no_allocation_to_read(api: Api) -> None:
    investigator = api.as_("investigator")
    answer = investigator.get(path(investigator.screened(), "randomization"))
    problem(answer, 404, "not_randomized")


def test_a_hospital_system_randomizes(api: Api) -> None:
    subject = api.as_("investigator").eligible()
    assert randomize(api.as_("hospital_system"), subject)["arm"] in {"experimental", "control"}


# --- who sees what ----------------------------------------------------------------------


def test_an_assessor_gets_no_arm_anywhere(api: Api) -> None:
    subject = api.as_("investigator").randomized()
    assessor = api.as_("assessor")
    single = assessor.get(path(subject, "randomization"))
    assert "arm" not in ok(single)
    (listed,) = ok(assessor.get("/v1/randomizations"))["items"]
    assert listed == ok(single)
    readable = [
        "/v1/subjects",
        "/v1/randomizations",
        path(subject),
        path(subject, "randomization"),
        path(subject, "radiotherapy"),
        path(subject, "visits"),
    ]
    for where in readable:
        answer = assessor.get(where)
        ok(answer)
        assert "experimental" not in answer.text
        assert "control" not in answer.text


def test_the_list_holds_own_sites_only(api: Api) -> None:
    ours = api.as_("investigator").randomized()
    theirs = api.as_("investigator", "LZ").randomized(site="LZ")

    def subjects(api: Api, query: str = "") -> list[str]:
        return [one["subject_id"] for one in ok(api.get(f"/v1/randomizations{query}"))["items"]]

    assert subjects(api.as_("investigator")) == [ours["id"]]
    assert subjects(api.as_("investigator"), "?site=LZ") == []
    assert subjects(api.as_("investigator", "LZ")) == [theirs["id"]]
    assert subjects(api.as_("statistician")) == [ours["id"], theirs["id"]]
    assert subjects(api.as_("statistician"), "?site=LZ") == [theirs["id"]]


# --- the commitment ---------------------------------------------------------------------


def test_the_commitment_is_public_and_is_the_root_of_the_list(api: Api) -> None:
    assert api.token is None
    published = ok(api.get("/v1/randomization/commitment"))
    assert published["root"] == LIST.root.hex()
    assert published["algorithm"] == rules.ALGORITHM
    assert published["slots"] == len(DESIGN.strata) * DESIGN.slots_per_stratum
    assert published["design"] == DESIGN.document()
    assert published["contributions"] == SECRET.commitments()
    assert published["protocol_version"] == "1.0"


def test_the_commitment_is_public_only_once_a_site_is_active(api: Api) -> None:
    for site in ("NN", "LZ", "YL"):
        api.close_site(site)
    problem(api.get("/v1/randomization/commitment"), 404, "not_found")
