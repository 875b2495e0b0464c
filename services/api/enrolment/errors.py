"""Refusals of enrolment."""

from services.api.core.errors import ApiError


class DuplicateSubject(ApiError):
    """The person with this national identifier is in the trial already.

    Search your own records first; if the person is at another hospital, ask
    the data manager. Nothing was stored.
    """

    code, status, constraint = "duplicate_subject", 409, "person_digest_pkey"


class MoveNotAllowed(ApiError):
    """The subject's status cannot change that way.

    GET the subject for its status; some states follow from records, such as
    randomization or the first fraction, and cannot be set by hand.
    """

    code, status = "move_not_allowed", 409


class SubjectClosed(ApiError):
    """The subject's record takes no new data of this kind.

    The subject failed screening or withdrew consent; what was recorded before
    stays readable.
    """

    code, status = "subject_closed", 409


class BeforeConsent(ApiError):
    """The day lies before the subject's first signed consent.

    Nothing about a subject is collected before consent: check the day, and
    the consents at GET /v1/subjects/{id}/consents.
    """

    code, status = "before_consent", 409


class AfterLeaving(ApiError):
    """The day lies after the one on which the subject left the study.

    What was observed until that day, `left_on` of the subject, may still be
    entered and corrected; nothing later may.
    """

    code, status = "after_leaving", 409


class ConsentVersionNotApproved(ApiError):
    """The ethics committee had not approved this consent version at the site by that day.

    Check the version and the day; an admin records approvals as activations.
    """

    code, status = "consent_version_not_approved", 409


class AlreadyConsented(ApiError):
    """A consent with this version is recorded for the subject.

    Nothing is left to do; GET lists the subject's consents.
    """

    code, status, constraint = "already_consented", 409, "consent_once_per_version"


class AlreadyWithdrawn(ApiError):
    """The consent is withdrawn already.

    Nothing is left to do.
    """

    code, status, constraint = "already_withdrawn", 409, "consent_withdrawal_pkey"


class NoConsent(ApiError):
    """No consent of the subject is recorded.

    Nothing about a subject is collected before consent: record the signed consent first.
    """

    code, status = "no_consent", 409
