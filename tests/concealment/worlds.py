"""One trial with a past, and worlds that differ from it in nothing but what is yet to come.

A world is a copy of the trial's database in which the slots that are not allocated hold other
arms, and a service that draws from that list. Leaves, root and what the trail says of the root are
written anew to match, so that such a world could have been the real one.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from starlette.datastructures import State

from services.api import setup
from services.api.embedded import Cluster
from services.api.randomization.contributions import RandomizationSecret
from services.api.randomization.generator import SECRET_BYTES
from services.api.randomization.rules import AllocationList
from services.api.randomization.secret import Opened, SecretFile, sandbox_secret
from services.api.settings import Settings
from services.api.system import service as readiness
from tests.access.prepared import prepare
from tests.allocation_list import DESIGN
from tests.conftest import Served, admin_url, cloned, seal, serving
from tests.eligible import Kind, make_eligible
from tests.lived import plain
from tests.make import Api, Json, created

PAST: dict[Kind, int] = {
    ("NN", True): 3,
    ("NN", False): 1,
    ("LZ", True): 2,
    ("LZ", False): 1,
}
"""How many are randomized of each kind, beside the prepared trial's subject at NN."""
WAITING: dict[Kind, int] = {("NN", True): 2, ("NN", False): 1, ("LZ", False): 2, ("YL", True): 1}
"""How many of each kind are eligible and not randomized."""
SIZES = (226, 254)
"""Remarkable block sizes: no slot, age, dose or count in the trial has such a number."""


def secret() -> RandomizationSecret:
    """The sandbox's secret with those block sizes."""
    sponsor, dmc = sandbox_secret(DESIGN).contributions
    given = sponsor.model_copy(update={"block_sizes": SIZES})
    return RandomizationSecret(contributions=(given, dmc))


SECRET = secret()
LIST = SECRET.list_for(DESIGN)


def key_of(subject: str) -> str:
    """The Idempotency-Key with which a subject of the past was randomized."""
    return f"randomize-{subject}"


# --- lists -------------------------------------------------------------------------------

Rearrange = Callable[[Sequence[str]], Sequence[str]]


def flipped(arms: Sequence[str]) -> Sequence[str]:
    """Every slot the other arm."""
    one, other = LIST.design.arm_codes
    return [other if arm == one else one for arm in arms]


def shuffled(arms: Sequence[str]) -> Sequence[str]:
    """The same arms in another order, without blocks."""
    return random.Random(7).sample(arms, len(arms))


@dataclass(frozen=True)
class Permuted(AllocationList):
    """The trial's list, in which the slots behind the past hold other arms.

    It knows neither the seed nor the block sizes: a service that gave anything
    of them away would give something else away here.
    """

    past: Mapping[str, int] = field(default_factory=dict, hash=False)
    rearrange: Rearrange = flipped

    @classmethod
    def of(cls, past: Mapping[str, int], rearrange: Rearrange) -> "Permuted":
        """The list with its future rearranged; `past` says how many slots each stratum drew."""
        return cls(LIST.design, bytes(SECRET_BYTES), (len(LIST.design.unit),), past, rearrange)

    @cached_property
    def arms(self) -> dict[str, tuple[str, ...]]:
        arms = {}
        for code, drawn in LIST.arms.items():
            done = self.past.get(code, 0)
            arms[code] = (*drawn[:done], *self.rearrange(drawn[done:]))
        return arms

    def salt(self, stratum_code: str, seq: int) -> bytes:
        return LIST.salt(stratum_code, seq)


@dataclass(frozen=True)
class Armless(AllocationList):
    """The trial's list as it would be known without the secret: its leaves, and the past."""

    past: Mapping[str, int] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, past: Mapping[str, int]) -> "Armless":
        """The list that knows no arm; `past` says how many slots each stratum drew."""
        return cls(LIST.design, bytes(SECRET_BYTES), (len(LIST.design.unit),), past)

    @cached_property
    def arms(self) -> dict[str, tuple[str, ...]]:
        raise AssertionError("an arm was asked for")

    @cached_property
    def leaves(self) -> tuple[bytes, ...]:
        return LIST.leaves

    def salt(self, stratum_code: str, seq: int) -> bytes:
        assert seq <= self.past.get(stratum_code, 0), "the salt of a future slot was asked for"
        return LIST.salt(stratum_code, seq)


class Secret(Protocol):
    """What the service has its list from."""

    def opened(self) -> Opened:
        """The list."""


@dataclass(frozen=True)
class Held:
    """Stands for the secret's file, and holds this list."""

    list: AllocationList

    def opened(self) -> Opened:
        return Opened(self.list, SECRET.commitments())


