"""Figures across resources, for those who watch over the trial; nothing is written here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from typing import Any

from sqlalchemy import Select, func, literal, union_all
from sqlalchemy import select as columns_of
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, SQLModel

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.errors import NotFound
from services.api.corrections.models import Correction
from services.api.corrections.rules import CorrectionKind
from services.api.deviations.models import Deviation
from services.api.deviations.schemas import DeviationCode
from services.api.gradings import service as gradings
from services.api.protocol.schema import Protocol
from services.api.randomization.models import Allocation
from services.api.reports import (
    agreement,
    completeness,
    consort,
    endpoints,
    queries,
    recruitment,
    safety,
)
from services.api.reports.arm_schemas import Endpoints, SafetyByArm
from services.api.reports.schemas import (
    Agreement,
    Completeness,
    Consort,
    Recruitment,
    Report,
)

_ALLOCATION, _CORRECTION, _DEVIATION = (
    SQLModel.metadata.tables[str(model.__tablename__)]
    for model in (Allocation, Correction, Deviation)
)

_LATEST_STRATUM = (
    columns_of(_CORRECTION.c.subject_id, _CORRECTION.c.stratum)
    .where(_CORRECTION.c.kind == CorrectionKind.WRONG_STRATUM.value)
    .ext(distinct_on(_CORRECTION.c.subject_id))
    .order_by(_CORRECTION.c.subject_id, _CORRECTION.c.id.desc())
    .subquery()
)
"""A correction may be mended by a later one, which counts."""

_FIGURES: tuple[Select[Any], ...] = (
    columns_of(_ALLOCATION.c.site, literal("randomized").label("figure"), _ALLOCATION.c.subject_id),
    columns_of(
        _ALLOCATION.c.site, literal(CorrectionKind.WRONG_STRATUM.value), _ALLOCATION.c.subject_id
    ).join(
        _LATEST_STRATUM,
        (_LATEST_STRATUM.c.subject_id == _ALLOCATION.c.subject_id)
        & (_LATEST_STRATUM.c.stratum != _ALLOCATION.c.stratum),
    ),
    columns_of(_CORRECTION.c.site, _CORRECTION.c.kind, _CORRECTION.c.subject_id).where(
        _CORRECTION.c.kind != CorrectionKind.WRONG_STRATUM.value
    ),
    columns_of(
        _CORRECTION.c.site, literal("duplicate_not_retained"), _CORRECTION.c.subject_id
    ).where(_CORRECTION.c.retained.is_(False)),
    columns_of(_DEVIATION.c.site, _DEVIATION.c.code, _DEVIATION.c.subject_id).where(
        _DEVIATION.c.code.in_(
            [DeviationCode.LATE_RANDOMIZATION.value, DeviationCode.STRATUM_CHANGED.value]
        )
    ),
)
"""The subjects behind each figure; an arm is never looked at."""


def randomization(session: Session, caller: Principal) -> Mapping[str, Mapping[str, int]]:
    """For each of the caller's sites, how many subjects each figure counts; without those of 0."""
    subjects = union_all(*_FIGURES).subquery()
    count = func.count(subjects.c.subject_id.distinct())
    query = (
        columns_of(subjects.c.site, subjects.c.figure, count)
        .where(subjects.c.site.in_(caller.sites))
        .group_by(subjects.c.site, subjects.c.figure)
    )
    figures: dict[str, dict[str, int]] = {site: {} for site in sorted(caller.sites)}
    for site, figure, counted in session.connection().execute(query):
        figures[site][figure] = counted
    remember_read(session)
    return figures


# --- reports that are blind to arm, over the caller's own sites ------------------------------


def recruitment_of(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, site: str | None
) -> Recruitment:
    """Inclusions against the target.

    Raises:
        NotFound: the site is not one of the caller's.
    """
    told = recruitment.METHODS, recruitment.NOTES
    with _opened(session, caller, clock, protocol, told, site) as (now, head):
        found = queries.participants(now, clock, protocol, head.sites)
    whole = set(head.sites) == {one.code for one in protocol.sites}
    return recruitment.recruitment(head, list(found), protocol.study, whole=whole)


