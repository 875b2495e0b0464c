"""Refusals of randomization, and the reasons that a subject is not ready for it."""

from services.api.core.errors import ApiError


class NotReady(ApiError):
    """The subject cannot be randomized yet.

    Mend each item of errors (/problems/{code} explains each), then send the
    request again.
    """

    code, status = "not_ready", 409


class ConsentOutdated(ApiError):
    """The subject signed an older consent form than the one approved at the site.

    Have the current version signed and record it as a further consent.
    """

    code, status = "consent_outdated", 409


class NotInScreening(ApiError):
    """The subject is past screening or has left the trial.

    GET the subject for its status; nobody is randomized from it.
    """

    code, status = "not_in_screening", 409


class EligibilityMissing(ApiError):
    """No eligibility facts are recorded.

    PUT the facts of screening, then have an investigator sign the evaluation.
    """

    code, status = "eligibility_missing", 409


class EligibilityStale(ApiError):
    """The evaluation is out of date: its facts are, or the protocol it was made under.

    Measure again what is older than the screening window, PUT the facts, and
    have the new evaluation signed.
    """

    code, status = "eligibility_stale", 409


class NotEligible(ApiError):
    """The evaluation does not find the subject eligible.

    GET the eligibility for the criteria at fault; an ineligible subject is a
    screen failure.
    """

    code, status = "not_eligible", 409


class AgeDisagrees(ApiError):
    """The age at consent does not fit the year of birth.

    Correct whichever is wrong.
    """

    code, status = "age_disagrees", 409


class EligibilityNotSigned(ApiError):
    """An investigator has not signed the current evaluation.

    POST the eligibility's signature for the current evaluation_hash.
    """

    code, status = "eligibility_not_signed", 409


class NoRadiotherapyPlan(ApiError):
    """The radiotherapy plan is missing; it holds a stratification factor.

    PUT the plan.
    """

    code, status = "no_radiotherapy_plan", 409


class StratificationMissing(ApiError):
    """A stratification factor of the protocol is not recorded.

    PUT the radiotherapy with a value of every recorded factor in its
    stratification.
    """

    code, status = "stratification_missing", 409


class RadiotherapyStarted(ApiError):
    """The first fraction is delivered; it is too late to randomize.

    Correct the radiotherapy if that date is a mistake; otherwise record why
    the subject was not randomized.
    """

    code, status = "radiotherapy_started", 409


class AlreadyRandomized(ApiError):
    """The subject holds an allocation; it is never redrawn.

    GET the randomization to read it.
    """

    code, status, constraint = "already_randomized", 409, "allocation_once"


class RecruitmentComplete(ApiError):
    """The trial has allocated as many subjects as its protocol allows.

    No further subject can be randomized.
    """

    code, status = "recruitment_complete", 409


class NotRandomized(ApiError):
    """The subject has no allocation.

    POST randomizes once every precondition is met.
    """

    code, status = "not_randomized", 404


class ListUnavailable(ApiError):
    """The randomization list does not match its published commitment.

    Nothing was allocated; everything else works. The operator has to restore
    the list's secret; then send the same request again, with the same key.
    """

    code, status = "list_unavailable", 503

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "60"})


class ListAbsent(ListUnavailable):
    """The randomization list's secret is absent, or makes no list.

    Nothing was allocated; everything else works. The operator has to restore
    the secret; then send the same request again, with the same key.
    """

    code = "list_absent"
