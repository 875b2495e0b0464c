"""Refusals of eligibility."""

from services.api.core.errors import ApiError


class EligibilityClosed(ApiError):
    """The subject is past screening, so the evaluation no longer changes.

    Record what was found later as a protocol deviation.
    """

    code, status = "eligibility_closed", 409


class EvaluationChanged(ApiError):
    """The hash is not that of the current evaluation.

    GET the eligibility again, read what changed, and sign its evaluation_hash.
    """

    code, status = "evaluation_changed", 409


class CannotSign(ApiError):
    """The evaluation does not support that statement.

    Eligibility is confirmed only when overall is eligible and a consent is in
    force, ineligibility only when overall is ineligible.
    """

    code, status = "cannot_sign", 409
