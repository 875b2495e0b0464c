"""Every code that the trial records has a submission value."""

from enum import StrEnum

import pytest

from services.api.adverse_events.schemas import ActionTaken, CausalityVerdict, EventOutcome
from services.api.discontinuations.rules import StudyCause, TreatmentCause
from services.api.enrolment.rules import LEFT, SubjectStatus
from services.api.enrolment.schemas import Sex
from services.api.exports.dataset_json import terminology as ct
from tests.first_trial import FIRST_TRIAL


@pytest.mark.parametrize(
    ("kind", "codes"),
    [
        pytest.param(Sex, ct.SEX, id="sex"),
        pytest.param(ActionTaken, ct.ACN, id="action"),
        pytest.param(EventOutcome, ct.OUT, id="outcome"),
        pytest.param(CausalityVerdict, ct.CAUSALITY, id="causality"),
        pytest.param(StudyCause, ct.NCOMPLT, id="study"),
        pytest.param(TreatmentCause, ct.NCOMPLT, id="treatment"),
    ],
)
def test_every_code_has_its_value(kind: type[StrEnum], codes: ct.Codelist) -> None:
    assert set(kind) <= set(codes.values)


def test_every_state_in_which_a_subject_ends_has_its_value() -> None:
    assert set(ct.NCOMPLT.values) >= {SubjectStatus.COMPLETED, SubjectStatus.SCREEN_FAILED, *LEFT}


def test_no_cause_of_ending_treatment_is_told_as_another() -> None:
    assert len({ct.NCOMPLT[cause] for cause in TreatmentCause}) == len(TreatmentCause)


def test_the_trial_s_country_has_its_code() -> None:
    protocol = FIRST_TRIAL.protocol
    assert ct.COUNTRY[protocol.adverse_events.case_report.country] == "CHN"


def test_lists_of_cdisc_are_named_by_their_code() -> None:
    assert len({one.name for one in ct.CODELISTS}) == len(ct.CODELISTS)
    for one in ct.CODELISTS:
        assert one.code is None or one.code.startswith(("C", "ISO"))
        assert all(one.values.values())
