"""The dictionary of adverse event terms: CTCAE, as published, one file a version.

Source: NCI, Common Terminology Criteria for Adverse Events; codes are MedDRA's
lowest level terms.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIRECTORY = Path(__file__).parent / "documents"

OTHER = "Other, specify"
"""How CTCAE words the terms that need a text of their own."""


@dataclass(frozen=True)
class Term:
    """One adverse event term; `grades` are those the dictionary defines for it."""

    meddra_code: str
    term: str
    system_organ_class: str
    grades: tuple[int, ...]

    @property
    def needs_detail(self) -> bool:
        """Whether the term says nothing without a text of its own."""
        return self.term.endswith(OTHER)


class Terms:
    """The terms of one version of the dictionary, in its order."""

    def __init__(self, terms: tuple[Term, ...]) -> None:
        self._terms = terms
        self._by_name = {term.term.casefold(): term for term in terms}
        self._by_code = {term.meddra_code: term for term in terms}

    def __iter__(self) -> Iterator[Term]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def named(self, name: str) -> Term | None:
        """The term of exactly that name, whatever its capitals."""
        return self._by_name.get(name.casefold())

    def coded(self, meddra_code: str) -> Term | None:
        """The term of that MedDRA code."""
        return self._by_code.get(meddra_code)


def versions() -> tuple[str, ...]:
    """The versions of the dictionary the service holds."""
    return tuple(sorted(path.stem.removeprefix("ctcae-") for path in DIRECTORY.glob("ctcae-*.csv")))


@cache
def load_terms(version: str) -> Terms:
    """The dictionary of that version, read once.

    Raises:
        LookupError: the service does not hold that version.
    """
    if version not in versions():
        raise LookupError(f"no terms of CTCAE {version}")
    with (DIRECTORY / f"ctcae-{version}.csv").open(encoding="utf-8", newline="") as lines:
        return Terms(tuple(_term(row) for row in csv.DictReader(lines)))


def _term(row: dict[str, str]) -> Term:
    return Term(
        meddra_code=row["meddra_code"],
        term=row["term"],
        system_organ_class=row["system_organ_class"],
        grades=tuple(int(grade) for grade in row["grades"]),
    )
