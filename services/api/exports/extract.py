"""What every format is written from: the trial at one moment, subject by subject.

One transaction that only reads sees one moment of the database throughout.
Subjects come in batches in the order of their numbers, so memory stays flat
however many there are. What may not leave the trial in any format is never
read here: see `Source.without`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, Uuid, any_, func, literal, tuple_, union_all
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel

from services.api.adjudications.models import Adjudication
from services.api.adverse_events.models import AdverseEvent, AdverseEventSignature
from services.api.certificates.models import Certificate
from services.api.certificates.rules import Validities
from services.api.certificates.service import validities
from services.api.core.auth import Principal
from services.api.core.clock import Clock
from services.api.core.db import Database
from services.api.core.events import FeedEvent
from services.api.corrections.models import Correction
from services.api.deadlines.models import SafetyDeadline, SafetySubmission
from services.api.deviations.models import Deviation
from services.api.discontinuations.models import Discontinuation
from services.api.discontinuations.rules import why_left
from services.api.eligibility.models import EligibilityEvaluation, EligibilitySignature
from services.api.endpoint import service as endpoint
from services.api.endpoint.rules import Outcome
from services.api.enrolment.models import Consent, ConsentWithdrawal, Subject
from services.api.exposures.models import Exposure
from services.api.gradings.models import Grading, GradingSignature
from services.api.identity.models import Account
from services.api.locks.models import SubjectLock
from services.api.protocol.load import Loaded
from services.api.protocol.schema import Protocol
from services.api.queries.models import DataQuery, QueryStep
from services.api.radiotherapy.models import Radiotherapy
from services.api.randomization.models import Allocation, Stratum
from services.api.study.models import Site, SiteActivation
from services.api.verifications.models import Verification
from services.api.visits.models import Visit

AT_ONCE = 50
"""Subjects whose rows are in memory together; one of many visits has some hundred rows."""

Rows = tuple[Row[Any], ...]


def _table(model: type[SQLModel]) -> Any:
    return SQLModel.metadata.tables[str(model.__tablename__)]


@dataclass(frozen=True, slots=True)
class Source:
    """A table about subjects, read as its columns stand.

    `key` names a record within its subject; the rows come in its order, the
    versions of one record in theirs. `order` is what they come in the order of
    before that; it is the same in every version. Of a record only versioned
    tables hold several rows. `link` is, where the table is found by the record
    it is about and not by the subject, that column and the part it leads to.
    `without` are the columns that leave the trial in no format: what people
    wrote freely and at length about a person, and what people are called.
    """

    model: type[SQLModel]
    key: tuple[str, ...]
    link: tuple[str, str] | None = None
    without: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the table, and the record in the trail, is called."""
        return str(self.model.__tablename__)

    @property
    def versioned(self) -> bool:
        """Whether a correction is the next version of a record."""
        return "version" in _table(self.model).primary_key.columns and self.link is None

    @property
    def columns(self) -> list[Any]:
        """The columns that may leave."""
        return [one for one in _table(self.model).c if one.name not in self.without]


_SIGNER = frozenset({"signed_by"})


class Part(Enum):
    """What there is of a subject beside the subject: one table each."""

    CONSENTS = Source(Consent, ("id",))
    WITHDRAWALS = Source(ConsentWithdrawal, ("consent_id",))
    EVALUATIONS = Source(EligibilityEvaluation, ("subject_id",))
    EVALUATION_SIGNATURES = Source(EligibilitySignature, ("id",), without=_SIGNER)
    RADIOTHERAPY = Source(Radiotherapy, ("subject_id",))
    ALLOCATIONS = Source(Allocation, ("id",))
    CORRECTIONS = Source(Correction, ("id",))
    VISITS = Source(Visit, ("code",))
    GRADINGS = Source(Grading, ("id",))
    GRADING_SIGNATURES = Source(
        GradingSignature, ("grading_id", "version"), ("grading_id", "GRADINGS"), _SIGNER
    )
    VERIFICATIONS = Source(
        Verification,
        ("grading_id", "version"),
        ("grading_id", "GRADINGS"),
        frozenset({"name", "note"}),
    )
    ADJUDICATIONS = Source(Adjudication, ("id",))
    EXPOSURES = Source(Exposure, ("id",), order=("day",))
    DISCONTINUATIONS = Source(Discontinuation, ("subject_id",))
    DEVIATIONS = Source(Deviation, ("id",))
    ADVERSE_EVENTS = Source(AdverseEvent, ("id",), without=frozenset({"narrative"}))
    ADVERSE_EVENT_SIGNATURES = Source(
        AdverseEventSignature,
        ("adverse_event_id", "version"),
        ("adverse_event_id", "ADVERSE_EVENTS"),
        _SIGNER,
    )
    SUBMISSIONS = Source(SafetySubmission, ("id",))
    DEADLINES = Source(SafetyDeadline, ("id",))
    QUERIES = Source(DataQuery, ("id",))
    QUERY_STEPS = Source(
        QueryStep, ("id", "version"), ("id", "QUERIES"), frozenset({"text", "name"})
    )
    LOCKS = Source(SubjectLock, ("subject_id",), without=frozenset({"name"}))

    @property
    def source(self) -> Source:
        """Where it is read."""
        return self.value

    @property
    def needs(self) -> "Part | None":
        """The part by whose records its rows are found."""
        link = self.source.link
        return None if link is None else Part[link[1]]


