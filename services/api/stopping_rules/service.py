"""Evaluations of the stopping rules: the only user of their table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlmodel import Session, col, select

from services.api.adverse_events.models import AdverseEvent
from services.api.core.audit import remember_read
from services.api.core.auth import Worker
from services.api.core.clock import Clock
from services.api.core.errors import NotFound
from services.api.core.events import EventType, announce
from services.api.core.pagination import PageQuery, page, part
from services.api.core.permissions import Role
from services.api.core.records import last_of_each
from services.api.protocol.safety import StoppingRule
from services.api.protocol.schema import Protocol
from services.api.randomization.models import Allocation
from services.api.stopping_rules import rules
from services.api.stopping_rules.models import StoppingEvaluation

TOLD = (Role.DMC, Role.SAFETY_OFFICER)
"""Who hears that a rule is reached."""
FIGURES = ("subjects", "events", "probability", "boundary", "reached")

# One evaluation after another, or two would announce the same crossing.
_ALONE = "SELECT pg_advisory_xact_lock(hashtext('stopping_evaluation'), 0)"


@dataclass(frozen=True)
class Standing:
    """A rule of the protocol, and its last evaluation."""

    rule: StoppingRule
    last: StoppingEvaluation | None


# --- evaluating --------------------------------------------------------------------------


def evaluate(
    session: Session, worker: Worker, clock: Clock, protocol: Protocol, cause: UUID
) -> None:
    """Look at every stopping rule after the feed's event `cause`, as the records say now.

    What changed is stored; whoever evaluates twice stores it once. A rule that
    was not reached before and is now is announced; nothing is stopped.
    """
    declared = protocol.adverse_events.stopping_rules
    if not declared:
        return
    session.connection().exec_driver_sql(_ALONE)
    events = _events(session, worker)
    for rule in declared:
        allocated = _randomized_on(session, worker, clock, rule.arm)
        related = protocol.adverse_events.related
        counted = rules.counted(rule, allocated, events, related)
        verdict = rules.judge(rule, len(allocated), len(counted))
        row = StoppingEvaluation(
            rule=rule.id,
            evaluated_at=clock.now(),
            cause=cause,
            subjects=verdict.subjects,
            events=verdict.events,
            probability=float(verdict.probability),
            boundary=verdict.boundary,
            reached=verdict.reached,
            protocol_version=protocol.version,
            recorded_by=worker.id,
        )
        before = _last(session, rule.id)
        if before is not None and all(
            getattr(before, name) == getattr(row, name) for name in FIGURES
        ):
            continue
        session.add(row)
        session.flush()
        if row.reached and not (before and before.reached):
            announce(session, EventType.STOPPING_RULE_REACHED, rule.id, audience=TOLD)


def _randomized_on(session: Session, worker: Worker, clock: Clock, arm: str) -> dict[UUID, date]:
    """Whoever was allocated to the arm at the worker's sites, and on which local day."""
    query = select(Allocation.subject_id, Allocation.randomized_at).where(
        col(Allocation.site).in_(worker.sites), Allocation.arm == arm
    )
    return {subject: clock.local_date(moment) for subject, moment in session.exec(query)}


def _events(session: Session, worker: Worker) -> list[rules.Event]:
    """Every adverse event at the worker's sites as it is known now; nullified ones are none."""
    query = last_of_each(
        select(AdverseEvent).where(col(AdverseEvent.site).in_(worker.sites)), AdverseEvent, "id"
    )
    return [
        rules.Event(
            row.subject_id,
            row.grade,
            row.onset_on,
            (row.causality_study_drug, row.sponsor_causality),
        )
        for row in session.exec(query)
        if not row.nullified
    ]


def _last(session: Session, rule_id: str) -> StoppingEvaluation | None:
    query = select(StoppingEvaluation).where(StoppingEvaluation.rule == rule_id)
    return session.exec(query.order_by(col(StoppingEvaluation.id).desc()).limit(1)).first()


# --- reading -----------------------------------------------------------------------------


def list_rules(
    session: Session, protocol: Protocol, asked: PageQuery
) -> tuple[Sequence[Standing], str | None]:
    """The protocol's rules in its order, each with how it stands."""
    declared, cursor = part(protocol.adverse_events.stopping_rules, lambda rule: rule.id, asked)
    remember_read(session)
    return [Standing(rule, _last(session, rule.id)) for rule in declared], cursor


def list_evaluations(
    session: Session, protocol: Protocol, rule_id: str, asked: PageQuery
) -> tuple[Sequence[StoppingEvaluation], str | None]:
    """One rule's evaluations, oldest first.

    Raises:
        NotFound: the protocol has no such rule.
    """
    if all(rule.id != rule_id for rule in protocol.adverse_events.stopping_rules):
        raise NotFound
    query = select(StoppingEvaluation).where(StoppingEvaluation.rule == rule_id)
    remember_read(session)
    rows, cursor = page(session, query, StoppingEvaluation.id, asked)
    return rows, cursor
