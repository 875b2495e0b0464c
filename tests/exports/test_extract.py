"""The extract holds what the tables hold, of one moment, in an order, and not what must stay."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import pytest
from sqlmodel import Session

from services.api.certificates.rules import Validities
from services.api.certificates.service import validities
from services.api.exports import extract as extracts
from services.api.exports.csv.writer import whole
from services.api.exports.extract import EVERYTHING, OF_OUTCOME, Extract, Options, Part
from tests.exports.conftest import Opener
from tests.lived import CLINICAL, Lived
from tests.make import Api, Json, created, ok

KEPT_INSIDE = ("safety_reminder",)
"""Tables about subjects that no format tells of: who was reminded is no datum of the trial."""
OF_THE_TRIAL = ("certificate", "site_activation")
"""Tables about no subject whose records formats tell of."""


def test_every_clinical_table_is_read_or_left_out_on_purpose() -> None:
    read = {"subject", *(part.source.name for part in Part)}
    assert read == set(CLINICAL) - set(KEPT_INSIDE)


@pytest.mark.parametrize("part", EVERYTHING, ids=lambda part: part.name)
def test_each_part_holds_every_row_of_its_table(extract: Extract, lived: Lived, part: Part) -> None:
    rows = [row for record in extract.subjects([part]) for row in record.all(part)]
    stored = lived.api.rows(f"SELECT count(*) FROM {part.source.name}")
    assert len(rows) == stored[0][0] > 0


@pytest.mark.parametrize("part", EVERYTHING, ids=lambda part: part.name)
def test_the_current_version_of_a_record_is_its_last(extract: Extract, part: Part) -> None:
    for record in extract.subjects([part]):
        names = part.source.key
        rows = record.all(part)
        current = {tuple(getattr(row, name) for name in names): row for row in record.current(part)}
        assert current.keys() == {tuple(getattr(row, name) for name in names) for row in rows}
        if part.source.versioned:
            for row in rows:
                assert row.version <= current[tuple(getattr(row, name) for name in names)].version
        else:
            assert tuple(current.values()) == rows


def test_what_people_wrote_about_a_person_at_length_is_not_read(
    extract: Extract, lived: Lived
) -> None:
    assert lived.api.rows("SELECT 1 FROM adverse_event WHERE narrative LIKE '%tube feeding%'")
    told = repr([list(map(record.all, EVERYTHING)) for record in extract.subjects()])
    assert "tube feeding" not in told
    assert "The source says otherwise" not in told
    names = lived.api.rows("SELECT name FROM account")
    assert not [name for (name,) in names if name in told]


def test_subjects_come_once_in_the_order_of_their_numbers(
    extract: Extract, lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [record.subject.number for record in extract.subjects([])]
    monkeypatch.setattr(extracts, "AT_ONCE", 1)
    one_by_one = [record.subject.number for record in extract.subjects([])]
    stored = lived.api.rows("SELECT number FROM subject ORDER BY site, number")
    assert one_by_one == whole == [number for (number,) in stored]
    assert extract.count == len(whole)


def test_a_part_that_was_not_asked_for_is_an_error_and_not_empty(extract: Extract) -> None:
    record = next(extract.subjects([Part.VISITS]))
    with pytest.raises(KeyError):
        record.all(Part.GRADINGS)


def test_an_outcome_is_the_one_that_the_service_answers(
    extract: Extract, living: Api, lived: Lived
) -> None:
    answered = {}
    for subject in lived.subjects.values():
        answer = ok(living.as_("statistician").get(f"/v1/subjects/{subject}/endpoint"))
        answered[UUID(subject)] = answer["primary"]["status"], answer["max_grade"]
    derived = {}
    for record in extract.subjects(OF_OUTCOME):
        outcome = extract.outcome(record)
        derived[record.subject.id] = outcome.primary.status.value, outcome.max_grade
    assert answered.items() <= derived.items()


def test_a_write_in_the_middle_does_not_show(
    api: Api, open_extract: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extracts, "AT_ONCE", 1)
    investigator = api.as_("investigator")
    first, second = investigator.screened(), investigator.screened()
    extract = open_extract(api)
    records = extract.subjects([Part.CONSENTS])
    assert next(records).subject.id == UUID(first["id"])
    _consent(investigator, second)
    investigator.screened()
    rest = list(records)
    assert [record.subject.id for record in rest] == [UUID(second["id"])]
    assert rest[0].all(Part.CONSENTS) == ()
    assert extract.count == 2


def _consent(investigator: Api, subject: Json) -> None:
    body = {"version": "1.0", "signed_on": str(investigator.today())}
    answer = investigator.post(f"/v1/subjects/{subject['id']}/consents", body)
    assert answer.status_code == 201, answer.text


def test_an_empty_trial_has_no_subject_and_its_last_change_is_of_a_site_or_assessor(
    unchanged: Api, open_extract: Opener
) -> None:
    extract = open_extract(unchanged)
    assert list(extract.subjects()) == []
    assert (extract.count, extract.position) == (0, 0)
    assert extract.changed_at == newest(unchanged, *OF_THE_TRIAL)
    assert [site.code for site in extract.sites] == ["LZ", "NN", "YL"]


def newest(api: Api, *tables: str) -> datetime:
    """When the newest record of these tables was made."""
    made: list[datetime] = [
        api.rows(f"SELECT max(recorded_at) FROM {table}")[0][0] for table in tables
    ]
    return max(made)


def test_the_last_change_is_that_of_the_newest_record(extract: Extract, lived: Lived) -> None:
    told = [*OF_THE_TRIAL, *(table for table in CLINICAL if table not in KEPT_INSIDE)]
    assert extract.changed_at == newest(lived.api, *told)


def test_a_certificate_is_a_change_of_the_trial(api: Api, open_extract: Opener) -> None:
    api.as_("investigator").screened()
    [assessor] = api.rows("SELECT id FROM account WHERE username = 'assessor-nn'")
    body = {
        "assessor": str(assessor.id),
        "valid_from": "2026-01-12",
        "valid_until": "2028-01-11",
        "training": "Calibration course",
    }
    created(api.as_("data_manager").post("/v1/certificates", body))
    assert open_extract(api).changed_at == newest(api, "certificate")


def test_an_approval_is_a_change_of_the_trial(api: Api, open_extract: Opener) -> None:
    api.as_("investigator").screened()
    body = {
        "protocol_version": "1.0",
        "consent_version": "1.1",
        "ethics_reference": "2026-KY-0042",
        "approved_on": str(api.today()),
    }
    created(api.as_("admin").post("/v1/sites/NN/activations", body))
    assert open_extract(api).changed_at == newest(api, "site_activation")


def test_an_export_reads_the_certificates_once(
    extract: Extract, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def reading(session: Session, assessors: Collection[UUID]) -> Validities:
        asked.append(assessors)
        return validities(session, assessors)

    monkeypatch.setattr(extracts, "AT_ONCE", 1)
    monkeypatch.setattr(extracts, "validities", reading)
    assert sum(map(len, whole(extract, Options())))
    assert len(asked) == 1


def test_users_are_told_by_role_and_sites_and_not_by_name(extract: Extract) -> None:
    users = extract.users
    assert {"investigator", "assessor", "hospital_system"} <= {one.role for one in users.values()}
    assert "sandbox" not in repr(users)
    for record in extract.subjects([Part.GRADINGS]):
        for row in record.all(Part.GRADINGS):
            assert users[row.assessor].role in {"assessor", "investigator"}
    assert set(extract.strata) >= {
        row.stratum
        for record in extract.subjects([Part.ALLOCATIONS])
        for row in record.all(Part.ALLOCATIONS)
    }
    assert extract.activations
