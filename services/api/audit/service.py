"""Reading the trail and its checkpoints; nothing is written here but who read them."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, and_, case, cast, func, or_
from sqlalchemy import select as columns_of
from sqlmodel import Session, SQLModel, col, select

from services.api.audit import wording
from services.api.audit.schemas import AuditEventRead, AuditQuery
from services.api.audit.wording import TELLING, Happened, Only, Told
from services.api.core.audit import AuditCheckpoint, Happening, note, remember_read
from services.api.core.auth import Principal
from services.api.core.db import Database
from services.api.core.pagination import PageQuery, page
from services.api.core.permissions import Role

AT_ONCE = 200
"""Events of an export that are read in one transaction."""

_EVENT = SQLModel.metadata.tables["audit_event"]
_SUBJECT = SQLModel.metadata.tables["subject"]
_BEFORE = _EVENT.alias("before")

_VERSION = _EVENT.c.new["version"].as_string()
_VERSION_BEFORE = case(
    (_VERSION.regexp_match("^[1-9][0-9]{0,8}$"), cast(cast(_VERSION, Integer) - 1, String))
)
_PREVIOUS = (
    columns_of(_BEFORE.c.new)
    .where(
        _EVENT.c.operation == "INSERT",
        _BEFORE.c.site == _EVENT.c.site,
        _BEFORE.c.subject_id == _EVENT.c.subject_id,
        _BEFORE.c.id < _EVENT.c.id,
        _BEFORE.c.operation == "INSERT",
        _BEFORE.c.record == _EVENT.c.record,
        _BEFORE.c.record_id == _EVENT.c.record_id,
        # The record of a visit is its subject's: the code tells which one it is.
        _BEFORE.c.new["code"].is_not_distinct_from(_EVENT.c.new["code"]),
        _BEFORE.c.new["version"].as_string() == _VERSION_BEFORE,
    )
    .order_by(_BEFORE.c.id.desc())
    .limit(1)
    .correlate(_EVENT)
    .scalar_subquery()
)
"""The version before one that was added: a correction is a new row, and knows no old one."""

_SHOWN = columns_of(
    _EVENT, _SUBJECT.c.number.label("number"), _PREVIOUS.label("previous")
).select_from(
    _EVENT.outerjoin(
        _SUBJECT,
        and_(_SUBJECT.c.id == _EVENT.c.subject_id, _SUBJECT.c.site == _EVENT.c.site),
    )
)

_ONLY: dict[Only, ColumnElement[bool]] = {
    Only.FIRST: func.coalesce(_VERSION, "1") == "1",
    Only.LATER: func.coalesce(_VERSION, "1") != "1",
    Only.OF_SUBJECT: _EVENT.c.subject_id.is_not(None),
    Only.OF_MANY: _EVENT.c.subject_id.is_(None),
    Only.ENDED: _EVENT.c.new["ended_at"].as_string().is_not(None),
    Only.GOING_ON: _EVENT.c.new["ended_at"].as_string().is_(None),
}


def list_events(
    session: Session, caller: Principal, asked: AuditQuery
) -> tuple[list[AuditEventRead], str | None]:
    """Events that the caller may see, in the order of writing.

    An event whose transaction ended late has its place before others that
    were seen already. A history of one subject is a reading of their record.
    """
    rows, cursor = _page(session, caller, asked)
    if asked.subject is not None and rows:
        remember_read(session, rows[0].site, asked.subject)
    else:
        remember_read(session)
    return [_event(row) for row in rows], cursor


def begin_export(session: Session, caller: Principal, asked: AuditQuery) -> int:
    """Put into the trail that the caller takes a copy of it; answers the last event in the copy."""
    last = session.execute(columns_of(func.max(_EVENT.c.id))).scalar_one()
    filters = asked.model_dump(
        mode="json", exclude_unset=True, exclude={"limit", "cursor", "format"}, by_alias=True
    )
    site, subject = (asked.site if asked.site in caller.sites else None), None
    if asked.subject is not None:
        first = asked.model_copy(update={"limit": 1, "cursor": None})
        if rows := _page(session, caller, first)[0]:
            site, subject = rows[0].site, asked.subject
    note(
        session,
        Happening.EXPORT,
        "audit_event",
        "",
        site=site,
        subject=subject,
        detail=filters,
    )
    return int(last or 0)


def export(
    database: Database, caller: Principal, asked: AuditQuery, last: int
) -> Iterator[list[AuditEventRead]]:
    """Every event that the filters leave up to the last one, page by page.

    Each page is a transaction of its own, so the slowest reader holds none open.
    """
    cursor = asked.cursor
    while True:
        page_of = asked.model_copy(update={"limit": AT_ONCE, "cursor": cursor})
        with database.transaction(caller) as session:
            rows, cursor = _page(session, caller, page_of)
        yield [_event(row) for row in rows if row.id <= last]
        if cursor is None or rows[-1].id >= last:
            return


def _page(
    session: Session, caller: Principal, asked: AuditQuery
) -> tuple[Sequence[Any], str | None]:
    query = _SHOWN
    if caller.role is not Role.AUDITOR:
        query = query.where(_EVENT.c.site.in_(caller.sites))
    for condition in _conditions(asked):
        query = query.where(condition)
    return page(session, query, _EVENT.c.id, asked)


def _conditions(asked: AuditQuery) -> Iterator[ColumnElement[bool]]:
    equal = {
        _EVENT.c.subject_id: asked.subject,
        _EVENT.c.actor: str(asked.actor) if asked.actor else None,
        _EVENT.c.record: asked.record,
        _EVENT.c.site: asked.site,
    }
    yield from (column == value for column, value in equal.items() if value is not None)
    if asked.since is not None:
        yield _EVENT.c.at >= asked.since
    if asked.until is not None:
        yield _EVENT.c.at < asked.until
    if asked.action is not None:
        yield or_(*(_told_as(one) for one in TELLING if one.action is asked.action))


def _told_as(one: Told) -> ColumnElement[bool]:
    """The events that this line of the table tells of."""
    conditions = [_EVENT.c.operation == one.operation]
    if one.record is not None:
        conditions.append(_EVENT.c.record == one.record)
    if one.only is not Only.ALL:
        conditions.append(_ONLY[one.only])
    return and_(*conditions)


def _event(row: Any) -> AuditEventRead:
    happened = Happened(
        operation=row.operation,
        record=row.record,
        site=row.site,
        subject=row.number or (str(row.subject_id) if row.subject_id else None),
        old=row.old,
        new=row.new,
        previous=row.previous,
        actor=row.actor_name or row.actor,
        role=row.role,
        reason=row.reason,
    )
    changed = row.operation in wording.CHANGES
    return AuditEventRead.model_validate(
        {
            **row._mapping,
            "actor": {"id": row.actor, "name": row.actor_name, "role": row.role}
            if row.actor
            else None,
            "subject": {"id": row.subject_id, "number": row.number} if row.subject_id else None,
            "action": wording.action(happened),
            "changes": [
                {"field": one.field, "old": one.old, "new": one.new}
                for one in wording.changes(happened)
            ],
            "detail": None if changed else row.new,
            "summary": wording.summary(happened),
        }
    )


def list_checkpoints(
    session: Session, asked: PageQuery
) -> tuple[Sequence[AuditCheckpoint], str | None]:
    """Checkpoints, oldest first."""
    return page(session, select(AuditCheckpoint), col(AuditCheckpoint.number), asked)
