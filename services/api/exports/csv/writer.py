"""The CSV export: a file for each kind of record, a dictionary of columns, the codelists."""

import csv
from collections.abc import Callable, Iterable, Iterator

from services.api.exports.archive import archived
from services.api.exports.csv.column import File, Line, cell
from services.api.exports.csv.dictionary import CODELISTS, DICTIONARY, codelists, dictionary
from services.api.exports.csv.files import FILES
from services.api.exports.extract import Extract, Options

BY_NAME = {one.name: one for one in FILES}
DATASETS = (*BY_NAME, DICTIONARY, CODELISTS)
LINES = 256
"""Lines that are encoded together."""


def whole(extract: Extract, _: Options) -> Iterator[bytes]:
    """Every file as one archive."""
    return archived((f"{name}.csv", _file(extract, name)) for name in DATASETS)


def single(extract: Extract, options: Options) -> Iterator[bytes]:
    """The file that was asked for."""
    return _file(extract, options.dataset or "")


def _file(extract: Extract, name: str) -> Iterator[bytes]:
    if name == DICTIONARY:
        return encoded(dictionary())
    if name == CODELISTS:
        return encoded(codelists(extract.protocol))
    return encoded(_lines(extract, BY_NAME[name]))


def _lines(extract: Extract, file: File) -> Iterator[list[str]]:
    yield [column.name for column in file.columns]
    readers = [(column.kind, column.read) for column in file.columns]
    for record in extract.subjects(file.parts):
        for row in file.rows(extract, record):
            line = Line(extract, record, row)
            yield [cell(kind, read(line)) for kind, read in readers]


class _Outlet:
    """Where the lines are written to, and taken from."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self.write: Callable[[str], object] = self._lines.append

    def taken(self) -> bytes:
        text = "".join(self._lines)
        self._lines.clear()
        return text.encode()


def encoded(lines: Iterable[list[str]]) -> Iterator[bytes]:
    """Lines as RFC 4180 has them: commas, CRLF, quotes where they are needed, UTF-8."""
    outlet = _Outlet()
    written = csv.writer(outlet)
    for number, line in enumerate(lines, start=1):
        written.writerow(line)
        if number % LINES == 0:
            yield outlet.taken()
    yield outlet.taken()
