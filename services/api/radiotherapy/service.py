"""Radiotherapy as planned and delivered: the only user of its table."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Row, Uuid, column, table
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel

from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.errors import Invalid
from services.api.core.etag import check_version
from services.api.core.events import EventType, announce
from services.api.core.records import change, last_of_each, latest
from services.api.deviations import service as deviations
from services.api.deviations.schemas import DeviationCode
from services.api.enrolment import service as enrolment
from services.api.enrolment.models import Subject
from services.api.enrolment.rules import ALLOCATED, SubjectStatus
from services.api.protocol.schema import Protocol
from services.api.radiotherapy.models import Radiotherapy
from services.api.radiotherapy.rules import Interruption, wrong_interruptions
from services.api.radiotherapy.schemas import RadiotherapyPut
from services.api.radiotherapy.stratification import factor_values, wrong_factors

_TABLE = SQLModel.metadata.tables["radiotherapy"]
# Randomization stands above and reads radiotherapy, so of its table only these columns are named.
_RANDOMIZED = table("allocation", column("subject_id", Uuid), column("randomized_at", DateTime))


def current(session: Session, subject: Subject) -> Radiotherapy | None:
    """The current version of the subject's radiotherapy."""
    row: Radiotherapy | None = latest(session, Radiotherapy, subject_id=subject.id)
    return row


def current_at(session: Session, sites: Collection[str]) -> Sequence[Row[Any]]:
    """The current version of every radiotherapy recorded at the sites."""
    return _current(session, _TABLE.c.site.in_(sites))


def current_of(session: Session, subjects: Collection[UUID]) -> Sequence[Row[Any]]:
    """The current version of each of the subjects' radiotherapy that is recorded."""
    return _current(session, _TABLE.c.subject_id.in_(subjects))


def _current(session: Session, where: ColumnElement[bool]) -> Sequence[Row[Any]]:
    query = last_of_each(columns_of(_TABLE).where(where), _TABLE.c, "subject_id")
    return session.connection().execute(query).all()


def interruptions(stored: Iterable[Mapping[str, Any]] | None) -> tuple[Interruption, ...]:
    """The interruptions of a version as it is stored."""
    return tuple(
        Interruption(
            date.fromisoformat(one["from"]), date.fromisoformat(one["to"]) if one["to"] else None
        )
        for one in stored or ()
    )


def record(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject_id: UUID,
    expected: int,
    given: RadiotherapyPut,
) -> Radiotherapy:
    """Record plan and delivery as known now; the first and last fraction move the status.

    Of a subject who left the study, what was delivered until that day may
    still be recorded and corrected.

    Raises:
        NotFound, StaleVersion.
        SubjectClosed: the subject failed screening.
        AfterLeaving: a fraction or an interruption after the subject left the study.
        Invalid: fractions or interruptions in the future, out of order or overlapping, a first
            fraction before consent, recorded interruptions left out, stratification factors that
            are not the protocol's, or a change without reason.
    """
    subject = enrolment.get_subject(session, caller, subject_id, lock=True)
    enrolment.require_not_failed(subject)
    before = current(session, subject)
    check_version(expected, before.version if before else 0)
    _check_interruptions_given(given, before)
    written = given.model_dump(mode="json", by_alias=True, include={"interruptions"})
    _check_delivery(subject, given, interruptions(written["interruptions"]), clock.today())
    _check_consent(session, subject, given)
    _check_factors(given, protocol, before)
    row = Radiotherapy(
        site=subject.site,
        subject_id=subject.id,
        version=expected + 1,
        protocol_version=protocol.version,
        recorded_by=caller.id,
        stratification=given.stratification or None,
        **given.model_dump(exclude={"interruptions", "stratification"}),
        **written,
    )
    change(session, caller, row)
    announce(
        session,
        EventType.RADIOTHERAPY_RECORDED,
        subject.id,
        site=subject.site,
        subject_id=subject.id,
    )
    _note_other_stratum(session, caller, clock, protocol, subject, before, row)
    _follow_delivery(session, caller, clock, subject, before, row)
    return row


