"""What the demo reads of the trial before it begins: nothing of it stands in its code."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from services.api.demo.client import Caller

Json = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """The study and its current protocol, as the API gives them."""

    sites: tuple[str, ...]
    arms: tuple[str, ...]
    treated_arms: frozenset[str]
    consent_versions: dict[str, str]
    eligibility: Json
    zone: ZoneInfo
    lead_days: int
    window_days: int
    grades: dict[str, int]
    coverage_share: float
    last_grading_from_day: int
    cap: int
    allocated: int

    def moment(self, day: date, hour: int, minute: int = 0) -> str:
        """A moment of a local day, in UTC, as the API wants it."""
        local = datetime.combine(day, time(hour, minute), self.zone)
        return local.astimezone(UTC).isoformat().replace("+00:00", "Z")


def read_trial(reader: Caller) -> Trial:
    """The trial as a trial-wide reader sees it.

    Raises:
        Unexpected: an answer is not what the contract says.
    """
    study = reader.get("/v1/study").body
    protocol = reader.get(f"/v1/protocol-versions/{study['protocol_version']}")
    document = protocol["document"]
    sites = tuple(site["code"] for site in document["sites"])
    endpoint = document["endpoint"]
    return Trial(
        sites=sites,
        arms=tuple(arm["code"] for arm in study["arms"]),
        treated_arms=frozenset(arm["code"] for arm in study["arms"] if arm["receives_study_drug"]),
        consent_versions={site: _consent_version(reader, site) for site in sites},
        eligibility=protocol["eligibility"],
        zone=ZoneInfo(study["time_zone"]),
        lead_days=document["treatment"]["starts_days_before_rt"],
        window_days=endpoint["window_days_after_rt_end"],
        grades={"primary": endpoint["severe_grade"], "secondary": endpoint["any_grade"]},
        coverage_share=endpoint["coverage_share"],
        last_grading_from_day=endpoint["last_grading_from_day"],
        cap=document["randomization"]["cap"],
        allocated=sum(1 for _ in reader.pages("/v1/randomizations")),
    )


def _consent_version(reader: Caller, site: str) -> str:
    """The consent form that the ethics committee approved last at a site."""
    approvals = list(reader.pages(f"/v1/sites/{site}/activations"))
    return str(approvals[-1]["consent_version"])
