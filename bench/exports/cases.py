"""The exports that are measured, each with the tables whose rows it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from services.api.core.permissions import Role
from services.api.exports.dataset_json.gradings import RS
from services.api.exports.dataset_json.writer import DOMAINS
from services.api.exports.extract import EVERYTHING, Part
from services.api.exports.fhir import writing as fhir
from services.api.exports.registry import people as registry


@dataclass(frozen=True)
class Case:
    """One export, and how it is asked for."""

    name: str
    format: str
    accept: str
    parts: tuple[Part, ...]
    asked: Mapping[str, str] = field(default_factory=dict)
    role: Role = Role.DATA_MANAGER

    @property
    def path(self) -> str:
        """What is requested."""
        return f"/v1/exports/{self.format}" + (f"?{urlencode(self.asked)}" if self.asked else "")

    @property
    def tables(self) -> tuple[str, ...]:
        """Where its rows stand, the subjects among them."""
        return ("subject", *dict.fromkeys(part.source.name for part in self.parts))


CASES = (
    Case("csv", "csv", "application/zip", EVERYTHING),
    Case("csv, gradings", "csv", "text/csv", (Part.GRADINGS,), {"dataset": "gradings"}),
    Case(
        "dataset-json",
        "dataset-json",
        "application/zip",
        tuple(dict.fromkeys(part for one in DOMAINS.values() for part in one.parts)),
    ),
    Case(
        "dataset-json, RS lines",
        "dataset-json",
        "application/x-ndjson",
        RS.parts,
        {"dataset": "RS"},
    ),
    Case("fhir bundle", "fhir", "application/fhir+json", fhir.PARTS),
    Case("fhir lines", "fhir", "application/fhir+ndjson", fhir.PARTS),
    Case("odm 2.0", "odm", "application/xml", EVERYTHING, {"version": "2.0"}),
    Case("odm 1.3.2", "odm", "application/xml", EVERYTHING, {"version": "1.3.2"}),
    Case("registry", "registry", "application/json", registry.PARTS, role=Role.STATISTICIAN),
)
