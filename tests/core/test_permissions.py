"""What the delegation log must never say, whoever edits it."""

import pytest

from services.api.core.permissions import (
    GRANTS,
    PUBLIC,
    SEES_ARM,
    SITE_BOUND,
    WITHOUT_CLINICAL_DATA,
    Action,
    Role,
)

WRITES = {action for action in Action if action.value.rpartition(":")[2] != "read"} - PUBLIC
READS_OF_SUBJECTS = {
    Action.READ_SUBJECTS,
    Action.READ_CONSENTS,
    Action.READ_ELIGIBILITY,
    Action.READ_RADIOTHERAPY,
    Action.READ_DEVIATIONS,
    Action.READ_EXPOSURES,
    Action.READ_DISCONTINUATION,
    Action.READ_RANDOMIZATION,
    Action.READ_VISITS,
    Action.READ_GRADINGS,
    Action.READ_ADJUDICATIONS,
    Action.READ_ENDPOINT,
    Action.READ_ADVERSE_EVENTS,
    Action.READ_QUERIES,
    Action.READ_VERIFICATIONS,
    Action.READ_LOCKS,
}


def holders(action: Action) -> set[Role]:
    return {role for role in Role if action in GRANTS[role]}


def test_every_role_has_its_grants_and_every_grant_a_holder() -> None:
    assert set(GRANTS) == set(Role)
    assert set().union(*GRANTS.values()) == set(Action) - PUBLIC


def test_everyone_may_read_who_they_are_and_what_the_study_is() -> None:
    assert holders(Action.READ_SELF) == holders(Action.READ_STUDY) == set(Role)


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        (Action.SIGN_ELIGIBILITY, {Role.INVESTIGATOR}),
        (Action.RANDOMIZE, {Role.INVESTIGATOR, Role.HOSPITAL_SYSTEM}),
        (Action.GRADE, {Role.INVESTIGATOR, Role.ASSESSOR}),
        (Action.CORRECT_GRADING, {Role.INVESTIGATOR, Role.ASSESSOR}),
        (Action.ADJUDICATE, {Role.INVESTIGATOR}),
        (Action.CERTIFY, {Role.DATA_MANAGER}),
        (Action.RECORD_CONSENT, {Role.INVESTIGATOR, Role.COORDINATOR}),
        (Action.RECORD_EXPOSURE, {Role.INVESTIGATOR, Role.COORDINATOR}),
        (Action.RECORD_DISCONTINUATION, {Role.INVESTIGATOR}),
        (Action.CREATE_SUBJECT, {Role.INVESTIGATOR, Role.COORDINATOR, Role.HOSPITAL_SYSTEM}),
        (Action.ACTIVATE_SITE, {Role.ADMIN}),
        (Action.RAISE_QUERY, {Role.MONITOR, Role.DATA_MANAGER}),
        (Action.VERIFY_SOURCE, {Role.MONITOR}),
        (Action.SET_LOCK, {Role.DATA_MANAGER}),
        (Action.READ_ARM_REPORTS, {Role.STATISTICIAN, Role.DMC}),
        (Action.READ_EXPORTS, {Role.STATISTICIAN, Role.DATA_MANAGER}),
    ],
)
def test_an_act_with_consequences_is_delegated_to_whom_the_contract_names(
    action: Action, roles: set[Role]
) -> None:
    assert holders(action) == roles


@pytest.mark.parametrize("role", sorted(WITHOUT_CLINICAL_DATA))
def test_a_role_without_clinical_data_reads_no_subject(role: Role) -> None:
    assert not GRANTS[role] & READS_OF_SUBJECTS


def test_an_assessor_learns_nothing_that_tells_the_arm() -> None:
    """Neither the arm nor what only one arm can have: safety, deviations, the outcome."""
    assert Role.ASSESSOR not in SEES_ARM
    hidden = {
        Action.READ_ENDPOINT,
        Action.READ_ADVERSE_EVENTS,
        Action.READ_DEVIATIONS,
        Action.READ_EXPOSURES,
        Action.READ_DISCONTINUATION,
        Action.READ_ADJUDICATIONS,
        Action.READ_REPORTS,
        Action.READ_ARM_REPORTS,
        Action.READ_EXPORTS,
    }
    assert not GRANTS[Role.ASSESSOR] & hidden
    assert set(Role) - SEES_ARM == {Role.ASSESSOR}


@pytest.mark.parametrize("role", [Role.MONITOR, Role.DATA_MANAGER, Role.STATISTICIAN, Role.AUDITOR])
def test_who_checks_the_data_does_not_make_them(role: Role) -> None:
    reviews = {Action.RAISE_QUERY, Action.CHANGE_QUERY, Action.VERIFY_SOURCE, Action.SET_LOCK}
    made = GRANTS[role] & WRITES - {Action.RECORD_DEVIATION} - reviews
    # Errors of randomization are recorded by whoever does not recruit, certificates by whoever
    # does not grade.
    recorded = {Action.RECORD_CORRECTION, Action.CERTIFY}
    assert made == (recorded if role is Role.DATA_MANAGER else set())


def test_the_site_bound_roles_are_those_of_a_hospital() -> None:
    assert {role.value for role in SITE_BOUND} == {
        "investigator",
        "coordinator",
        "assessor",
        "monitor",
        "hospital_system",
    }
    assert not SITE_BOUND & WITHOUT_CLINICAL_DATA
