"""Several files as one ZIP archive, written as it is sent; the same files give the same bytes."""

import zipfile
from collections.abc import Iterable, Iterator
from io import RawIOBase
from typing import Any

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first moment that the format knows: when an archive was made is no part of its content."""
LEVEL = 6


class _Outlet(RawIOBase):
    """Where the archive is written to, and its bytes are taken from."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written.append(bytes(data))
        return len(self._written[-1])

    def taken(self) -> bytes:
        """What was written since the last time."""
        written, self._written = self._written, []
        return b"".join(written)


def archived(files: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """The archive of the files, each given by its name and its content in pieces."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o600 << 16
            with archive.open(entry, "w", force_zip64=True) as file:
                for piece in content:
                    file.write(piece)
                    if made := outlet.taken():
                        yield made
            yield outlet.taken()
    yield outlet.taken()
