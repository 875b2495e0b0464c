"""Visits, and departures from the protocol."""

from services.api.exports.csv.column import Kind, stored
from services.api.exports.csv.files.columns import file_of, id_of, made, versioned
from services.api.exports.extract import Part

VISITS = file_of(
    Part.VISITS,
    "visits",
    "Visits that took place or were missed",
    stored("visit", "code", Kind.CODE, "Visit", called="visit", codes="Visit"),
    stored("visit", "visited_on", Kind.DATE, "Day of the visit"),
    stored("visit", "missed_reason", Kind.TEXT, "Why it was missed"),
    *versioned("visit"),
)

DEVIATIONS = file_of(
    Part.DEVIATIONS,
    "deviations",
    "Departures from the protocol",
    id_of("deviation", "deviation_id", "Deviation's id"),
    stored("deviation", "code", Kind.CODE, "Kind", codes="DeviationCode"),
    stored("deviation", "description", Kind.TEXT, "Description"),
    stored("deviation", "occurred_on", Kind.DATE, "Day"),
    stored("deviation", "source", Kind.CODE, "Who noticed it", codes="DeviationSource"),
    *made("deviation"),
)