def _check_interruptions_given(given: RadiotherapyPut, before: Radiotherapy | None) -> None:
    """Once recorded, interruptions are taken back by an empty list and never by silence."""
    left_out = "interruptions" not in given.model_fields_set
    if left_out and before is not None and before.interruptions:
        raise Invalid.at(
            "/interruptions",
            "interruptions_missing",
            "Give those that are recorded, as they are known now; [] if there was none",
        )


def _check_consent(session: Session, subject: Subject, given: RadiotherapyPut) -> None:
    """Whoever consented began radiotherapy in the trial, so not before."""
    first, signed = given.first_fraction_on, enrolment.consents(session, subject)
    if first is not None and signed and first < min(consent.signed_on for consent in signed):
        raise Invalid.at("/first_fraction_on", "before_consent", "Not before the first consent")


def _check_delivery(
    subject: Subject, given: RadiotherapyPut, spans: Sequence[Interruption], today: date
) -> None:
    first, last = given.first_fraction_on, given.last_fraction_on
    enrolment.not_after(today, first, "/first_fraction_on")
    enrolment.not_after(today, last, "/last_fraction_on")
    if last is not None and (first is None or last < first):
        raise Invalid.at("/last_fraction_on", "order", "Not before first_fraction_on")
    if wrong := list(wrong_interruptions(spans, first, last, today)):
        raise Invalid(errors=wrong)
    for day in (first, last, *(day for span in spans for day in (span.from_, span.to))):
        enrolment.require_not_left(subject, day)


def _check_factors(given: RadiotherapyPut, protocol: Protocol, before: Radiotherapy | None) -> None:
    """Factors may wait until randomization; once recorded, none is left out again."""
    if given.stratification is None and (before is None or before.stratification is None):
        return
    if wrong := list(wrong_factors(given.stratification or {}, protocol.randomization)):
        raise Invalid(errors=wrong)


def _note_other_stratum(
    session: Session,
    caller: Principal,
    clock: Clock,
    protocol: Protocol,
    subject: Subject,
    before: Radiotherapy | None,
    now: Radiotherapy,
) -> None:
    """Of a randomized subject a changed stratification factor is a deviation."""
    if before is None or subject.status not in ALLOCATED:
        return
    section = protocol.randomization
    if factor_values(before.model_dump(), section) != factor_values(now.model_dump(), section):
        deviations.note(
            session,
            caller,
            subject,
            DeviationCode.STRATUM_CHANGED,
            "A stratification factor was corrected after randomization; the allocation stands.",
            clock.today(),
        )


def _follow_delivery(
    session: Session,
    caller: Principal,
    clock: Clock,
    subject: Subject,
    before: Radiotherapy | None,
    now: Radiotherapy,
) -> None:
    """What a change of radiotherapy means for the subject."""
    if now.first_fraction_on and subject.status == SubjectStatus.RANDOMIZED:
        enrolment.move(session, subject, SubjectStatus.ON_TREATMENT, on=now.first_fraction_on)
    if now.last_fraction_on and subject.status == SubjectStatus.ON_TREATMENT:
        enrolment.move(session, subject, SubjectStatus.IN_FOLLOW_UP, on=now.last_fraction_on)
    first = now.first_fraction_on
    if first is not None and (before is None or before.first_fraction_on != first):
        randomized_on = _randomized_on(session, clock, subject)
        if randomized_on is not None and first < randomized_on:
            deviations.note(
                session,
                caller,
                subject,
                DeviationCode.FRACTION_BEFORE_RANDOMIZATION,
                f"The first fraction was delivered on {first}, before randomization.",
                first,
            )


def _randomized_on(session: Session, clock: Clock, subject: Subject) -> date | None:
    query = columns_of(_RANDOMIZED.c.randomized_at).where(_RANDOMIZED.c.subject_id == subject.id)
    moment = session.connection().execute(query).scalar_one_or_none()
    return None if moment is None else clock.local_date(moment)
