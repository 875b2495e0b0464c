"""Subjects of the second trial, made over HTTP as its hospitals would."""

from collections.abc import Mapping
from datetime import date, timedelta

import httpx

from services.api.demo.person import Person, Screening, recruit
from services.api.demo.screening import facts
from services.api.sandbox.service import PASSWORD
from tests.make import Api, Json, created, ok, path, plan

WEEKLY_DEFINITIVE: Json = {"cisplatin_schedule": "weekly", "treatment_setting": "definitive"}


def calling(roman: Api, account: str) -> Api:
    """The API for a trial-wide demo account, which sees this trial's sites."""
    return roman.with_token(ok(roman.sign_in(account))["access_token"])


def signed(roman: Api, site: str, stratification: Mapping[str, object] | None) -> Json:
    """A subject who lacks nothing but perhaps recorded factors, and the allocation."""
    caller, today = roman.as_("investigator", site), roman.today()
    person = _person(site, today)
    subject = caller.screened(site=site, year_of_birth=person.year_of_birth)
    consent = {"version": "1.0", "signed_on": str(today)}
    created(caller.post(path(subject, "consents"), consent))
    given = facts(person, roman.state.loaded.protocol.eligibility, today)
    evaluated = ok(caller.put(path(subject, "eligibility"), {"facts": given}, version=0))
    signature = {
        "evaluation_hash": evaluated["evaluation_hash"],
        "meaning": "I confirm eligibility",
        "password": PASSWORD,
    }
    created(caller.post(path(subject, "eligibility", "signature"), signature))
    body = {**plan(today + timedelta(days=10)), "stratification": stratification}
    ok(caller.put(path(subject, "radiotherapy"), body, version=0))
    return subject


def randomize(roman: Api, subject: Json) -> httpx.Response:
    """An investigator's request for the subject's arm."""
    return roman.as_("investigator", subject["site"]).post(path(subject, "randomization"))


def _person(site: str, today: date) -> Person:
    passing = (Screening.PASSES, Screening.INCOMPLETE_FIRST, Screening.STALE_FIRST)
    people = recruit(1, (site,), range(18, 76), 1, today)
    return next(person for person in people if person.screening in passing)
