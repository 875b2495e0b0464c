"""The trial's record in the public registry, as it was published: what the protocol adds to it.

Source: ClinicalTrials.gov, API v2; the names of people to contact are left out.
"""

import json
from functools import cache
from pathlib import Path

from services.api.protocol.schema import Json

DIRECTORY = Path(__file__).parent / "documents"


@cache
def published(nct_id: str) -> Json:
    """The record's `protocolSection`; nothing of a trial whose record the service does not hold.

    It is read once and shared: whoever changes it changes a copy.
    """
    path = DIRECTORY / f"{nct_id.lower()}-registry.json"
    if not path.exists():
        return {}
    section: Json = json.loads(path.read_text(encoding="utf-8"))["protocolSection"]
    return section
