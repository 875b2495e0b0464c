"""Refusals of discontinuations."""

from services.api.core.errors import ApiError


class NoTreatment(ApiError):
    """The subject was not randomized, so there is no treatment to take or to end.

    Randomize the subject first; a subject who leaves before is recorded under `study`.
    """

    code, status = "no_treatment", 409


class NoStudyDrug(ApiError):
    """The subject's arm receives no study drug.

    Check the subject. There is no placebo: the control arm takes nothing and
    ends nothing; a subject who leaves the study is recorded under `study`.
    """

    code, status = "no_study_drug", 409


class NothingDiscontinued(ApiError):
    """Nothing was discontinued so far, and the request discontinues nothing.

    Give `treatment`, `study` or both.
    """

    code, status = "nothing_discontinued", 409


class LeftForGood(ApiError):
    """The subject left the study, and nothing returns a subject to it.

    The day, the cause and its detail may be corrected with a reason; `study` stays.
    """

    code, status = "left_for_good", 409


class CauseContradictsStatus(ApiError):
    """A subject who left for that cause has another status than this one has.

    A correction does not change the status. Record a death by PATCH of the
    subject, a withdrawal with the consent, and then correct the cause; where
    that move is not allowed, keep the cause and say in `detail` what is so.
    """

    code, status = "cause_contradicts_status", 409
