"""From the first conversation to the allocation."""

from datetime import date, timedelta
from functools import partial

from services.api.demo import checks, treatment
from services.api.demo.answers import Respondent, answers, eligible, ineligible, late_results
from services.api.demo.chance import working_day, working_days_after
from services.api.demo.client import Answer, Json, Unexpected
from services.api.demo.hospital import Hospital, Subject
from services.api.demo.person import FAILURES, Person, Screening
from services.api.protocol.schema import Eligibility, FactType

CUT = 0.06
"""How often the answer to a randomization is lost on the way."""


def expect_person(hospital: Hospital, person: Person) -> None:
    """Note the day a person comes."""
    owner = f"person {person.index}"
    hospital.agenda.note(person.screened_on, owner, partial(enter, hospital, person))


def enter(hospital: Hospital, person: Person, day: date) -> None:
    """Enter a person into screening and, if they consent, record the first facts."""
    body: Json = {"site": person.site, "sex": person.sex, "year_of_birth": person.year_of_birth}
    with_id = {**body, "national_id": person.national_id}
    created = hospital.clerk.post("/v1/subjects", with_id).holds(**body, status="screening")
    created.has("created_at", "protocol_version", "links")
    subject = Subject(person, created["id"], created["number"], created["status"])
    hospital.subjects.append(subject)
    if person.screening is Screening.DECLINES:
        reason = "Declined to take part before consent"
        hospital.set_status(subject, "screening", "screen_failed", reason)
        return
    version = hospital.trial.consent_versions[person.site]
    signed = {"version": version, "signed_on": str(day)}
    consent = hospital.coordinator.post(f"{subject.path}/consents", signed)
    subject.consent_id = consent.holds(**signed, withdrawal=None)["id"]
    record_facts(hospital, subject, day)


def record_facts(hospital: Hospital, subject: Subject, day: date) -> None:
    """Record what is known on the first day, and go on from what the API concludes."""
    person = subject.person
    section = hospital.trial.protocol.eligibility
    age = subject.chance("laboratory").randint(1, 7)
    if person.screening is Screening.STALE_FIRST:
        age += section.screening_window_days
    given = facts(person, section, day - timedelta(days=age))
    dated = [fact.id for fact in section.facts if fact.dated]
    missing = late_results(section) if person.screening is Screening.INCOMPLETE_FIRST else ()
    recorded = hospital.clerk.put(
        f"{subject.path}/eligibility",
        {"facts": {key: value for key, value in given.items() if key not in missing}},
    )
    recorded.holds(
        unknown_facts=list(missing),
        stale_facts=dated if person.screening is Screening.STALE_FIRST else [],
    )
    _check_units(recorded, section)
    if person.screening in (Screening.INCOMPLETE_FIRST, Screening.STALE_FIRST):
        recorded.holds(overall="incomplete")
        hospital.note(working_days_after(day, 2), subject, partial(refresh, tag=recorded.tag))
    elif person.screening in FAILURES:
        conclude(hospital, subject, recorded.holds(overall="ineligible"))
    else:
        _eligible(hospital, subject, recorded, day)


def facts(person: Person, section: Eligibility, measured_on: date) -> Json:
    """The person's answers to the questions of the protocol."""
    known = {
        section.age_fact: person.age,
        section.consent_fact: True,
        "planned_total_dose": int(person.dose_gy),
    }
    respondent = Respondent(known, person.chance("units"), f"{person.seed}/{person.index}")
    fails = person.screening is Screening.INELIGIBLE
    demands = ineligible(section, person.chance("criterion")) if fails else eligible(section)
    return answers(respondent, section, demands, measured_on)


def _check_units(recorded: Answer, section: Eligibility) -> None:
    """Every measurement comes back in its quantity's own unit, converted by the factor."""
    quantities = {quantity.id: quantity for quantity in section.quantities}
    for fact in section.facts:
        given = recorded["facts"].get(fact.id)
        if given is None or fact.type is not FactType.MEASUREMENT:
            continue
        quantity = quantities[str(fact.quantity)]
        normal = recorded["normalised"][fact.id]
        converted = given["value"] * quantity.units[given["unit"]]
        if normal["unit"] != quantity.unit or abs(normal["value"] / converted - 1) > 1e-5:
            raise Unexpected(f"{recorded.asked}: {fact.id} {given} was normalised to {normal}")


def refresh(hospital: Hospital, subject: Subject, day: date, tag: str) -> None:
    """Give the missing or stale results, which makes the subject eligible."""
    section = hospital.trial.protocol.eligibility
    given = facts(subject.person, section, day - timedelta(days=1))
    body = {"facts": given, "reason": "Laboratory and ECG results of this week"}
    path = f"{subject.path}/eligibility"
    hospital.clerk.refused(412, "stale_version", "PUT", path, body, tag='"0"')
    recorded = hospital.clerk.put(path, body, tag).holds(overall="eligible", version=2)
    _eligible(hospital, subject, recorded, day)


