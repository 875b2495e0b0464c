"""Stopping rules over HTTP, for the data monitoring committee and the safety officer."""

from typing import Annotated

from fastapi import Depends

from services.api.core.auth import Principal, require
from services.api.core.context import ProtocolDep
from services.api.core.db import SessionDep
from services.api.core.errors import BadCursor, Forbidden, NotFound, Unauthorized, responses
from services.api.core.pagination import PageDep
from services.api.core.permissions import Action
from services.api.core.routing import Router
from services.api.stopping_rules import rules, service
from services.api.stopping_rules.models import StoppingEvaluation
from services.api.stopping_rules.schemas import (
    EvaluationPage,
    EvaluationRead,
    RuleId,
    StoppingRulePage,
    StoppingRuleRead,
)
from services.api.stopping_rules.service import Standing

router = Router(prefix="/v1/safety/stopping-rules", tags=["stopping rules"])

Reader = Annotated[Principal, Depends(require(Action.READ_STOPPING_RULES))]


def _evaluation(row: StoppingEvaluation) -> EvaluationRead:
    return EvaluationRead.model_validate(row.model_dump())


def _read(one: Standing, version: str, upto: int) -> StoppingRuleRead:
    boundary = [
        {
            "from_subjects": step.from_subjects,
            "to_subjects": step.to_subjects,
            "events": step.events,
        }
        for step in rules.steps(one.rule, upto)
    ]
    return StoppingRuleRead.model_validate(
        {
            **one.rule.model_dump(),
            "protocol_version": version,
            "boundary": boundary,
            "current": _evaluation(one.last) if one.last else None,
        }
    )


@router.get("", responses=responses(Unauthorized, Forbidden, BadCursor))
def list_stopping_rules(
    _: Reader, session: SessionDep, protocol: ProtocolDep, asked: PageDep
) -> StoppingRulePage:
    """The protocol's stopping rules, their boundaries, and how each stands.

    They are evaluated after every randomization and every report about an
    adverse event. The service announces a rule that is reached; it stops nothing.
    """
    found, cursor = service.list_rules(session, protocol, asked)
    upto = protocol.randomization.cap
    return StoppingRulePage(
        items=[_read(one, protocol.version, upto) for one in found], next_cursor=cursor
    )


@router.get(
    "/{rule_id}/evaluations", responses=responses(Unauthorized, Forbidden, NotFound, BadCursor)
)
def list_stopping_evaluations(
    rule_id: RuleId, _: Reader, session: SessionDep, protocol: ProtocolDep, asked: PageDep
) -> EvaluationPage:
    """How a rule stood each time that its figures changed, oldest first."""
    rows, cursor = service.list_evaluations(session, protocol, rule_id, asked)
    return EvaluationPage(items=[_evaluation(row) for row in rows], next_cursor=cursor)
