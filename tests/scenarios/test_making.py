"""What the scenarios hold, and that a seed repeats them to the byte."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime

import pytest

from services.api.embedded import Cluster
from services.api.sandbox.scenarios import Scenario
from services.api.scenarios.making import make
from services.api.settings import MissingSetting, Settings
from tests.conftest import Served, cloned, serving
from tests.make import Api, Json, ok
from tests.scenarios.conftest import on
from tests.scenarios.told import told

Player = Callable[[Scenario, int], Api]
SITES = ("NN", "LZ", "YL")


@pytest.fixture
def player(cluster: Cluster, served: Served, settings: Settings) -> Iterator[Player]:
    """Plays a scenario into a database of its own, and gives the API over it."""
    with ExitStack() as stack:

        def play(scenario: Scenario, seed: int) -> Api:
            return stack.enter_context(_played(cluster, served, settings, scenario, seed))

        yield play


@contextmanager
def _played(
    cluster: Cluster, served: Served, settings: Settings, scenario: Scenario, seed: int
) -> Iterator[Api]:
    with cloned(cluster, f"played_{scenario.name.lower()}_{seed}") as name:
        make(on(cluster, settings, name), scenario, seed)
        with serving(cluster, served, name) as api:
            ((stood_at,),) = api.rows("SELECT stood_at FROM sandbox_clock")
            api.state.clock.offset = stood_at - datetime.now(UTC)
            yield api


def statuses(items: list[Json], name: str = "status") -> Counter[str]:
    return Counter(item[name] for item in items)


def listed(api: Api, role: str, path: str, **asked: object) -> list[Json]:
    found: list[Json] = ok(api.as_(role).get(path, params={"limit": 200, **asked}))["items"]
    return found


def test_a_seed_repeats_a_scenario_to_the_byte_and_another_differs(
    cluster: Cluster, served: Served, settings: Settings
) -> None:
    answers = []
    for seed in (1, 1, 2):
        with _played(cluster, served, settings, Scenario.SCREENING, seed) as api:
            answers.append(told(api))
            if seed == 2:
                for site in SITES:
                    has_every_stage_of_screening(api.as_("investigator", site))
    first, again, other = answers
    assert len(first) > 9 * 5
    assert first == again
    assert not {path for path in first if "/v1/subjects/" in path} & other.keys(), "other ids"
    for path in ("/v1/subjects", "/v1/events"):
        assert first[path] != other[path]


def has_every_stage_of_screening(reader: Api) -> None:
    subjects = ok(reader.get("/v1/subjects"))["items"]
    assert statuses(subjects) == {"screening": 5, "screen_failed": 2, "eligible": 2}
    verdicts = Counter(
        ok(reader.get(f"/v1/subjects/{one['id']}/eligibility"))["overall"] for one in subjects
    )
    assert (verdicts["ineligible"], verdicts["eligible"]) == (2, 3)
    assert verdicts["incomplete"] >= 1
    asked = [
        reader.post(f"/v1/subjects/{one['id']}/randomization").status_code
        for one in subjects
        if one["status"] == "eligible"
    ]
    assert sorted(asked) == [201, 409]


def test_closed_out_is_followed_up_decided_settled_and_locked(player: Player) -> None:
    api = player(Scenario.CLOSED_OUT, 1)
    subjects = listed(api, "data_manager", "/v1/subjects")
    assert statuses(subjects).keys() == {"completed", "withdrawn", "screen_failed"}
    found = Counter[str]()
    for subject in subjects:
        path = f"/v1/subjects/{subject['id']}"
        assert ok(api.as_("data_manager").get(f"{path}/lock"))["state"] == "locked"
        if subject["status"] != "screen_failed":
            found[ok(api.as_("statistician").get(f"{path}/endpoint"))["primary"]["status"]] += 1
    assert found.keys() == {"event", "no_event", "not_evaluable"}
    assert statuses(listed(api, "data_manager", "/v1/queries")).keys() <= {"closed"}
    assert statuses(listed(api, "investigator", "/v1/adjudications")).keys() == {"decided"}
    assert ok(api.as_("data_manager").get("/v1/study/lock"))["state"] == "locked"
    assert not {"due", "overdue"} & statuses(listed(api, "data_manager", "/v1/visits")).keys()


def test_no_scenario_is_played_for_production(settings: Settings) -> None:
    with pytest.raises(MissingSetting):
        make(settings.model_copy(update={"sandbox": False}), Scenario.SCREENING, 1)