def _eligible(hospital: Hospital, subject: Subject, recorded: Answer, day: date) -> None:
    """Check a refusal, sign, and plan radiotherapy and the day of randomization."""
    checks.before_signature(hospital, subject, recorded)
    conclude(hospital, subject, recorded.holds(overall="eligible"))
    person = subject.person
    randomized_on = working_days_after(day, subject.chance("randomization").randint(0, 3))
    start = working_day(randomized_on + timedelta(days=person.lead_days))
    subject.plan = {
        "planned_dose_gy": person.dose_gy,
        "planned_fractions": person.fractions,
        "planned_start": str(start),
        **_stratifying(hospital, subject),
    }
    planned = hospital.clerk.put(f"{subject.path}/radiotherapy", subject.plan)
    subject.plan_tag = planned.holds(**subject.plan, first_fraction_on=None).tag
    hospital.note(randomized_on, subject, randomize)


def _stratifying(hospital: Hospital, subject: Subject) -> Json:
    """What the plan says of chemotherapy, and of the factors that the protocol has recorded.

    Where chemotherapy is no factor the trial is taken to be of one kind: with it.
    """
    section = hospital.trial.protocol.randomization
    subject.stratum = {
        factor.id: hospital.site
        if factor.source == "site"
        else subject.chance(f"factor {factor.id}").choice(factor.levels).value
        for factor in section.factors
    }
    if "concurrent_chemotherapy" in subject.stratum:
        subject.stratum["concurrent_chemotherapy"] = subject.person.chemotherapy
    chemotherapy = subject.stratum.get("concurrent_chemotherapy", True)
    recorded = {factor.id: subject.stratum[factor.id] for factor in section.recorded_factors}
    return {
        "concurrent_chemotherapy": chemotherapy,
        **({"stratification": recorded} if recorded else {}),
    }


def conclude(hospital: Hospital, subject: Subject, recorded: Answer) -> None:
    """The investigator signs what the evaluation says."""
    eligible = recorded["overall"] == "eligible"
    meaning = "I confirm eligibility" if eligible else "I confirm ineligibility"
    signed = {"evaluation_hash": recorded["evaluation_hash"], "meaning": meaning}
    body = {**signed, "password": hospital.investigator.password}
    hospital.investigator.post(f"{subject.path}/eligibility/signature", body).holds(**signed)
    hospital.read(subject, "eligible" if eligible else "screen_failed")


def randomize(hospital: Hospital, subject: Subject, day: date) -> None:
    """Ask for the arm, now and then over a connection that breaks."""
    path = f"{subject.path}/randomization"
    if subject.person.surplus:
        hospital.randomizer.refused(409, "recruitment_complete", "POST", path)
        hospital.set_status(subject, "eligible", "screen_failed", "Recruitment is complete")
        return
    chance = subject.chance("cut")
    if chance.happens(CUT):
        unread = chance.happens(0.5)
        allocated = hospital.randomizer.post_through_a_cut(path, None, unread=unread)
    else:
        allocated = hospital.randomizer.post(path)
    _allocated(hospital, subject, allocated)
    _check_deviation(hospital, subject, day)
    checks.after_randomization(hospital, subject)
    treatment.begin(hospital, subject, day)
    _plan_leaving(hospital, subject, day)


def _allocated(hospital: Hospital, subject: Subject, allocated: Answer) -> None:
    trial = hospital.trial
    allocated.holds(subject_id=subject.id, stratum=subject.stratum)
    allocated.has("randomization_number", "randomized_at", "protocol_version")
    if allocated["arm"] not in trial.arms:
        raise Unexpected(f"{allocated.asked}: {allocated['arm']} is no arm of the trial")
    hospital.randomizer.get(f"{subject.path}/randomization").holds(**allocated.body)
    hospital.read(subject, "randomized")
    subject.arm = allocated["arm"]


def _check_deviation(hospital: Hospital, subject: Subject, day: date) -> None:
    """Randomizing late is allowed, and the service notes it."""
    lead_days = hospital.trial.protocol.treatment.starts_days_before_rt
    late = (subject.planned_start - day).days < lead_days
    noted = {item["code"] for item in hospital.clerk.pages(f"{subject.path}/deviations")}
    if late is not ("late_randomization" in noted):
        raise Unexpected(f"{subject.number}: randomized late: {late}; deviations: {sorted(noted)}")


def _plan_leaving(hospital: Hospital, subject: Subject, day: date) -> None:
    if subject.person.leaving is None:
        return
    first_on = treatment.first_fraction_on(subject.person, subject.planned_start)
    leaves_on = working_day(first_on + timedelta(days=subject.person.leaves_after))
    earliest = day + timedelta(days=1)
    hospital.note(max(earliest, leaves_on), subject, treatment.leave)
