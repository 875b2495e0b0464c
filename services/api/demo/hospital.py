"""A hospital: its accounts, its subjects, and its day."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from services.api.demo.agenda import Agenda
from services.api.demo.chance import Chance
from services.api.demo.client import NEW, Answer, Caller, Json, Unexpected
from services.api.demo.course import HEALTHY, Course
from services.api.demo.person import Leaving, Person
from services.api.demo.trial import Trial


@dataclass
class Subject:
    """A person as the hospital knows them since they were entered."""

    person: Person
    id: str
    number: str
    status: str
    consent_id: str = ""
    plan: Json = field(default_factory=dict)
    plan_tag: str = ""
    stratum: Json = field(default_factory=dict)
    arm: str | None = None
    course: Course = HEALTHY
    first_on: date | None = None
    last_on: date | None = None
    visits: dict[str, date] = field(default_factory=dict)
    ungraded_visit: str = ""
    attended: set[str] = field(default_factory=set)
    grades: dict[str, tuple[date, int]] = field(default_factory=dict)
    drug_from: date = date.min
    stopped_on: date | None = None
    stopped_tag: str = NEW
    left: Leaving | None = None

    @property
    def path(self) -> str:
        """Where the API keeps the subject."""
        return f"/v1/subjects/{self.id}"

    @property
    def planned_start(self) -> date:
        """The first day of radiotherapy by the plan."""
        return date.fromisoformat(self.plan["planned_start"])

    def chance(self, question: str) -> Chance:
        """The chance that answers one question about this person."""
        return self.person.chance(question)


MISREAD = (Unexpected, LookupError, TypeError, ValueError)
"""What an answer that is not as the contract says comes to: refused, or of another shape."""

Task = Callable[["Hospital", Subject, date], None]


@dataclass
class Hospital:
    """A site of the trial and the accounts that act for it, one after the other.

    Where there is a hospital system, it enters the data and randomizes.
    `stranger` is an investigator of another hospital, `officer` the sponsor's safety officer.
    """

    site: str
    trial: Trial
    investigator: Caller
    coordinator: Caller
    assessor: Caller
    second_assessor: Caller
    stranger: Caller
    officer: Caller
    system: Caller | None = None
    agenda: Agenda = field(default_factory=Agenda)
    subjects: list[Subject] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    reacted: bool = False
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def clerk(self) -> Caller:
        """Who enters data."""
        return self.system or self.coordinator

    @property
    def randomizer(self) -> Caller:
        """Who asks for the arm."""
        return self.system or self.investigator

    @property
    def randomized(self) -> int:
        """How many of its subjects hold an allocation."""
        return sum(subject.arm is not None for subject in self.subjects)

    def note(self, day: date, subject: Subject, task: Task) -> None:
        """Do something about a subject on a day."""
        self.agenda.note(day, subject.number, partial(task, self, subject))

    def work(self, day: date) -> None:
        """Do what is due; a subject whose answers are unexpected is not followed any further."""
        for owner, act in self.agenda.due(day):
            try:
                act(day)
            except MISREAD as error:
                self.unexpected.append(f"{day} {owner}: {type(error).__name__}: {error}")
                self.agenda.drop(owner)

    def read(self, subject: Subject, status: str) -> Answer:
        """The subject, who must stand so in the trial."""
        answer = self.clerk.get(subject.path).holds(
            id=subject.id, number=subject.number, site=self.site, status=status
        )
        subject.status = status
        return answer

    def set_status(self, subject: Subject, before: str, status: str, reason: str) -> None:
        """Set by hand a status that a person may set."""
        tag = self.read(subject, before).tag
        body = {"status": status, "reason": reason}
        self.clerk.patch(subject.path, body, tag).holds(status=status)
        subject.status = status
