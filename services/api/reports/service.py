"""Figures across resources, for those who watch over the trial; nothing is written here."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, func, literal, union_all
from sqlalchemy import select as columns_of
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, SQLModel

from services.api.core.audit import remember_read
from services.api.core.auth import Principal
from services.api.corrections.models import Correction
from services.api.corrections.rules import CorrectionKind
from services.api.deviations.models import Deviation
from services.api.deviations.schemas import DeviationCode
from services.api.randomization.models import Allocation

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
