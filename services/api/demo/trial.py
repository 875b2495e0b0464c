"""What the demo reads of the trial before it begins: nothing of it stands in its code."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from zoneinfo import ZoneInfo

from services.api.demo.client import Caller
from services.api.protocol.schema import Protocol, Scale


@dataclass(frozen=True)
class Trial:
    """The current protocol as the API gives it, and how far the trial is."""

    protocol: Protocol
    consent_versions: dict[str, str]
    allocated: int

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites' codes, in the document's order."""
        return tuple(site.code for site in self.protocol.sites)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms' codes, in the document's order."""
        return tuple(arm.code for arm in self.protocol.arms)

    @property
    def cap(self) -> int:
        """How many subjects the trial allocates."""
        return self.protocol.randomization.cap

    @property
    def grades(self) -> dict[str, int]:
        """The grade that each outcome asks for."""
        endpoint = self.protocol.endpoint
        return {"primary": endpoint.severe_grade, "secondary": endpoint.any_grade}

    @cached_property
    def scale(self) -> Scale:
        """The scale on which assessors grade."""
        return self.protocol.scale("protocol")

    def receives_drug(self, arm: str) -> bool:
        """Whether subjects of an arm receive the study drug."""
        return any(one.code == arm and one.receives_study_drug for one in self.protocol.arms)

    def benefits(self, arm: str) -> bool:
        """Whether subjects of an arm have the milder course: a placebo does not bring it."""
        return any(one.code == arm and one.type == "experimental" for one in self.protocol.arms)

    def moment(self, day: date, hour: int, minute: int = 0) -> str:
        """A moment of a local day, in UTC, as the API wants it."""
        zone = ZoneInfo(self.protocol.study.time_zone)
        local = datetime.combine(day, time(hour, minute), zone)
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_trial(reader: Caller) -> Trial:
    """The trial as a trial-wide reader sees it.

    Raises:
        Unexpected: an answer is not what the contract says.
        ValueError: the document is none that this version of the service follows.
    """
    version = reader.get("/v1/study")["protocol_version"]
    document = reader.get(f"/v1/protocol-versions/{version}")["document"]
    protocol = Protocol.model_validate_json(json.dumps(document))
    return Trial(
        protocol=protocol,
        consent_versions={
            site.code: _consent_version(reader, site.code) for site in protocol.sites
        },
        allocated=sum(1 for _ in reader.pages("/v1/randomizations")),
    )


def _consent_version(reader: Caller, site: str) -> str:
    """The consent form that the ethics committee approved last at a site."""
    approvals = list(reader.pages(f"/v1/sites/{site}/activations"))
    return str(approvals[-1]["consent_version"])
