"""What becomes of each allocation: applied once, told when it is not, never overwritten."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from services.api.connect import trial
from services.api.connect.edc_core import Outcome
from services.api.connect.memory import opened
from services.api.connect.patience import Stopped
from services.api.connect.transfer import Conflict, set_aside
from services.api.connect.trial import Trial
from tests.connect.conftest import ARMS, Adapter, Cohort
from tests.connect.edc_core import EdcCore
from tests.lived import plain
from tests.make import Api, Json, created, ok

SECRET = "only-for-a-client-of-these-tests"


@dataclass(frozen=True)
class Client:
    """A machine client of its own, which an admin gives sites and takes them away from."""

    admin: Api
    adapter: Adapter
    id: str
    name: str

    def see(self, *sites: str) -> None:
        """Let the client see those sites, and no others."""
        here = f"/v1/clients/{self.id}"
        body = {"sites": [*sites], "reason": "Moved"}
        ok(self.admin.patch(here, body, version=ok(self.admin.get(here))["version"]))
        self.sign_in()

    def sign_in(self) -> None:
        """Read with a token of now; the one before lives for another second."""
        self.adapter.reader = Trial(self.admin.client, "", self.name, SECRET)


@pytest.fixture
def client(adapter: Adapter, cohort: Cohort) -> Client:
    """The client with which the adapter reads, at Nanning."""
    admin, name = cohort.api.as_("admin"), f"edc-{uuid4().hex[:8]}"
    body = {"client_id": name, "name": "EDC", "sites": ["NN"], "secret": SECRET}
    made = created(admin.post("/v1/clients", body))
    client = Client(admin, adapter, made["id"], name)
    client.sign_in()
    return client


def stopped_by(adapter: Adapter, edc: EdcCore, one: Json) -> None:
    """A conflict about that subject, whom a person then sets aside."""
    edc.arms[one["number"]] = "Somebody's"
    with pytest.raises(Conflict):
        adapter.once()
    settings = adapter.settings
    with opened(settings.state_file, settings.trial, settings.intake) as file:
        set_aside(file, one["randomization_number"], aside=True)


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
    stopped_by(adapter, edc, wrong)
    settings = adapter.settings
    with (
        opened(settings.state_file, settings.trial, settings.intake) as file,
        pytest.raises(Stopped, match="NN-C-999"),
    ):
        set_aside(file, "NN-C-999", aside=True)
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


def test_subjects_of_a_site_that_the_client_gets_later_are_sent(
    adapter: Adapter, client: Client, cohort: Cohort, edc: EdcCore
) -> None:
    """They were randomized before the place that is kept, where the client did not hear of it."""
    there, here = cohort.enrolled(edc, "LZ"), cohort.enrolled(edc)
    adapter.once()
    assert edc.writes == {here["number"]: 1}
    client.see("LZ", "NN")
    would = adapter.once(dry=True)
    assert any(there["number"] in line for line in would)
    assert adapter.memory().sites == {"NN"}
    told = adapter.once()
    assert "LZ" in told[0]
    assert edc.writes == {there["number"]: 1, here["number"]: 1}
    assert adapter.memory().sites == {"LZ", "NN"}
    asked = edc.asked
    client.see("NN")
    adapter.once()
    assert adapter.memory().sites == {"NN"}
    again = cohort.enrolled(edc, "LZ")
    client.see("LZ", "NN")
    adapter.once()
    assert edc.writes[again["number"]] == 1
    assert edc.asked > asked


def test_following_from_the_beginning_leaves_aside_what_a_person_set_aside(
    adapter: Adapter, client: Client, cohort: Cohort, edc: EdcCore
) -> None:
    there, wrong = cohort.enrolled(edc, "LZ"), cohort.enrolled(edc)
    stopped_by(adapter, edc, wrong)
    client.see("LZ", "NN")
    adapter.once()
    assert edc.writes == {there["number"]: 1}
    assert edc.outcomes().count((wrong["number"], "conflict")) == 1
    (kept,) = [one for one in adapter.memory().held.values() if one.set_aside]
    assert kept.number == wrong["number"]


def test_a_held_subject_of_a_site_that_is_taken_away_holds_up_nobody(
    adapter: Adapter, client: Client, cohort: Cohort, edc: EdcCore
) -> None:
    client.see("LZ", "NN")
    gone = cohort.randomize("LZ")
    adapter.once()
    client.see("NN")
    other = cohort.enrolled(edc)
    lost = [line for line in adapter.once() if gone["number"] in line]
    assert [f"--set-aside {gone['randomization_number']}" in line for line in lost] == [True]
    assert edc.writes == {other["number"]: 1}
    assert gone["number"] in {one.number for one in adapter.memory().held.values()}
    assert adapter.once() == []  # told already
    edc.enrolled[gone["number"]] = "enrolled"
    client.see("LZ", "NN")
    adapter.once()
    assert edc.writes == {other["number"]: 1, gone["number"]: 1}


@pytest.mark.parametrize("empty", [False, True], ids=["events before", "none at all"])
def test_a_place_that_the_feed_no_longer_has_is_the_beginning(
    adapter: Adapter, client: Client, cohort: Cohort, edc: EdcCore, *, empty: bool
) -> None:
    """The last event was of a site that the client has lost."""
    seen, lost = ("YL", "LZ") if empty else ("NN", "LZ")
    client.see(seen, lost)
    if not empty:
        cohort.enrolled(edc)
    cohort.enrolled(edc, lost)
    adapter.once()
    client.see(seen)
    assert len([line for line in adapter.once() if "followed from its beginning" in line]) == 1
    assert not [line for line in adapter.once() if "beginning" in line]
    assert set(edc.writes.values()) == {1}
    if not empty:
        later = cohort.enrolled(edc)
        adapter.once()
        assert edc.writes[later["number"]] == 1


def test_who_is_asked_to_end_ends_between_two_requests(
    adapter: Adapter, cohort: Cohort, edc: EdcCore
) -> None:
    made = [cohort.enrolled(edc) for _ in range(3)]
    ended = Event()

    def end(_: str) -> bool:
        ended.set()
        return True

    edc.before_answering = end
    with adapter.ready(ended) as transfer:
        transfer.run(None)
    assert "Ended" in adapter.told[-1]
    assert edc.outcomes() == [(made[0]["number"], "applied")]
    edc.before_answering = lambda _: True
    adapter.once()
    assert edc.outcomes() == [(one["number"], "applied") for one in made]


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
