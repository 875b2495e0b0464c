"""Evaluations and signatures: the only user of their tables."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import FieldError, Invalid
from services.api.core.etag import check_version
from services.api.core.records import change, latest
from services.api.eligibility.errors import CannotSign, EligibilityClosed, EvaluationChanged
from services.api.eligibility.facts import BadFacts, Facts, read_facts
from services.api.eligibility.models import EligibilityEvaluation, EligibilitySignature
from services.api.eligibility.rules import (
    CriterionJudgment,
    EligibilityOverall,
    Evaluation,
    age_agrees,
    evaluate,
    evaluation_hash,
)
from services.api.eligibility.schemas import EligibilityPut, EligibilitySignatureCreate
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Consent, Subject
from services.api.enrolment.rules import SubjectStatus
from services.api.language.wording import Wording
from services.api.protocol.schema import Protocol
from services.api.signatures import service as signatures
from services.api.signatures.errors import AlreadySigned
from services.api.signatures.rules import SignatureMeaning

SCREENED = frozenset({SubjectStatus.SCREENING, SubjectStatus.ELIGIBLE})


@dataclass(frozen=True)
class Recorded:
    """The current evaluation as stored, judged again today, and the last signature.

    Only a `signature` counts; the last one may be on a version before.
    """

    row: EligibilityEvaluation
    today: Evaluation
    last_signature: EligibilitySignature | None

    @property
    def signature(self) -> EligibilitySignature | None:
        """The signature on this evaluation; None once new facts have voided it."""
        last = self.last_signature
        return last if last is not None and signatures.covers(last, self.row) else None


def current(
    session: Session, clock: Clock, protocol: Protocol, subject: Subject
) -> Recorded | None:
    """The subject's current evaluation; None before any facts.

    Facts grow stale, so the stored verdicts are compared with today's.
    """
    row: EligibilityEvaluation | None = latest(
        session, EligibilityEvaluation, subject_id=subject.id
    )
    if row is None:
        return None
    return Recorded(
        row,
        _judged_today(clock, protocol, subject, row),
        latest(session, EligibilitySignature, subject_id=subject.id),
    )


def _judged_today(
    clock: Clock, protocol: Protocol, subject: Subject, row: EligibilityEvaluation
) -> Evaluation:
    if row.protocol_version != protocol.version:
        # An amendment may ask for other facts; what was judged before it stands as it was.
        criteria = tuple(CriterionJudgment(**one) for one in row.criteria)
        return Evaluation(EligibilityOverall(row.overall), criteria, (), ())
    # Past screening nothing is refreshed any more: the day it was judged on stays the reference.
    reference = clock.today() if subject.status in SCREENED else row.evaluated_on
    facts = read_facts(row.facts, protocol.eligibility, clock.today())
    return evaluate(facts, protocol.eligibility, reference)


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    expected: int,
    given: EligibilityPut,
) -> Recorded:
    """Evaluate the facts and keep both; a signature on the version before no longer counts.

    Raises:
        NotFound, EligibilityClosed, StaleVersion.
        Invalid: facts that are not of their type, unit or range, each named.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    if subject.status not in SCREENED:
        raise EligibilityClosed
    before: EligibilityEvaluation | None = latest(
        session, EligibilityEvaluation, subject_id=subject.id
    )
    check_version(expected, before.version if before else 0)
    facts = _read(given, protocol, clock.today())
    consent = enrolment.consent_in_force(session, subject)
    if not age_fits(protocol, subject, consent, facts.given):
        raise Invalid.at(f"/facts/{protocol.eligibility.age_fact}", "disagrees", _AGE)
    verdicts = evaluate(facts, protocol.eligibility, clock.today())
    row = EligibilityEvaluation(
        site=subject.site,
        subject_id=subject.id,
        version=expected + 1,
        reason=given.reason,
        protocol_version=protocol.version,
        recorded_by=caller.id,
        facts=dict(facts.given),
        normalised=dict(facts.normalised),
        criteria=[asdict(criterion) for criterion in verdicts.criteria],
        overall=verdicts.overall,
        evaluation_hash=evaluation_hash(
            facts.given, verdicts, protocol.version, subject.id, expected + 1
        ),
        evaluated_on=clock.today(),
    )
    change(session, caller, row)
    if subject.status == SubjectStatus.ELIGIBLE:
        enrolment.move(session, subject, SubjectStatus.SCREENING, on=clock.today())
    last = latest(session, EligibilitySignature, subject_id=subject.id)
    return Recorded(row, verdicts, last)