def consort_of(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, site: str | None
) -> Consort:
    """The flow of subjects, all arms together.

    Raises:
        NotFound: the site is not one of the caller's.
    """
    told = consort.METHODS, consort.NOTES
    with _opened(session, caller, clock, protocol, told, site) as (now, head):
        found = queries.participants(now, clock, protocol, head.sites)
    criteria = {one.id: one.text for one in protocol.eligibility.criteria}
    return consort.consort(head, list(found), criteria)


def completeness_of(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, site: str | None
) -> Completeness:
    """How complete the records are.

    Raises:
        NotFound: the site is not one of the caller's.
    """
    told = completeness.METHODS, completeness.NOTES
    with _opened(session, caller, clock, protocol, told, site) as (now, head):
        counted = chain(
            queries.subjects(now, head.sites),
            queries.visits(now, clock, protocol, head.sites),
            queries.gradings(now, head.sites),
            queries.adjudications(now, head.sites),
            queries.adverse_events(now, head.sites),
            queries.locked(now, head.sites),
        )
        return completeness.completeness(head, counted, queries.query_ages(now, clock, head.sites))


def agreement_of(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol, site: str | None
) -> Agreement:
    """How well independent gradings agree.

    Raises:
        NotFound: the site is not one of the caller's.
    """
    told = agreement.METHODS, agreement.NOTES
    with _opened(session, caller, clock, protocol, told, site) as (now, head):
        pairs = gradings.pairs(now, head.sites)
        assessors = {one for pair in pairs for one in (pair.first_assessor, pair.second_assessor)}
        names = queries.names(now, assessors)
    return agreement.agreement(head, pairs, names, protocol.grading)


# --- reports by arm, over the whole trial ----------------------------------------------------


def endpoints_of(
    session: Session, caller: Principal, clock: Clock, protocol: Protocol
) -> Endpoints:
    """The endpoints by arm."""
    everywhere = _everywhere(caller, protocol)
    told = endpoints.METHODS, endpoints.NOTES
    with _opened(session, everywhere, clock, protocol, told) as (now, head):
        found = queries.participants(now, clock, protocol, head.sites, by_arm=True)
        derived = queries.derived_grades(now, head.sites)
    subjects = list(found)
    return endpoints.endpoints(head, subjects, queries.worst_grades(derived, subjects), protocol)


def safety_of(session: Session, caller: Principal, clock: Clock, protocol: Protocol) -> SafetyByArm:
    """Adverse events by arm."""
    everywhere = _everywhere(caller, protocol)
    told = safety.METHODS, safety.NOTES
    with _opened(session, everywhere, clock, protocol, told) as (now, head):
        found = queries.participants(now, clock, protocol, head.sites, by_arm=True)
        happened = queries.events(now, head.sites, protocol.adverse_events.related)
    return safety.safety(head, list(found), happened, protocol)


def _everywhere(caller: Principal, protocol: Protocol) -> Principal:
    """The caller with every site in hand, for figures that name no subject.

    The data monitoring committee has no site, so that it sees no subject: only what is computed
    here leaves this module. The trail notes the read as the caller's own.
    """
    return replace(caller, sites=tuple(sorted(site.code for site in protocol.sites)))


@contextmanager
def _opened(
    session: Session,
    reader: Principal,
    clock: Clock,
    protocol: Protocol,
    told: tuple[list[str], list[str]],
    site: str | None = None,
) -> Iterator[tuple[Session, Report]]:
    """A report's head, over the reader's sites or the one asked for, and what to read it in.

    That is a transaction beside the request's, which it neither widens nor holds up: it is over
    before the request's own begins, so that a request never holds two connections. `told` are the
    report's methods and notes.

    Raises:
        NotFound: the site is not one of the reader's.
    """
    if site is not None and site not in reader.sites:
        raise NotFound
    sites = sorted(reader.sites) if site is None else [site]
    methods, notes = told
    database: Database = session.info["database"]
    remember_read(session)
    with database.snapshot(reader) as now:
        yield (
            now,
            Report(
                as_of=clock.today(),
                newest_record=queries.newest_record(now, sites),
                protocol_version=protocol.version,
                sites=sites,
                methods=methods,
                notes=notes,
            ),
        )
