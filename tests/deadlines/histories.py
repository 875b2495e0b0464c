"""Histories of cases: what was said and sent, near every moment at which a clock could go wrong."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.api.deadlines.rules import Sent, Statement, SubmissionKind

ZONES = [
    ZoneInfo(name)
    for name in (
        "Asia/Shanghai",
        "UTC",
        "America/New_York",
        "Pacific/Chatham",
        "Africa/Cairo",  # its clocks leave out the first hour of a day in April
    )
]
LOCAL_DAYS = [
    (2028, 2, 28),  # a leap year
    (2028, 2, 29),
    (2026, 12, 31),
    (2026, 3, 1),  # a week before New York's clocks go forward
    (2026, 10, 25),  # a week before they go back
    (2026, 3, 29),  # a week before Chatham's clocks go back
    (2026, 4, 17),  # a week before Cairo's clocks go forward, at midnight
    (2026, 6, 15),
]
SECOND = timedelta(seconds=1)
PAUSES = [SECOND, timedelta(hours=5), timedelta(days=1), timedelta(days=6), timedelta(days=11)]
EVENTS = [UUID(int=n) for n in (1, 2, 3)]


@st.composite
def beginnings(draw: st.DrawFn, zone: ZoneInfo) -> datetime:
    """A moment on, just before or just after a local midnight, or in the middle of a day."""
    midnight = datetime(*draw(st.sampled_from(LOCAL_DAYS)), tzinfo=zone).astimezone(UTC)
    shifts = [-timedelta(microseconds=1), timedelta(0), timedelta(microseconds=1)]
    return midnight + draw(st.sampled_from([*shifts, timedelta(hours=11)]))


@st.composite
def statements(draw: st.DrawFn, zone: ZoneInfo) -> list[Statement]:
    """What was said of a case of up to three occurrences, in up to eight versions."""
    received = draw(beginnings(zone))
    said: list[Statement] = []
    versions: dict[UUID, Statement] = {}
    for event in draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=8)):
        received += draw(st.sampled_from(PAUSES))
        before = versions.get(event)
        learnt = received - draw(st.sampled_from([timedelta(0), SECOND, timedelta(days=2)]))
        aware = learnt if before is None else before.aware_at
        if before is not None and draw(st.booleans()):
            aware += draw(st.sampled_from([-timedelta(days=1), timedelta(hours=7)]))
            aware = min(aware, learnt)
        serious = draw(st.sampled_from([True, True, True, False]))
        versions[event] = Statement(
            event_id=event,
            version=1 if before is None else before.version + 1,
            informed_at=aware if before is None else max(aware, learnt),
            aware_at=aware,
            received_at=received,
            serious=serious,
            fatal_or_life_threatening=serious and draw(st.booleans()),
            suspected=draw(st.sampled_from([True, True, False])),
            expected=draw(st.sampled_from([None, None, False, True])),
            nullified=draw(st.sampled_from([False] * 6 + [True])),
        )
        said.append(versions[event])
    return said


@st.composite
def submissions(draw: st.DrawFn, said: Sequence[Statement], number: int) -> Sent:
    """Something sent of one of the statements, before or long after it was recorded."""
    one = draw(st.sampled_from(said))
    pauses = [-SECOND, SECOND, timedelta(hours=23), timedelta(days=6), timedelta(days=14)]
    return Sent(
        id=UUID(int=100 + number),
        event_id=one.event_id,
        event_version=one.version,
        recipient=draw(st.sampled_from(["sponsor", "regulator", "ethics_committee"])),
        kind=draw(st.sampled_from(SubmissionKind)),
        submitted_at=one.received_at + draw(st.sampled_from(pauses)),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Statement], list[Sent], ZoneInfo]:
    """A case, up to six submissions about it, and where it happened."""
    zone = draw(st.sampled_from(ZONES))
    said = draw(statements(zone))
    count = draw(st.integers(0, 6))
    return said, [draw(submissions(said, number)) for number in range(count)], zone


def earlier(sent: Sequence[Sent], index: int) -> list[Sent]:
    """The same submissions, but one of them made right after the one before it to anybody."""
    one = sent[index]
    before = [x.submitted_at for x in sent if x.submitted_at < one.submitted_at]
    moment = max(before, default=one.submitted_at - timedelta(days=3)) + timedelta(microseconds=1)
    moved = replace(one, submitted_at=min(moment, one.submitted_at))
    return [moved if x is one else x for x in sent]
