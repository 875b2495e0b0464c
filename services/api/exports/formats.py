"""The formats there are, each with the forms that it is answered in."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.api.exports.csv import writer as csv
from services.api.exports.dataset_json import writer as dataset_json
from services.api.exports.extract import Writer
from services.api.exports.fhir import capability as fhir_capability
from services.api.exports.fhir import writing as fhir
from services.api.exports.odm import writer as odm
from services.api.exports.registry import writing as registry


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a format: its media type, how its file's name ends, and what writes it.

    `parameters` follow the media type in the answer, and choose nothing.
    """

    media_type: str
    extension: str
    write: Writer
    parameters: str = ""

    @property
    def content_type(self) -> str:
        """The answer's Content-Type."""
        return self.media_type + self.parameters


@dataclass(frozen=True, slots=True)
class Format:
    """A format: the first of its forms is the answer to who takes anything.

    With `?dataset=` one of `datasets` is answered in one of the forms `single`.
    `versions` are those that `?version=` takes, the default one first.
    """

    name: str
    forms: tuple[Form, ...]
    single: tuple[Form, ...] = ()
    datasets: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()


ARCHIVE = "application/zip"

_ALL: tuple[Format, ...] = (
    Format(
        "csv",
        (Form(ARCHIVE, "zip", csv.whole),),
        (Form("text/csv", "csv", csv.single, "; charset=utf-8; header=present"),),
        datasets=csv.DATASETS,
    ),
    Format(
        "dataset-json",
        (Form(ARCHIVE, "zip", dataset_json.whole),),
        (
            Form("application/json", "json", dataset_json.single),
            Form("application/x-ndjson", "ndjson", dataset_json.lines),
        ),
        datasets=dataset_json.DATASETS,
    ),
    Format(
        "fhir",
        forms=(
            Form(fhir_capability.BUNDLE, "json", fhir.bundle),
            Form(fhir_capability.LINES, "ndjson", fhir.ndjson),
        ),
    ),
    Format(
        "odm",
        forms=(Form("application/xml", "xml", odm.write),),
        versions=odm.VERSIONS,
    ),
    Format("registry", forms=(Form("application/json", "json", registry.write),)),
)

FORMATS: Mapping[str, Format] = {one.name: one for one in _ALL}
