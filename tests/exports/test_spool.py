"""A production is made at its own pace, bounded in number, and leaves nothing behind."""

import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest

from services.api.exports import spool
from services.api.exports.errors import ExportsBusy, NoRoomForExport
from services.api.exports.spool import AT_ONCE, BLOCK, Production

Write = Callable[[list[str]], Iterator[bytes]]


@contextmanager
def source(told: list[str]) -> Iterator[list[str]]:
    """A source that tells when it is closed."""
    try:
        yield told
    finally:
        told.append("closed")


def produce(write: Write, directory: Path | None = None) -> Production[list[str]]:
    return Production(source([]), write, directory)


def whole(production: Production[list[str]]) -> bytes:
    read = b""
    while (block := production.read(len(read), 5)) is not None:
        read += block
    return read


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def blocks(_: list[str]) -> Iterator[bytes]:
    yield b"a" * BLOCK
    yield b"b" * 10
    yield b"c" * 2 * BLOCK


def test_what_is_read_is_what_was_written() -> None:
    production = produce(blocks)
    assert whole(production) == b"".join(blocks([]))
    assert not production.failed
    production.close()


def test_production_does_not_wait_for_its_reader() -> None:
    production = produce(blocks)
    assert production.source is not None
    until(lambda: production.source == ["closed"])
    assert len(production.read(0, 0) or b"") == BLOCK
    assert whole(production) == b"".join(blocks([]))
    production.close()


def test_the_file_has_no_name(tmp_path: Path) -> None:
    go_on = threading.Event()

    def slowly(_: list[str]) -> Iterator[bytes]:
        yield b"x" * BLOCK
        go_on.wait()

    production = produce(slowly, tmp_path)
    assert list(tmp_path.iterdir()) == []
    go_on.set()
    assert whole(production) == b"x" * BLOCK
    production.close()


def test_no_more_than_so_many_are_made_at_once() -> None:
    go_on = threading.Event()

    def slowly(_: list[str]) -> Iterator[bytes]:
        yield b"x" * BLOCK
        go_on.wait()

    made = [produce(slowly) for _ in range(AT_ONCE)]
    with pytest.raises(ExportsBusy) as refused:
        produce(blocks)
    assert refused.value.headers == {"Retry-After": "15"}
    go_on.set()
    for one in made:
        whole(one)
        one.close()
    until(lambda: spool._places._value == AT_ONCE)
    another = produce(blocks)
    whole(another)
    another.close()


def test_no_more_than_so_many_are_kept_for_slow_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "KEPT", 3)
    kept = []
    for _ in range(3):
        kept.append(produce(blocks))
        until(lambda: kept[-1].source == ["closed"])
    with pytest.raises(ExportsBusy):
        produce(blocks)
    kept.pop().close()
    kept.append(produce(blocks))
    for one in kept:
        one.close()


def test_an_early_failure_is_the_caller_s_and_keeps_no_place() -> None:
    def fails(_: list[str]) -> Iterator[bytes]:
        yield b"a little"
        raise ValueError("broken")

    for _ in range(AT_ONCE + 1):
        with pytest.raises(ValueError, match="broken"):
            produce(fails)
        until(lambda: spool._places._value == AT_ONCE)


def test_a_late_failure_ends_it_without_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    go_on = threading.Event()

    def fails(_: list[str]) -> Iterator[bytes]:
        yield b"x" * BLOCK
        go_on.wait()
        raise ValueError("subject NN-0001")

    production = produce(fails)
    go_on.set()
    assert whole(production) == b"x" * BLOCK
    assert production.failed
    production.close()
    assert "NN-0001" not in capsys.readouterr().err


def test_a_reader_who_leaves_stops_the_production() -> None:
    made = 0

    def endlessly(_: list[str]) -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * BLOCK

    production = produce(endlessly)
    production.close()
    until(lambda: production.source == ["closed"])
    until(lambda: spool._places._value == AT_ONCE)
    stopped = made
    time.sleep(0.05)
    assert made == stopped


def test_a_full_disk_is_told_as_such_and_keeps_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    full = partial(open, "/dev/full", "r+b", buffering=0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: full())
    with pytest.raises(NoRoomForExport) as refused:
        produce(blocks)
    assert refused.value.headers == {"Retry-After": "60"}
    until(lambda: spool._places._value == AT_ONCE)
    assert len(spool._kept) == 0


@pytest.fixture
def little_room() -> Iterator[int]:
    """The bytes that a file may have: the system refuses more, as a full disk does."""
    room, before = 128 * BLOCK, resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    yield room
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_later_cuts_the_export_off(little_room: int, tmp_path: Path) -> None:
    production = produce(lambda _: (b"x" * BLOCK for _ in range(1000)), tmp_path)
    assert len(whole(production)) == little_room
    assert production.failed
    production.close()
    assert production._file.closed
    assert list(tmp_path.iterdir()) == []
    until(lambda: spool._places._value == AT_ONCE)


def test_a_source_that_does_not_open_keeps_no_place() -> None:
    class Shut(AbstractContextManager[list[str]]):
        def __enter__(self) -> list[str]:
            raise OSError("no database")

        def __exit__(self, *_: object) -> None:
            pass

    with pytest.raises(OSError, match="no database"):
        Production(Shut(), blocks)
    until(lambda: spool._places._value == AT_ONCE)


def test_a_directory_that_is_not_there_keeps_no_place(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        produce(blocks, tmp_path / "missing")
    assert spool._places._value == AT_ONCE