def _read(given: EligibilityPut, protocol: Protocol, today: date) -> Facts:
    try:
        return read_facts(given.facts, protocol.eligibility, today)
    except BadFacts as error:
        raise Invalid(
            errors=[
                FieldError(pointer=f"/facts{one.pointer}", code=one.code, detail=one.detail)
                for one in error.mistakes
            ]
        ) from None


_AGE = "The age does not fit the subject's year of birth on the day of consent"


def age_fits(
    protocol: Protocol, subject: Subject, consent: Consent | None, facts: Mapping[str, object]
) -> bool:
    """Whether the age at consent, the consent's day and the year of birth fit together.

    They arrive in any order, so this is asked whenever one of them may be new;
    what is not known yet contradicts nothing.
    """
    age = facts.get(protocol.eligibility.age_fact)
    if consent is None or not isinstance(age, int):
        return True
    return age_agrees(age, subject.year_of_birth, consent.signed_on)


def sign(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    given: EligibilitySignatureCreate,
) -> tuple[EligibilitySignature, EligibilityEvaluation]:
    """Sign the current evaluation, which makes the subject eligible or a screen failure.

    Raises:
        NotFound, EligibilityClosed, EvaluationChanged, AlreadySigned, CannotSign.
        PeopleOnly, Invalid, ReauthenticationFailed, TooManyRequests: as in `signatures.prove`.
    """
    enrolment.get_subject(session, caller, subject_id)
    signer = signatures.prove(session, caller, EligibilitySignature, given)
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    recorded = current(session, clock, protocol, subject)
    if recorded is not None and recorded.signature is not None:
        raise AlreadySigned
    if subject.status not in SCREENED:
        raise EligibilityClosed
    if recorded is None or recorded.row.content_hash != given.evaluation_hash:
        raise EvaluationChanged
    to = _supported(session, protocol, subject, recorded, given.meaning)
    if recorded.row.overall != recorded.today.overall:
        raise CannotSign("Time has changed the verdicts: PUT the facts again and sign those.")
    signature = signatures.sign(
        session,
        clock,
        signer,
        EligibilitySignature,
        recorded.row,
        given.evaluation_hash,
        subject_id=subject.id,
    )
    enrolment.move(session, subject, to, on=clock.today())
    return signature, recorded.row


def _supported(
    session: Session,
    protocol: Protocol,
    subject: Subject,
    recorded: Recorded,
    meaning: SignatureMeaning,
) -> SubjectStatus:
    """The status that the signature leads to, if the evaluation supports its meaning."""
    overall = recorded.today.overall
    if meaning is SignatureMeaning.INELIGIBLE:
        if overall != "ineligible":
            raise CannotSign(
                Wording("The evaluation is {overall}, not ineligible.", overall=overall)
            )
        return SubjectStatus.SCREEN_FAILED
    if overall != "eligible":
        raise CannotSign(Wording("The evaluation is {overall}, not eligible.", overall=overall))
    consent = enrolment.consent_in_force(session, subject)
    if consent is None:
        raise CannotSign("No consent is in force: record the signed consent first.")
    if not age_fits(protocol, subject, consent, recorded.row.facts):
        raise CannotSign(_AGE)
    return SubjectStatus.ELIGIBLE