EVERYTHING = tuple(Part)
OF_OUTCOME = (Part.RADIOTHERAPY, Part.GRADINGS, Part.ADJUDICATIONS)
"""What an outcome is derived from."""


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """A subject and the parts of their record that were asked for.

    A row has the table's columns as its attributes, in the database's own
    types: see the model that `Part` names.
    """

    subject: Row[Any]
    _parts: Mapping[Part, Rows] = field(repr=False)

    def all(self, part: Part) -> Rows:
        """Every row, so every version of every record, in the order of their keys and versions.

        Raises:
            KeyError: the part was not asked for.
        """
        return self._parts[part]

    def current(self, part: Part) -> Rows:
        """The last version of every record."""
        rows, key = self._parts[part], part.source.key
        if not part.source.versioned:
            return rows
        last = {tuple(getattr(row, name) for name in key): row for row in rows}
        return tuple(last.values())

    def one(self, part: Part) -> Row[Any] | None:
        """The last version of the record of which a subject has one, such as radiotherapy."""
        rows = self._parts[part]
        return rows[-1] if rows else None

    def why_left(self) -> str | None:
        """Why the subject first left the study: see `discontinuations.rules.why_left`.

        Raises:
            KeyError: discontinuations or withdrawals were not asked for.
        """
        ended = self.one(Part.DISCONTINUATIONS)
        withdrawn = (one.withdrawn_on for one in self.all(Part.WITHDRAWALS))
        return why_left(
            self.subject.status,
            self.subject.left_on,
            self.subject.died_on,
            recorded=ended and ended.study_cause,
            withdrawn_on=min(withdrawn, default=None),
        )


@dataclass(frozen=True, slots=True)
class User:
    """An account without what it is called: its role and sites at this moment."""

    id: UUID
    role: str
    sites: tuple[str, ...]
    machine: bool


@dataclass(frozen=True)
class Options:
    """What was asked for; `by_arm` is whether the caller may compare arms."""

    version: str | None = None
    dataset: str | None = None
    by_arm: bool = False


