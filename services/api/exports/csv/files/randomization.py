"""Allocations, and the errors made in them."""

from services.api.exports.csv.column import Column, Kind, stored
from services.api.exports.csv.files.columns import file_of, id_of, made
from services.api.exports.extract import Part

RANDOMIZATIONS = file_of(
    Part.ALLOCATIONS,
    "randomizations",
    "Allocations to an arm, as drawn",
    id_of("allocation", "allocation_id", "Allocation's id"),
    stored("allocation", "arm", Kind.CODE, "Arm", codes="Arm"),
    stored("allocation", "randomization_number", Kind.ID, "Randomization number"),
    stored("allocation", "randomized_at", Kind.DATETIME, "Randomized at"),
    stored("allocation", "stratum", Kind.CODE, "Stratum it was drawn from"),
    Column(
        "factors",
        Kind.JSON,
        "Values of the stratification factors used",
        "stratum.levels",
        lambda x: x.extract.strata.get(x.row.stratum),
    ),
    stored(
        "allocation", "evaluation_version", Kind.INTEGER, "Version of the evaluation it rests on"
    ),
    stored("allocation", "protocol_version", Kind.TEXT, "Protocol version"),
    *made("allocation"),
)

CORRECTIONS = file_of(
    Part.CORRECTIONS,
    "randomization_corrections",
    "Errors made in randomization; the allocation stands",
    id_of("randomization_correction", "correction_id", "Correction's id"),
    stored("randomization_correction", "kind", Kind.CODE, "Kind of error", codes="CorrectionKind"),
    stored("randomization_correction", "discovered_on", Kind.DATE, "Day it was found"),
    stored("randomization_correction", "stratum", Kind.CODE, "Correct stratum"),
    stored("randomization_correction", "criteria", Kind.CODE, "Criteria not passed; by semicolons"),
    stored("randomization_correction", "pair", Kind.ID, "Same in both subjects of a person"),
    stored("randomization_correction", "retained", Kind.BOOLEAN, "Whether this subject counts"),
    stored("randomization_correction", "reason", Kind.TEXT, "Reason"),
    stored("randomization_correction", "protocol_version", Kind.TEXT, "Protocol version"),
    *made("randomization_correction"),
)
