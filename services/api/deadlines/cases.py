"""What a case of an adverse event has been, statement by statement. Pure decisions.

A case is what was said of it: each version of each of its occurrences, in the
order of recording. Of every occurrence the last version counts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from services.api.protocol.safety import AdverseEvents, SafetyClock


class LapseCause(StrEnum):
    """Why a deadline is not to be kept any more."""

    NULLIFIED = "nullified"
    NOT_SERIOUS = "not_serious"
    NOT_SUSPECTED = "not_suspected"
    EXPECTED = "expected"
    NOT_FATAL = "not_fatal_or_life_threatening"
    UPGRADED = "upgraded"


@dataclass(frozen=True)
class Statement:
    """What one version of one occurrence of the case said; all times are UTC.

    `informed_at` is when the site learnt of it, `aware_at` when it learnt of
    the occurrence as this version tells it, `received_at` when it was recorded.
    `suspected`: somebody holds that the study drug may have caused it.
    `expected` is the sponsor's assessment, None until there is one.
    """

    event_id: UUID
    version: int
    informed_at: datetime
    aware_at: datetime
    received_at: datetime
    serious: bool
    fatal_or_life_threatening: bool
    suspected: bool
    expected: bool | None
    nullified: bool


class Call(StrEnum):
    """What a statement calls for; a fatal or life-threatening SUSAR is a SUSAR too."""

    SERIOUS = "serious"
    SUSAR = "susar"
    FATAL = "susar_fatal_or_life_threatening"


@dataclass(frozen=True)
class Run:
    """The statements for which a clock runs: from `begins`, until before `ends` if it ended.

    `known` and `known_until` are those for which what the clock is about was
    known: a reaction is known before it ceases to be a fatal one.
    """

    begins: int
    ends: int | None
    known: int
    known_until: int | None


class Case:
    """The statements in their order, and what each made of the case."""

    def __init__(self, statements: Sequence[Statement], section: AdverseEvents) -> None:
        self.statements = statements
        self.section = section
        self.index = {(one.event_id, one.version): i for i, one in enumerate(statements)}
        self.current: list[dict[UUID, Statement]] = []
        for one in statements:
            before = self.current[-1] if self.current else {}
            self.current.append({**before, one.event_id: one})

    def calls(self, one: Statement) -> set[Call]:
        """What an occurrence calls for while that is what is said of it."""
        if one.nullified or not one.serious:
            return set()
        if not one.suspected or self.is_expected(one):
            return {Call.SERIOUS}
        fatal = {Call.FATAL} if one.fatal_or_life_threatening else set()
        return {Call.SERIOUS, Call.SUSAR} | fatal

    def is_expected(self, one: Statement) -> bool:
        """Whether the reaction counts as expected."""
        return self.section.expects(one.expected)

    def called_for(self, clock: SafetyClock, event_id: UUID, version: int) -> bool:
        """Whether that version of the occurrence calls for what the clock is about."""
        return _subject(clock) in self.calls(self.statements[self.index[event_id, version]])

    def supporting(self, call: Call, index: int) -> list[Statement]:
        """The occurrences that call for it once the statement of that number is made."""
        return [one for one in self.current[index].values() if call in self.calls(one)]

    def runs(self, clock: SafetyClock) -> Iterator[Run]:
        """Each time that the clock was called for."""
        every = range(len(self.statements))
        subject = _subject(clock)
        known = [bool(self.supporting(subject, i)) for i in every]
        wanted = known
        if clock.applies_to == "susar_other":
            wanted = [known[i] and not self.supporting(Call.FATAL, i) for i in every]
        for begins, ends in _stretches(wanted):
            [span] = [
                (first, until)
                for first, until in _stretches(known)
                if first <= begins and (until is None or begins < until)
            ]
            yield Run(begins, ends, *span)

    def day_zero(self, run: Run) -> datetime:
        """When the site learnt of it, as any version of the occurrence says while it is known.

        Of a first report that is the awareness. A correction moves it earlier, never later:
        what a later version adds was learnt later.
        """
        first = self.statements[run.known]
        since = self.statements[run.known : run.known_until]
        same = [one for one in since if one.event_id == first.event_id]
        return min(one.aware_at if first.version == 1 else one.informed_at for one in same)

    def provisional(self, clock: SafetyClock, run: Run) -> bool:
        """Whether it hangs on nobody having judged yet if the reaction was expected."""
        call = _subject(clock)
        last = (len(self.statements) if run.ends is None else run.ends) - 1
        return call is not Call.SERIOUS and all(
            one.expected is None for one in self.supporting(call, last)
        )

    def because(self, clock: SafetyClock, ends: int) -> LapseCause:
        """What of the statement that ended a run ended it."""
        one = self.statements[ends]
        if one.nullified:
            return LapseCause.NULLIFIED
        if not one.serious:
            return LapseCause.NOT_SERIOUS
        if not one.suspected:
            return LapseCause.NOT_SUSPECTED
        if self.is_expected(one):
            return LapseCause.EXPECTED
        return LapseCause.UPGRADED if clock.applies_to == "susar_other" else LapseCause.NOT_FATAL


def _subject(clock: SafetyClock) -> Call:
    """What the clock is about; that of the other reactions, about reactions of any kind."""
    return Call.SUSAR if clock.applies_to == "susar_other" else Call(clock.applies_to)


def _stretches(flags: Sequence[bool]) -> Iterator[tuple[int, int | None]]:
    """Where the flags are up: each beginning, and the end after it if there is one."""
    edges = [i for i, (was, now) in enumerate(pairwise([False, *flags])) if was != now]
    for number in range(0, len(edges), 2):
        yield edges[number], edges[number + 1] if number + 1 < len(edges) else None
