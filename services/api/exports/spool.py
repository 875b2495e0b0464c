"""An export under way: made as fast as the database gives it, read as slowly as a line takes it.

A thread writes it to a file, within the transaction that sees one moment, and
the transaction ends with the writing. The file has no name, so nothing is left
of it when it is closed, or when the process is killed.
"""

import errno
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from contextvars import copy_context
from pathlib import Path
from typing import Any, Generic, TypeVar
from weakref import WeakSet

import structlog

from services.api.exports.errors import ExportsBusy, NoRoomForExport

log = structlog.get_logger()

AT_ONCE = 2
"""Exports that a worker makes at the same time; who comes then is told to wait."""
KEPT = 8
"""Exports whose files a worker holds, those included that slow lines are still reading."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""How the system says that there is no more room."""
BLOCK = 64 * 1024
"""Bytes that are written, and read, at a time."""

Source = TypeVar("Source")

_places = threading.BoundedSemaphore(AT_ONCE)
_kept: "WeakSet[Production[Any]]" = WeakSet()
_keeping = threading.Lock()


class Stopped(Exception):
    """Nobody waits for the rest."""


class Production(Generic[Source]):
    """One export that is being made, and the file it is made into."""

    def __init__(
        self,
        source: AbstractContextManager[Source],
        write: Callable[[Source], Iterator[bytes]],
        directory: Path | None = None,
    ) -> None:
        """Begin; answers once the source is open and the first bytes are there.

        Raises:
            ExportsBusy: enough exports are being made or read.
            NoRoomForExport: the disk is full.
            Exception: whatever kept the source from opening, or its first bytes from being made.
        """
        self._source, self._write = source, write
        self._told = threading.Condition()
        self._size = 0
        self._ended = self._closed = False
        self._failure: Exception | None = None
        self.source: Source | None = None
        _admit(self)
        try:
            self._file = tempfile.TemporaryFile(  # noqa: SIM115 -- the last reader closes it
                buffering=0, prefix="export-", dir=directory
            )
            run = copy_context().run  # the request's id goes into what is logged
            threading.Thread(target=run, args=(self._make,), name="export", daemon=True).start()
        except BaseException:
            _leave(self)
            _places.release()
            raise
        self._await_first()

    def _await_first(self) -> None:
        with self._told:
            self._told.wait_for(lambda: self._ended or self._size > 0)
        if self._failure is not None and self._size == 0:
            self.close()
            raise self._failure

    @property
    def failed(self) -> bool:
        """Whether it ended before its end."""
        return self._failure is not None

    def read(self, offset: int, patience: float) -> bytes | None:
        """The next bytes, b"" when none came within `patience` seconds, None at the end."""
        with self._told:
            self._told.wait_for(lambda: self._size > offset or self._ended, patience)
            if self._size <= offset:
                return None if self._ended else b""
        return os.pread(self._file.fileno(), BLOCK, offset)

    def close(self) -> None:
        """Let go of the file, and stop whoever is still writing it."""
        with self._told:
            if self._closed:
                return
            self._closed = True
            _leave(self)
            if self._ended:
                self._file.close()

    def _make(self) -> None:
        failure: Exception | None = None
        try:
            with self._source as source:
                self.source = source
                for block in _blocks(self._write(source)):
                    self._append(block)
        except Stopped:
            failure = Stopped()
        except Exception as error:  # noqa: BLE001 -- whoever reads is told by the missing end
            failure = error
        finally:
            _places.release()
        if failure is not None and not isinstance(failure, Stopped):
            # Without its message, which may quote data.
            log.error("export_failed", kind=type(failure).__name__)
        with self._told:
            self._failure, self._ended = failure, True
            if self._closed:
                self._file.close()
            self._told.notify_all()

    def _append(self, block: bytes) -> None:
        written = 0
        while written < len(block):  # a full disk may take a part
            if self._closed:
                raise Stopped
            try:
                written += self._file.write(block[written:])
            except OSError as error:
                raise (NoRoomForExport() if error.errno in FULL else error) from error
        with self._told:
            self._size += written
            self._told.notify_all()


def _blocks(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces."""
    held, size = list[bytes](), 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= BLOCK:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _admit(production: "Production[Any]") -> None:
    if not _places.acquire(blocking=False):
        raise ExportsBusy
    with _keeping:
        if len(_kept) >= KEPT:
            _places.release()
            raise ExportsBusy
        _kept.add(production)


def _leave(production: "Production[Any]") -> None:
    with _keeping:
        _kept.discard(production)
