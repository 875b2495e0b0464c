"""The item groups of ODM: each kind of record once, for its metadata and for its data.

The tables of the CSV export tell what a record's columns are called, mean and hold.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.api.exports.csv.column import File, Kind, stored
from services.api.exports.csv.files.eligibility import ELIGIBILITY
from services.api.exports.csv.files.endpoint import ENDPOINTS
from services.api.exports.csv.files.gradings import ADJUDICATIONS, GRADINGS
from services.api.exports.csv.files.randomization import CORRECTIONS, RANDOMIZATIONS
from services.api.exports.csv.files.review import LOCKS, QUERIES
from services.api.exports.csv.files.safety import ADVERSE_EVENTS, DEADLINES, SUBMISSIONS
from services.api.exports.csv.files.subjects import CONSENTS, SUBJECTS
from services.api.exports.csv.files.treatment import (
    DISCONTINUATIONS,
    EXPOSURES,
    INTERRUPTIONS,
    RADIOTHERAPY,
)
from services.api.exports.csv.files.visits import DEVIATIONS, VISITS
from services.api.exports.extract import OF_OUTCOME, Extract, Part, SubjectRecord
from services.api.exports.odm import versions
from services.api.exports.odm.items import (
    Item,
    columns_of,
    consent_columns,
    criterion_items,
    fact_items,
    items_of,
)
from services.api.exports.odm.versions import Version
from services.api.protocol.schema import Protocol


@dataclass(frozen=True, slots=True)
class Group:
    """An item group: its items, the form that it stands in, and where its versions come from.

    `repeats` is whether a subject has several at one study event. `visits` is
    whether it stands at visits, and at which: all, the graded ones, or none.
    Of a group that is only `part_of_record` a version that changes nothing in it
    is not told; another group tells it.
    """

    name: str
    form: str
    meaning: str
    items: tuple[Item, ...]
    parts: tuple[Part, ...]
    versions: Callable[[Extract, SubjectRecord], Iterator[Version]]
    repeats: bool = True
    visits: str | None = None
    derived: bool = False
    part_of_record: bool = False


def groups(protocol: Protocol) -> tuple[Group, ...]:
    """Every item group, in the order in which a subject's data are written."""
    grades = (float(protocol.grading.minimum), float(protocol.grading.maximum))
    bounds: dict[str, tuple[float, float]] = {
        one.id: (one.minimum, one.maximum)
        for one in protocol.grading.components
        if one.minimum is not None and one.maximum is not None
    }
    bounds["grade"] = grades

    def plain(
        file: File,
        part: Part,
        *,
        but: Iterable[str] = (),
        keeps: Iterable[str] = (),
        visits: str | None = None,
        signatures: Part | None = None,
        limits: dict[str, tuple[float, float]] | None = None,
    ) -> Group:
        return Group(
            file.name,
            file.name,
            file.meaning,
            items_of(columns_of(file, but=but, keeps=keeps), limits or {}),
            tuple(dict.fromkeys((part, *file.parts, *((signatures,) if signatures else ())))),
            versions.of_part(part, versions.at_visit if visits else None, signatures),
            repeats=versions.repeated(part),
            visits=visits,
        )

    evaluations = versions.of_part(Part.EVALUATIONS, None, Part.EVALUATION_SIGNATURES)
    unsigned = versions.of_part(Part.EVALUATIONS)
    of_eligibility = (Part.EVALUATIONS, Part.EVALUATION_SIGNATURES)
    return (
        Group(
            "subjects",
            "subjects",
            SUBJECTS.meaning,
            items_of(columns_of(SUBJECTS, but=("arm", "randomized_at")), {}),
            (),
            versions.subject,
            repeats=False,
        ),
        Group(
            "consents",
            "consents",
            CONSENTS.meaning,
            items_of(consent_columns(), {}),
            (Part.CONSENTS, Part.WITHDRAWALS),
            versions.consents,
        ),
        Group(
            "eligibility",
            "eligibility",
            ELIGIBILITY.meaning,
            items_of(columns_of(ELIGIBILITY), {}),
            of_eligibility,
            evaluations,
            repeats=False,
        ),
        Group(
            "eligibility_facts",
            "eligibility",
            "The facts of the evaluation, in their quantities' units and as given",
            fact_items(protocol),
            of_eligibility,
            unsigned,
            repeats=False,
            part_of_record=True,
        ),
        Group(
            "eligibility_criteria",
            "eligibility",
            "The verdict on each criterion",
            criterion_items(protocol),
            of_eligibility,
            unsigned,
            repeats=False,
            part_of_record=True,
        ),
        plain(RADIOTHERAPY, Part.RADIOTHERAPY),
        Group(
            "interruptions",
            "radiotherapy",
            INTERRUPTIONS.meaning,
            items_of(columns_of(INTERRUPTIONS, keeps=("reason",)), {}),
            (Part.RADIOTHERAPY,),
            versions.interruptions,
            part_of_record=True,
        ),
        plain(RANDOMIZATIONS, Part.ALLOCATIONS),
        plain(CORRECTIONS, Part.CORRECTIONS, but=("reason",)),
        plain(VISITS, Part.VISITS, but=("visit",), visits="all"),
        plain(
            GRADINGS,
            Part.GRADINGS,
            but=("visit", "signed_at", "verified_at"),
            visits="graded",
            signatures=Part.GRADING_SIGNATURES,
            limits=bounds,
        ),
        Group(
            "verifications",
            "gradings",
            "Versions of gradings that a monitor compared with their source",
            items_of(
                (
                    stored("grading_verification", "grading_id", Kind.ID, "Grading's id"),
                    stored(
                        "grading_verification", "version", Kind.INTEGER, "Version that was compared"
                    ),
                ),
                {},
            ),
            (Part.GRADINGS, Part.VERIFICATIONS),
            versions.verifications,
            visits="graded",
        ),
        plain(
            ADJUDICATIONS,
            Part.ADJUDICATIONS,
            but=("visit",),
            visits="graded",
            limits={"grade": grades},
        ),
        plain(EXPOSURES, Part.EXPOSURES),
        plain(DISCONTINUATIONS, Part.DISCONTINUATIONS),
        plain(DEVIATIONS, Part.DEVIATIONS),
        plain(
            ADVERSE_EVENTS,
            Part.ADVERSE_EVENTS,
            but=("signed_at",),
            signatures=Part.ADVERSE_EVENT_SIGNATURES,
            limits={"grade": (1, 5)},
        ),
        plain(SUBMISSIONS, Part.SUBMISSIONS),
        plain(DEADLINES, Part.DEADLINES),
        plain(QUERIES, Part.QUERIES, but=("last_step", "steps")),
        Group(
            "query_steps",
            "queries",
            "The steps of each query; what was written is not exported",
            items_of(
                (
                    stored("data_query_step", "id", Kind.ID, "Query's id", called="query_id"),
                    stored("data_query_step", "version", Kind.INTEGER, "Which step, from 1"),
                    stored("data_query_step", "step", Kind.CODE, "Step"),
                    stored(
                        "data_query_step", "role", Kind.CODE, "Role of who took it", codes="Role"
                    ),
                ),
                {},
            ),
            (Part.QUERIES, Part.QUERY_STEPS),
            versions.query_steps,
        ),
        plain(LOCKS, Part.LOCKS, but=("reason",)),
        Group(
            ENDPOINTS.name,
            ENDPOINTS.name,
            ENDPOINTS.meaning,
            items_of(columns_of(ENDPOINTS), {}),
            OF_OUTCOME,
            versions.outcome,
            repeats=False,
            derived=True,
        ),
    )