@dataclass(frozen=True)
class Extract:
    """The trial at one moment; `today` is the clinical day by which outcomes are derived.

    `changed_at` is when the newest record of the trial was made, None of one
    without any; `position` how far the feed of events told of them.
    """

    session: Session
    caller: Principal
    clock: Clock
    loaded: Loaded
    today: date
    count: int
    changed_at: datetime | None
    position: int

    @property
    def protocol(self) -> Protocol:
        """The protocol that the service runs."""
        return self.loaded.protocol

    def subjects(self, parts: Collection[Part] = EVERYTHING) -> Iterator[SubjectRecord]:
        """Every subject in the order of their numbers, with these parts of their records."""
        after: tuple[str, str] | None = None
        while batch := self._batch(after):
            yield from self._records(batch, parts)
            after = batch[-1].site, batch[-1].number

    def outcome(self, record: SubjectRecord) -> Outcome:
        """The subject's outcome as of `today`; the record holds the parts `OF_OUTCOME`."""
        return endpoint.derive(
            self.protocol,
            self.today,
            record.one(Part.RADIOTHERAPY),
            record.current(Part.GRADINGS),
            record.current(Part.ADJUDICATIONS),
            record.subject.left_on,
        )

    @cached_property
    def sites(self) -> Rows:
        """The trial's sites by code: `code`, `name`, `city`."""
        table = _table(Site)
        query = columns_of(table.c.code, table.c.name, table.c.city).order_by(table.c.code)
        return tuple(self.session.connection().execute(query))

    @cached_property
    def activations(self) -> Rows:
        """Every ethics approval of a protocol and consent version at a site."""
        table = _table(SiteActivation)
        query = columns_of(table).order_by(table.c.site, table.c.approved_on, table.c.id)
        return tuple(self.session.connection().execute(query))

    @cached_property
    def strata(self) -> Mapping[str, Mapping[str, Any]]:
        """The values of the stratification factors in each stratum, by its code."""
        table = _table(Stratum)
        query = columns_of(table.c.code, table.c.levels).order_by(table.c.code)
        return {row.code: row.levels for row in self.session.connection().execute(query)}

    @cached_property
    def users(self) -> Mapping[UUID, User]:
        """Every account by its id: whom `recorded_by`, `assessor` and signatures name."""
        columns = [_table(Account).c[name] for name in ("id", "role", "sites", "kind")]
        query = columns_of(*columns).order_by(columns[0])
        return {
            row.id: User(row.id, row.role, tuple(row.sites), row.kind == "client")
            for row in self.session.connection().execute(query)
        }

    @cached_property
    def certificates(self) -> Validities:
        """The days for which each account is certified to grade, as recorded now."""
        return validities(self.session, self.users)

    def _batch(self, after: tuple[str, str] | None) -> Rows:
        table = _table(Subject)
        query = columns_of(table).where(table.c.site.in_(self.caller.sites))
        if after is not None:
            query = query.where(tuple_(table.c.site, table.c.number) > after)
        query = query.order_by(table.c.site, table.c.number).limit(AT_ONCE)
        return tuple(self.session.connection().execute(query))

    def _records(self, batch: Rows, parts: Collection[Part]) -> Iterator[SubjectRecord]:
        wanted = {*parts, *(part.needs for part in parts if part.needs is not None)}
        read: dict[Part, dict[UUID, list[Row[Any]]]] = {}
        # In the order of their definition, in which a part comes after the one it needs.
        for part in (one for one in Part if one in wanted):
            above = read[part.needs] if part.needs is not None else None
            read[part] = self._grouped(part.source, batch, above)
        for subject in batch:
            yield SubjectRecord(
                subject, {part: tuple(rows.get(subject.id, ())) for part, rows in read.items()}
            )

    def _grouped(
        self, source: Source, batch: Rows, above: Mapping[UUID, Sequence[Row[Any]]] | None
    ) -> dict[UUID, list[Row[Any]]]:
        rows = self.session.connection().execute(_of_batch(source, batch, above))
        grouped: dict[UUID, list[Row[Any]]] = {}
        for row in rows:
            grouped.setdefault(row.subject_id, []).append(row)
        return grouped


def _of_batch(
    source: Source, batch: Rows, above: Mapping[UUID, Sequence[Row[Any]]] | None
) -> Select[Any]:
    """A batch's rows, found by an index: that of the subject, or of the record they are about."""
    table = _table(source.model)
    query = columns_of(*source.columns)
    if source.link is None or above is None:
        sites = sorted({subject.site for subject in batch})
        ids = [subject.id for subject in batch]
        query = query.where(table.c.site.in_(sites), table.c.subject_id == _any(ids))
    else:
        found = list(dict.fromkeys(row.id for rows in above.values() for row in rows))
        query = query.where(table.c[source.link[0]] == _any(found))
    order = [table.c[name] for name in (*source.order, *source.key)]
    return query.order_by(*order, *([table.c.version] if source.versioned else []))


def _any(ids: list[UUID]) -> Any:
    """One parameter, however many they are."""
    return any_(literal(ids, ARRAY(Uuid)))


@contextmanager
def opened(
    database: Database, caller: Principal, clock: Clock, loaded: Loaded
) -> Iterator[Extract]:
    """The trial at this moment, for as long as it is read."""
    with database.long_snapshot(caller) as session:
        count, changed_at = _extent(session, caller)
        position = columns_of(func.max(_table(FeedEvent).c.position))
        yield Extract(
            session=session,
            caller=caller,
            clock=clock,
            loaded=loaded,
            today=clock.today(),
            count=count,
            changed_at=changed_at,
            position=session.connection().execute(position).scalar() or 0,
        )


def _extent(session: Session, caller: Principal) -> tuple[int, datetime | None]:
    """How many subjects there are, and when the newest record was made.

    That is one about any subject, or of what is read of the whole trial beside them.
    """
    tables = [_table(Subject), *(_table(part.source.model) for part in Part)]
    each = union_all(
        *(
            columns_of(func.max(table.c.recorded_at).label("at")).where(
                table.c.site.in_(caller.sites)
            )
            for table in tables
        ),
        *(
            columns_of(func.max(table.c.recorded_at))
            for table in (_table(Certificate), _table(SiteActivation))
        ),
    ).subquery()
    subject = _table(Subject)
    count = columns_of(func.count()).where(subject.c.site.in_(caller.sites)).select_from(subject)
    query = columns_of(count.scalar_subquery(), columns_of(func.max(each.c.at)).scalar_subquery())
    found, changed_at = session.connection().execute(query).one()
    return found, changed_at


Writer = Callable[[Extract, Options], Iterator[bytes]]
"""A format: the same trial, day and options give the same bytes. It writes as it reads."""
