"""What becomes of each allocation: applied once, told when it is not, never overwritten."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from services.api.connect import trial
from services.api.connect.edc_core import Outcome
from services.api.connect.memory import opened
from services.api.connect.patience import Stopped
from services.api.connect.transfer import Conflict, set_aside
from tests.connect.conftest import ARMS, Adapter, Cohort
from tests.connect.edc_core import EdcCore
from tests.lived import plain
from tests.make import Api


@contextmanager
def kept_back(api: Api, subject_id: str) -> Iterator[psycopg.Connection[Any]]:
    """The event of that subject's randomization, told in a transaction that is still open."""
    with psycopg.connect(plain(api.admin_url)) as late:
        late.execute("SET session_replication_role = replica")
        late.execute(
            "CREATE TEMP TABLE kept AS SELECT * FROM feed_event"
            " WHERE type = 'subject.randomized' AND subject_id = %s",
            (subject_id,),
        )
        late.execute("DELETE FROM feed_event WHERE seq = (SELECT seq FROM kept)")
        late.commit()
        late.execute("INSERT INTO feed_event OVERRIDING SYSTEM VALUE SELECT * FROM kept")
        yield late


def test_every_allocation_arrives_once_as_the_trial_has_it(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    made = [cohort.enrolled(edc) for _ in range(3)]
    told = adapter.once()
    assert [row["payload"] for row in edc.record] == [
        {
            "subjectKey": one["number"],
            "arm": ARMS[one["arm"]],
            "randomizationId": one["randomization_number"],
            "assignedAt": one["randomized_at"],
            "strata": {"site": "NN", "concurrent_chemotherapy": "true"},
            "source": "trial-api",
        }
        for one in made
    ]
    assert [line.split(":")[0] for line in told] == [
        f"{one['number']} ({one['randomization_number']})" for one in made
    ]
    assert not [line for line in told for arm in (*ARMS, *ARMS.values()) if arm in line]
    assert adapter.once() == []
    later = cohort.enrolled(edc)
    adapter.once()
    assert edc.writes == {one["number"]: 1 for one in [*made, later]}
    assert len(edc.record) == 4


def test_a_dry_run_sends_and_keeps_nothing(adapter: Adapter, cohort: Cohort, edc: EdcCore) -> None:
    one = cohort.enrolled(edc)
    before = adapter.memory()
    (told,) = adapter.once(dry=True)
    assert told.startswith(f"{one['number']} ({one['randomization_number']})")
    assert not [arm for arm in (*ARMS, *ARMS.values()) if arm in told]
    assert edc.asked == 0
    assert adapter.memory() == before


def test_one_that_is_not_enrolled_waits_while_the_others_go_on(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    early, other = cohort.randomize(), cohort.enrolled(edc)
    rejected, _ = adapter.once()
    assert "is not enrolled" in rejected
    assert edc.writes == {other["number"]: 1}
    (held,) = adapter.memory().held.values()
    assert (held.number, held.outcome) == (early["number"], Outcome.REJECTED)
    assert adapter.once() == []  # told already
    assert len(edc.record) == 3
    edc.enrolled[early["number"]] = "enrolled"
    (applied,) = adapter.once()
    assert "applied" in applied
    assert edc.writes == {other["number"]: 1, early["number"]: 1}
    assert adapter.memory().held == {}


def test_a_withdrawn_subject_is_rejected_and_reported_with_the_reason(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    edc.enrolled[cohort.randomize()["number"]] = "withdrawn"
    (told,) = adapter.once()
    assert "withdrawn" in told
    assert edc.arms == {}


def test_a_conflict_stops_everything_and_overwrites_nothing(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    wrong, other = cohort.enrolled(edc), cohort.enrolled(edc)
    edc.arms[wrong["number"]] = "Somebody's"
    for attempt in (1, 2):  # starting again is no way round it
        with pytest.raises(Conflict, match=wrong["randomization_number"]):
            adapter.once()
        assert edc.outcomes() == [(wrong["number"], "conflict")] * attempt
    assert edc.arms == {wrong["number"]: "Somebody's"}
    edc.arms[wrong["number"]] = ARMS[wrong["arm"]]  # a person has corrected it there
    adapter.once()
    assert edc.outcomes()[2:] == [(wrong["number"], "duplicate"), (other["number"], "applied")]
    assert adapter.memory().held == {}


def test_what_a_person_sets_aside_is_sent_no_more_until_taken_up_again(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    wrong, other = cohort.enrolled(edc), cohort.enrolled(edc)
    edc.arms[wrong["number"]] = "Somebody's"
    with pytest.raises(Conflict):
        adapter.once()
    settings = adapter.settings
    with opened(settings.state_file, settings.trial, settings.intake) as file:
        with pytest.raises(Stopped, match="NN-C-999"):
            set_aside(file, "NN-C-999", aside=True)
        set_aside(file, wrong["randomization_number"], aside=True)
    adapter.once()
    assert edc.outcomes() == [(wrong["number"], "conflict"), (other["number"], "applied")]
    with opened(settings.state_file, settings.trial, settings.intake) as file:
        set_aside(file, wrong["randomization_number"], aside=False)
    with pytest.raises(Conflict):
        adapter.once()
    assert edc.arms[wrong["number"]] == "Somebody's"


def test_an_event_that_is_committed_late_is_not_passed_over(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    """Its number is the smaller one, but it is published after the one that was read."""
    late_one = cohort.enrolled(edc)
    with kept_back(cohort.api, late_one["subject_id"]) as late:
        early = cohort.enrolled(edc)
        adapter.once()
        assert edc.writes == {early["number"]: 1}
        late.commit()
    adapter.once()
    assert edc.writes == {early["number"]: 1, late_one["number"]: 1}


def test_a_rejected_one_is_not_sent_again_with_every_reading(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    made = cohort.randomize()
    ended = Event()
    with adapter.ready(ended) as transfer:
        working = Thread(target=transfer.run, args=(0.01,))
        working.start()
        while not edc.record:
            time.sleep(0.01)
        time.sleep(0.3)
        ended.set()
        working.join()
    assert edc.outcomes() == [(made["number"], "rejected")]


def test_every_arm_needs_a_name_of_its_own(adapter: Adapter, edc: EdcCore) -> None:
    for arms in ({"experimental": "A"}, ARMS | {"third": "C"}, dict.fromkeys(ARMS, "A")):
        adapter.settings = adapter.settings.model_copy(update={"arms": arms})
        with pytest.raises(Stopped, match="TRIAL_EDC_CORE_ARMS"):
            adapter.once()
    assert edc.asked == 0


def test_a_page_of_the_feed_is_followed_by_the_next(
    adapter: Adapter, cohort: Cohort, edc: EdcCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PAGE", 1)
    made = [cohort.enrolled(edc) for _ in range(3)]
    adapter.once()
    assert list(edc.writes) == [one["number"] for one in made]


def test_an_answer_that_was_lost_is_asked_for_again_and_writes_nothing_more(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    one = cohort.enrolled(edc)
    edc.before_answering = lambda outcome: outcome != "applied"
    adapter.once()
    assert edc.outcomes() == [(one["number"], "applied"), (one["number"], "duplicate")]
    assert edc.writes == {one["number"]: 1}


def test_one_run_gives_up_and_the_next_begins_where_it_was(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    one = cohort.enrolled(edc)
    before = adapter.memory()
    edc.instead.extend([(500, {}, b"")] * 5)
    with pytest.raises(Stopped, match="given up after 5 attempts"):
        adapter.once()
    assert adapter.memory() == before
    adapter.once()
    assert edc.outcomes() == [(one["number"], "applied")]


def test_what_only_a_person_can_mend_moves_nothing_on(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    one = cohort.enrolled(edc)
    before = adapter.memory()
    edc.instead.append((200, {"Content-Type": "text/html"}, b"<html>Please sign in</html>"))
    with pytest.raises(Stopped, match="who answered there"):
        adapter.once()
    assert adapter.memory() == before
    adapter.once()
    assert edc.outcomes() == [(one["number"], "applied")]
