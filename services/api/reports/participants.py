"""The trial's subjects as the reports count them: plain rows, gathered once for each report."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.api.endpoint.rules import Outcome
from services.api.enrolment.rules import SubjectStatus, failed_screening


@dataclass(frozen=True, slots=True)
class Participant:
    """One screened subject. Days are local calendar dates.

    `arm` is None in every report that is blind; `stratum` is the one used to
    randomize. `retained` is False for the later allocations of a person who
    was randomized more than once.
    """

    id: UUID
    site: str
    status: str
    failed: tuple[str, ...] = ()
    """The criteria that the last evaluation of a subject who was not randomized fails."""
    randomized_on: date | None = None
    stratum: str | None = None
    arm: str | None = None
    retained: bool = True
    treatment_cause: str | None = None
    study_cause: str | None = None
    left_on: date | None = None
    outcome: Outcome = field(default_factory=Outcome)

    @property
    def screen_failed(self) -> bool:
        """Whether the subject failed screening, whatever happened to them since."""
        return failed_screening(SubjectStatus(self.status), self.left_on)

    @property
    def analysed(self) -> bool:
        """Whether the subject belongs to the intention-to-treat set."""
        return self.randomized_on is not None and self.retained

    def over(self, today: date) -> bool:
        """Whether nothing more can be observed of the endpoint."""
        window = self.outcome.window
        if window is None:
            return self.left_on is not None
        return window.over(today, self.left_on)


def analysis_set(participants: Iterable[Participant]) -> list[Participant]:
    """All who were randomized, each person once: intention to treat.

    Source: ICH E9, section 5.2.1; Yelland et al., PMC4509880, for duplicates.
    """
    return [one for one in participants if one.analysed]