# --- the trial ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """What every world has in common: the past, and who waits for an arm."""

    database: str
    moment: datetime
    records: Mapping[str, Any]
    randomized: Mapping[Kind, Sequence[str]]
    waiting: Mapping[Kind, Sequence[str]]
    past: Mapping[str, int]

    def list(self, rearrange: Rearrange) -> Permuted:
        """The list with the trial's past and a rearranged future."""
        return Permuted.of(self.past, rearrange)


def publish(api: Api, settings: Settings, secret_file: SecretFile) -> None:
    """The first start over a database that has a schema and nothing else."""
    # Beyond any other number, so that no event's number is taken for a block size.
    api.rows("SELECT setval('audit_event_id_seq', 1000000)")
    state = api.state
    setup.prepare(state.database, settings, state.loaded, secret_file, state.clock)


def begin(api: Api) -> dict[str, Any]:
    """The past: subjects at two sites, some of them randomized; and those who wait."""
    records = prepare(api)
    counts = {kind: PAST.get(kind, 0) + WAITING.get(kind, 0) for kind in {**PAST, **WAITING}}
    made = make_eligible(api, counts)
    randomized = {kind: [str(one) for one in made[kind][: PAST.get(kind, 0)]] for kind in made}
    waiting = {kind: [str(one) for one in made[kind][PAST.get(kind, 0) :]] for kind in made}
    for (site, _), subjects in randomized.items():
        for subject in subjects:
            path = f"/v1/subjects/{subject}/randomization"
            created(api.as_("investigator", site).post(path, key=key_of(subject)))
    past = api.rows("SELECT stratum, max(seq) AS drawn FROM allocation GROUP BY stratum")
    return {
        "records": records,
        "randomized": randomized,
        "waiting": waiting,
        "past": {row.stratum: row.drawn for row in past},
    }


# --- a world -----------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """The trial's database with one future, and the service over it."""

    api: Api
    trial: Trial
    name: str
    list: AllocationList
    described: Json

    def superuser(self) -> psycopg.Connection[Any]:
        """Whom nothing binds, each statement on its own."""
        return psycopg.connect(plain(self.api.admin_url), autocommit=True)


@contextmanager
def instead(state: State, secret: Secret) -> Iterator[None]:
    """The service has another secret meanwhile."""
    usual, state.randomization_secret = state.randomization_secret, secret
    try:
        yield
    finally:
        state.randomization_secret = usual


@contextmanager
def at_its_moment(api: Api, moment: datetime, secret: Secret) -> Iterator[None]:
    """The service at a standstill of clinical time, with that secret, and ready on this disk."""
    with pytest.MonkeyPatch.context() as patch, instead(api.state, secret):
        patch.setattr(api.state.clock, "now", lambda: moment)
        patch.setattr(readiness, "_DURABLE", ())
        yield


@contextmanager
def world(
    cluster: Cluster,
    served: Served,
    trial: Trial,
    name: str,
    made: AllocationList,
    secret: Secret | None = None,
    sealing_key: Path | None = None,
) -> Iterator[World]:
    """The trial with that list; `secret` is what the service has instead of it."""
    with cloned(cluster, f"concealment_{name}", trial.database) as database:
        with psycopg.connect(plain(admin_url(cluster, database))) as superuser:
            commit_to(superuser, made)
        if sealing_key is not None:
            seal(cluster, database, sealing_key)
        with (
            serving(cluster, served, database) as api,
            at_its_moment(api, trial.moment, secret or Held(made)),
        ):
            api.client.headers["X-Request-Id"] = "concealment"
            yield World(api, trial, database, made, served.app.openapi())


_CHAIN_ANEW = """
    DO $$
    DECLARE
        event audit_event;
        previous bytea := decode(repeat('00', 32), 'hex');
    BEGIN
        FOR event IN SELECT * FROM audit_event WHERE chain = 'trial' ORDER BY seq LOOP
            previous := audit_event_hash(previous, event);
            UPDATE audit_event SET hash = previous WHERE id = event.id;
        END LOOP;
        UPDATE audit_chain SET hash = previous WHERE chain = 'trial';
    END
    $$
"""


def commit_to(superuser: psycopg.Connection[Any], made: AllocationList) -> None:
    """Commit to that list as if it had been the first: leaves, root, and the trail of the root."""
    superuser.execute("SET session_replication_role = replica")
    places = product(made.design.strata, range(1, made.design.slots_per_stratum + 1))
    superuser.cursor().executemany(
        "UPDATE randomization_slot SET leaf = %s WHERE stratum = %s AND seq = %s",
        [(leaf, *place) for place, leaf in zip(places, made.leaves, strict=True)],
    )
    superuser.execute("UPDATE randomization_commitment SET root = %s", (made.root,))
    superuser.execute(
        "UPDATE audit_event SET new = jsonb_set(new, '{root}', to_jsonb(c.root))"
        " FROM randomization_commitment c WHERE record = 'randomization_commitment'"
    )
    superuser.execute(_CHAIN_ANEW)
