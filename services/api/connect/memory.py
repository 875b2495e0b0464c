"""What an adapter keeps between two requests: how far it has read, and what waits for a person.

One file, replaced as a whole after every answer. If the process dies between an
answer and the file, the assignment is sent again and answered as a duplicate.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from services.api.connect.edc_core import Outcome
from services.api.connect.patience import Stopped


class Held(BaseModel):
    """An assignment that edc-core did not take; without the arm.

    `set_aside` is a person's word that it is to be sent no more.
    """

    model_config = ConfigDict(extra="forbid")

    number: str
    randomization_number: str
    outcome: Outcome
    reason: str
    since: datetime
    set_aside: bool = False


class Memory(BaseModel):
    """`after` is the last event that was worked through; `held` goes by the subject's id.

    `sites` are those whose events were followed up to there: `after` says nothing
    of what happened before at a site that the client was given later.
    """

    model_config = ConfigDict(extra="forbid")

    trial: str
    intake: str
    sites: frozenset[str] = frozenset()
    after: UUID | None = None
    held: dict[UUID, Held] = {}


class MemoryFile:
    """A memory and its file, which one adapter at a time may use."""

    def __init__(self, path: Path, memory: Memory) -> None:
        self._path = path
        self.memory = memory

    def keep(self) -> None:
        """Make the file say what the memory says, also if the machine stops at any moment."""
        new = self._path.with_name(self._path.name + ".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(self.memory.model_dump_json(indent=2) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def opened(path: Path, trial: str, intake: str) -> Iterator[MemoryFile]:
    """The memory in that file, or a new one; nobody else has it meanwhile.

    Raises:
        Stopped: another adapter has it, it is of another trial or study, or unreadable.
    """
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as taken:
            raise Stopped(f"{path}: another adapter is at work with this file") from taken
        yield MemoryFile(path, _read(path, trial, intake))
    finally:
        os.close(lock)


def _read(path: Path, trial: str, intake: str) -> Memory:
    if not path.exists():
        return Memory(trial=trial, intake=intake)
    try:
        memory = Memory.model_validate_json(path.read_bytes())
    except ValidationError:
        raise Stopped(
            f"{path}: not a file of this adapter. Without it everything is sent from the beginning,"
            " and what edc-core has is answered as a duplicate"
        ) from None
    if (memory.trial, memory.intake) != (trial, intake):
        raise Stopped(
            f"{path}: kept for {memory.trial} and {memory.intake}; give another trial or study"
            " another file"
        )
    return memory
