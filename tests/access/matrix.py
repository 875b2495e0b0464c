"""The hand-written matrix, cell by cell; README.md says how to read it."""

import csv
from dataclasses import dataclass
from pathlib import Path

from services.api.core.permissions import SITE_BOUND, Role

ANONYMOUS = "anonymous"
CALLERS = (ANONYMOUS, *Role)
WITH_EVERY_SITE = {Role.DATA_MANAGER, Role.SAFETY_OFFICER, Role.STATISTICIAN, Role.AUDITOR}
EVERYWHERE = ("LZ", "NN", "YL")
SITES = {
    "any": ("NN",),
    "own": ("NN",),
    "several": ("LZ", "NN"),
    "other": ("LZ", "YL"),
    "none": (),
}
"""The sites of a site-bound caller; the record is of NN."""
OF_A_SITE = ["own", "several", "other", "none"]

with (Path(__file__).parent / "matrix.csv").open() as file:
    MATRIX = list(csv.DictReader(file))


@dataclass(frozen=True)
class Cell:
    """What a caller, of those sites, gets for an operation on a record of NN."""

    operation: str
    where: str
    caller: str
    status: int

    def __str__(self) -> str:
        return f"{self.operation}-{self.where}-{self.caller}"

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites in the caller's token."""
        if self.caller in WITH_EVERY_SITE:
            return EVERYWHERE
        return SITES[self.where] if self.caller in SITE_BOUND else ()


CELLS = [
    Cell(row["operation"], row["where"], caller, int(row[caller]))
    for row in MATRIX
    for caller in CALLERS
    if row[caller] != "-"
]
