"""A trial with subjects to randomize, a double of edc-core, and the adapter between them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from uuid import UUID

import httpx
import pytest
from pydantic import HttpUrl

from services.api.connect import patience
from services.api.connect.edc_core import Intake
from services.api.connect.memory import Memory, opened
from services.api.connect.patience import Patience
from services.api.connect.settings import EdcCoreSettings
from services.api.connect.transfer import Transfer
from services.api.connect.trial import Trial
from services.api.embedded import Cluster
from services.api.sandbox.service import PASSWORD
from tests.conftest import Served, cloned, serving
from tests.connect.edc_core import KEY, STUDY, EdcCore
from tests.eligible import make_eligible
from tests.make import Api, Json, created, ok

ARMS = {"experimental": "Spray", "control": "Care"}
"""The names of the arms in edc-core."""
READY = 40
"""More subjects than the tests of a module randomize."""


@pytest.fixture
def edc() -> Iterator[EdcCore]:
    """edc-core, with nobody enrolled."""
    with EdcCore() as running:
        yield running


@dataclass(frozen=True)
class Cohort:
    """Subjects of each site who are ready, and the reader of the trial, who sees Nanning's."""

    api: Api
    reader: Trial
    waiting: dict[str, list[str]]

    def randomize(self, site: str = "NN") -> Json:
        """The next subject's allocation, with their number."""
        here = f"/v1/subjects/{self.waiting[site].pop(0)}"
        caller = self.api.as_("investigator", site)
        made = created(caller.post(f"{here}/randomization"))
        return made | {"number": ok(caller.get(here))["number"]}

    def enrolled(self, edc: EdcCore, site: str = "NN") -> Json:
        """The same of a subject whom edc-core knows by the trial's number."""
        made = self.randomize(site)
        edc.enrolled[made["number"]] = "enrolled"
        return made


@pytest.fixture(scope="module")
def cohort(cluster: Cluster, served: Served) -> Iterator[Cohort]:
    """One trial for the tests of a module, each of which begins where the feed has come to."""
    with cloned(cluster, "test_connect") as name, serving(cluster, served, name) as api:
        made = make_eligible(api, {("NN", True): READY, ("LZ", True): READY})
        reader = Trial(api.client, "", "his-nn", PASSWORD)
        waiting = {site: [str(one) for one in ids] for (site, _), ids in made.items()}
        yield Cohort(api, reader, waiting)


@dataclass
class Adapter:
    """The adapter between a trial and an edc-core; `told` is what it prints."""

    settings: EdcCoreSettings
    reader: Trial
    http: httpx.Client
    told: list[str] = field(default_factory=list)

    @contextmanager
    def ready(
        self, ended: Event, tries: int | None = None, *, dry: bool = False
    ) -> Iterator[Transfer]:
        """The adapter, for as long as it has its file."""
        settings = self.settings
        with opened(settings.state_file, settings.trial, settings.intake) as file:
            yield Transfer(
                self.reader,
                Intake(self.http, settings.intake, KEY),
                file,
                settings.arms,
                settings.source,
                Patience(ended, self.told.append, tries),
                self.told.append,
                dry=dry,
            )

    def once(self, *, dry: bool = False) -> list[str]:
        """Send what there is; what it told meanwhile."""
        before = len(self.told)
        with self.ready(Event(), 5, dry=dry) as transfer:
            transfer.run(None)
        return self.told[before:]

    def memory(self) -> Memory:
        """What it has kept."""
        return Memory.model_validate_json(self.settings.state_file.read_bytes())


@pytest.fixture
def adapter(
    cohort: Cohort, edc: EdcCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Adapter:
    """Nanning's adapter at the present end of the feed; its pauses are short."""
    monkeypatch.setattr(patience, "FIRST", 0.01)
    (tmp_path / "client").write_text(PASSWORD + "\n")
    (tmp_path / "key").write_text(KEY + "\n")
    settings = EdcCoreSettings(
        trial_url=HttpUrl(str(cohort.api.client.base_url)),
        client_id="his-nn",
        client_secret_file=tmp_path / "client",
        url=HttpUrl(edc.url),
        study=STUDY,
        key_file=tmp_path / "key",
        arms=ARMS,
        state_file=tmp_path / "state.json",
        poll_seconds=0.1,
    )
    past = ok(cohort.api.as_("hospital_system").get("/v1/events?limit=200&type=subject.randomized"))
    with opened(settings.state_file, settings.trial, settings.intake) as file:
        file.memory.sites = frozenset({"NN"})
        file.memory.after = UUID(past["items"][-1]["id"]) if past["items"] else None
        file.keep()
    return Adapter(settings, cohort.reader, cohort.api.client)
