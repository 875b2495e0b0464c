"""What is said in a world, and what is written meanwhile."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.api.embedded import Cluster
from services.api.randomization.rules import AllocationList
from tests.concealment.answers import Reader
from tests.concealment.dumps import Bare, bare, dumped
from tests.concealment.logs import Written, writing
from tests.concealment.requests import Answer, Asked
from tests.concealment.worlds import Secret, Trial, World, world
from tests.conftest import Served

Ask = Callable[[World], Iterable[Answer]]


@dataclass(frozen=True)
class Conversation:
    """Everything that was answered, what was written of it, and the dump from before it."""

    reader: Reader
    past: dict[str, int]
    answers: list[Answer]
    written: Written
    dump: str

    def heard(self) -> list[tuple[Asked, str]]:
        """Each request with its answer, but for salted hashes and the time of the test."""
        return [(asked, self.reader.heard(asked, answer)) for asked, answer in self.answers]

    def stored(self) -> Bare:
        """The dump but for salted hashes and the time of the test."""
        return bare(self.dump, self.past, self.reader)


@dataclass(frozen=True)
class Worlds:
    """Makes worlds of one trial, and hears what is said in them."""

    cluster: Cluster
    served: Served
    trial: Trial
    sealing_key: Path

    @contextmanager
    def one(self, name: str, made: AllocationList, secret: Secret | None = None) -> Iterator[World]:
        """A world whose trail is sealed."""
        with world(
            self.cluster, self.served, self.trial, name, made, secret, self.sealing_key
        ) as opened:
            yield opened

    def hear(
        self, name: str, made: AllocationList, ask: Ask, secret: Secret | None = None
    ) -> Conversation:
        """Ask in a world of its own."""
        reader = Reader(datetime.now(UTC))
        with self.one(name, made, secret) as opened:
            dump = dumped(opened)
            with writing(self.cluster) as written:
                answers = [*ask(opened)]
        return Conversation(reader, dict(self.trial.past), answers, written, dump)
