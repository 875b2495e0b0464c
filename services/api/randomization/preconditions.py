"""What a subject still lacks before they can be randomized: each with its own problem."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session

from services.api.core.clock import Clock
from services.api.core.errors import ApiError, FieldError
from services.api.eligibility import service as eligibility
from services.api.enrolment import service as enrolment
from services.api.enrolment.errors import NoConsent
from services.api.enrolment.models import Consent, Subject
from services.api.language.wording import Wording
from services.api.protocol.schema import Protocol
from services.api.radiotherapy.models import Radiotherapy
from services.api.radiotherapy.stratification import factor_values
from services.api.randomization.errors import (
    AgeDisagrees,
    ConsentOutdated,
    EligibilityMissing,
    EligibilityNotSigned,
    EligibilityStale,
    NoRadiotherapyPlan,
    NotEligible,
    NotInScreening,
    RadiotherapyStarted,
    StratificationMissing,
)
from services.api.signatures.rules import SignatureMeaning
from services.api.study import service as study
from services.api.study.errors import ProtocolNotApproved, SiteNotActive
from services.api.study.models import SiteActivation


def missing(
    session: Session,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    recorded: eligibility.Recorded | None,
    radiotherapy: Radiotherapy | None,
) -> list[FieldError]:
    """Every precondition that is not met; empty when the subject may be randomized.

    The caller holds the subject's lock, so none of them can change meanwhile.
    """
    approved = study.approvals(session, subject.site, clock.today())
    consent = enrolment.consent_in_force(session, subject)
    unmet = [
        *_of_consent(approved, protocol, consent),
        *_of_status(subject),
        *_of_eligibility(protocol, subject, consent, recorded),
        *_of_radiotherapy(protocol, radiotherapy),
    ]
    return [FieldError(pointer="", code=one.code, detail=one.detail) for one in unmet]


def _of_consent(
    approved: Sequence[SiteActivation], protocol: Protocol, consent: Consent | None
) -> Iterator[ApiError]:
    """What site and consent lack.

    The form has to be the one approved last for this protocol, or a later one.
    """
    newest = None
    try:
        newest = study.require_active(approved, protocol)
    except (SiteNotActive, ProtocolNotApproved) as refusal:
        yield refusal
    if consent is None:
        yield NoConsent()
    elif newest is not None and consent.version not in {
        one.consent_version for one in approved if one.approved_on >= newest.approved_on
    }:
        yield ConsentOutdated(
            Wording(
                "Have consent version {version} signed, and record it.",
                version=newest.consent_version,
            )
        )


def _of_status(subject: Subject) -> Iterator[ApiError]:
    if subject.status not in eligibility.SCREENED:
        yield NotInScreening(Wording("The subject is {status}.", status=subject.status))


def _of_eligibility(
    protocol: Protocol,
    subject: Subject,
    consent: Consent | None,
    recorded: eligibility.Recorded | None,
) -> Iterator[ApiError]:
    if recorded is None:
        yield EligibilityMissing()
        return
    if recorded.row.protocol_version != protocol.version:
        yield EligibilityStale(
            Wording(
                "It was evaluated under protocol {version}: PUT the facts again and have them"
                " signed.",
                version=recorded.row.protocol_version,
            )
        )
    elif recorded.today.stale_facts:
        yield EligibilityStale(
            Wording(
                "Measure again, PUT the facts and have them signed: {facts}.",
                facts=tuple(recorded.today.stale_facts),
            )
        )
    elif recorded.today.overall != "eligible":
        yield NotEligible(
            Wording(
                "The evaluation is {overall}: GET it for the criteria.",
                overall=recorded.today.overall,
            )
        )
    if not eligibility.age_fits(protocol, subject, consent, recorded.row.facts):
        yield AgeDisagrees()
    signature = recorded.signature
    if signature is None or signature.meaning != SignatureMeaning.ELIGIBLE:
        yield EligibilityNotSigned()


def _of_radiotherapy(protocol: Protocol, radiotherapy: Radiotherapy | None) -> Iterator[ApiError]:
    if radiotherapy is None:
        yield NoRadiotherapyPlan()
        return
    values = factor_values(radiotherapy.model_dump(), protocol.randomization)
    unknown = [
        factor.id
        for factor in protocol.randomization.recorded_factors
        if factor.level(values[factor.id]) is None
    ]
    if unknown:
        yield StratificationMissing(
            Wording("Record it with the radiotherapy plan: {factors}.", factors=tuple(unknown))
        )
    if radiotherapy.first_fraction_on is not None:
        yield RadiotherapyStarted()
