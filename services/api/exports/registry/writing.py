"""The registry's own JSON of the study, with results for who may compare arms."""

import json
from collections.abc import Iterator, Sequence

from services.api.exports.extract import Extract, Options
from services.api.exports.registry.adverse_events import adverse_events
from services.api.exports.registry.baseline import baseline
from services.api.exports.registry.flow import participant_flow
from services.api.exports.registry.outcomes import outcome_measures
from services.api.exports.registry.people import Person, people
from services.api.exports.registry.record import country, protocol_section, standing
from services.api.protocol.schema import Json


def study(extract: Extract, *, by_arm: bool) -> Json:
    """The study as ClinicalTrials.gov's API v2 tells of one."""
    everybody = people(extract, by_arm=by_arm)
    now = standing(extract, everybody)
    told: Json = {"protocolSection": protocol_section(extract.protocol, now)}
    if by_arm:
        told["resultsSection"] = _results(extract, everybody, over=now.ended_on is not None)
    return told | {"hasResults": by_arm}


def write(extract: Extract, options: Options) -> Iterator[bytes]:
    """The study as one object."""
    told = study(extract, by_arm=options.by_arm)
    yield json.dumps(told, ensure_ascii=False, indent=2, allow_nan=False).encode() + b"\n"


def _results(extract: Extract, everybody: Sequence[Person], *, over: bool) -> Json:
    protocol, today = extract.protocol, extract.today
    results = {
        "participantFlowModule": participant_flow(everybody, protocol, today),
        "baselineCharacteristicsModule": baseline(everybody, protocol, country(protocol)),
        "outcomeMeasuresModule": outcome_measures(everybody, protocol, today),
        "adverseEventsModule": adverse_events(everybody, protocol),
    }
    if not over:
        results["moreInfoModule"] = {
            "limitationsAndCaveats": {
                "description": f"Interim figures as of {today}, of a trial that is not over: for"
                " those who watch over it, and not for publication."
            }
        }
    return results
