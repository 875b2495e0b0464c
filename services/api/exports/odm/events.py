"""The study events: the protocol's visits, and one for what is recorded whenever it happens."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from services.api.exports.odm.groups import Group
from services.api.exports.odm.versions import COMMON
from services.api.protocol.schema import Protocol, VisitRule


class Event(NamedTuple):
    """A study event and the forms that may be filled in at it; `type` as ODM has it."""

    code: str
    label: str
    repeats: bool
    type: str
    forms: tuple[str, ...]


def events(protocol: Protocol, groups: Iterable[Group]) -> tuple[Event, ...]:
    """Every study event, the common one first, then the visits as they are scheduled.

    The common one has every form: a visit that an earlier protocol document
    had stands there.
    """
    groups = tuple(groups)
    common = Event(
        COMMON, "Kept throughout the trial", False, "Common", _forms(groups, lambda _: True)
    )
    visits = [
        Event(
            rule.code,
            rule.label,
            rule.repeat_every_days is not None,
            "Scheduled",
            _forms(groups, partial(_at_visit, rule)),
        )
        for rule in protocol.visits.schedule
    ]
    return (common, *visits)


def _at_visit(rule: VisitRule, group: Group) -> bool:
    return group.visits == "all" or (rule.graded and group.visits == "graded")


def _forms(groups: Iterable[Group], stands: Callable[[Group], bool]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(group.form for group in groups if stands(group)))
