"""An archive is whole, streams, and has nothing in it that the files have not."""

import io
import random
import zipfile
from collections.abc import Iterator

from services.api.exports.archive import archived


def test_it_holds_the_files_as_they_are() -> None:
    made = b"".join(archived([("a.csv", [b"one,", b"two"]), ("口.csv", []), ("c", [b"\0" * 9])]))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a.csv", "口.csv", "c"]
        assert archive.read("a.csv") == b"one,two"
        assert archive.read("口.csv") == b""
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_same_files_give_the_same_bytes() -> None:
    files = [("a", [b"x" * 10_000])]
    assert list(archived(files)) == list(archived(files))


def test_nothing_piles_up_while_a_file_is_written() -> None:
    noise = random.Random(7)
    given = 0

    def pieces() -> Iterator[bytes]:
        nonlocal given
        for _ in range(100):
            given += 1
            yield noise.randbytes(10_000)

    sent = 0
    for piece in archived([("noise", pieces())]):
        sent += len(piece)
        # The compressor holds back less than what it was given last.
        assert given * 10_000 - sent < 200_000
    assert sent > 1_000_000
