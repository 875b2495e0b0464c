"""The protocol's section on adverse events: their dictionary, clocks and stopping rules."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from services.api.protocol.section import Identifier, Section, Text


class Recipient(StrEnum):
    """To whom a safety report is owed."""

    SPONSOR = "sponsor"
    REGULATOR = "regulator"
    ETHICS_COMMITTEE = "ethics_committee"


"""To whom a case is reported."""

MEDDRA_VERSION = r"^[1-9][0-9]?\.[01]$"
"""MedDRA is published each March (x.0) and September (x.1)."""


class SafetyClock(Section):
    """A reporting deadline counted from awareness (day 0), in hours or calendar days.

    Each of `recipients` is owed a report of its own. `follow_up_days` after the
    deadline a follow-up report is due as well. A reminder goes out so many
    hours before the deadline as `remind_hours_before` names, longest first.
    """

    id: Identifier
    label: Text
    applies_to: Literal["serious", "susar_fatal_or_life_threatening", "susar_other"]
    hours: Annotated[int, Field(gt=0)] | None = None
    days: Annotated[int, Field(gt=0)] | None = None
    follow_up_days: Annotated[int, Field(gt=0)] | None = None
    recipients: tuple[Recipient, ...] = Field(min_length=1)
    remind_hours_before: tuple[Annotated[int, Field(gt=0)], ...] = ()
    source: Text

    @model_validator(mode="after")
    def one_unit(self) -> Self:
        if (self.hours is None) == (self.days is None):
            raise ValueError("give either hours or days")
        if self.follow_up_days is not None and self.days is None:
            raise ValueError("follow_up_days are counted from days")
        return self

    @property
    def shortest_hours(self) -> int:
        """Hours between awareness and the nearest moment at which the deadline can lie.

        A day clock ends with a local day, so it is never shorter than its days.
        """
        return self.hours if self.hours is not None else 24 * (self.days or 0)


class CountedEvents(Section):
    """Which adverse events make a subject count: of the grade or worse, since randomization.

    With `related_only` those of which the investigator or the sponsor holds that
    the study drug may have caused them.
    """

    grade_at_least: Annotated[int, Field(ge=1, le=5)]
    related_only: bool


class Prior(Section):
    """What is assumed of a rate beforehand, as if so many subjects had been watched."""

    events: Annotated[int, Field(gt=0)]
    subjects: Annotated[int, Field(gt=0)]

    @model_validator(mode="after")
    def not_sure(self) -> Self:
        if self.events >= self.subjects:
            raise ValueError("a prior has fewer events than subjects")
        return self


class StoppingRule(Section):
    """When the committee must look at an arm: its rate of events is too probably too high.

    It is reached when the probability that the rate lies above `threshold` is
    `certainty` or more, given the prior and the arm's subjects so far, of whom
    there must be `minimum_subjects`. Nothing stops by itself.
    """

    id: Identifier
    label: Text
    arm: Identifier
    counts: CountedEvents
    method: Literal["beta_binomial"]
    prior: Prior
    threshold: Annotated[float, Field(gt=0, lt=1)]
    certainty: Annotated[float, Field(gt=0, lt=1)]
    minimum_subjects: Annotated[int, Field(gt=0)]
    source: Text


class AgeGroup(Section):
    """A group of ages in completed years, up to the next group's beginning."""

    group: Literal["infant", "child", "adolescent", "adult", "elderly"]
    from_years: Annotated[int, Field(ge=0)]


Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1, two letters."""


class CaseReporting(Section):
    """What a case report in ICH E2B(R3) says that stands in no record of a subject.

    `organisation` is the sponsor's short name inside report identifiers;
    `language` that of the site's texts (ISO 639-2); `study_drug`, `dose_form`
    and `route` are how the report words the study drug.
    """

    country: Country
    registry_country: Country
    organisation: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,20}$")]
    sender_type: Literal["pharmaceutical_company", "health_professional", "other"]
    sender_identifier: Annotated[str, Field(min_length=1, max_length=60)]
    receiver_identifier: Annotated[str, Field(min_length=1, max_length=60)]
    reporter_qualification: Literal["physician", "other_health_professional"]
    language: Annotated[str, Field(pattern=r"^[a-z]{3}$")]
    study_drug: Annotated[str, Field(min_length=1, max_length=250)]
    dose_form: Annotated[str, Field(min_length=1, max_length=60)]
    route: Annotated[str, Field(min_length=1, max_length=60)]
    age_groups: tuple[AgeGroup, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def groups_ascend(self) -> Self:
        begins = [group.from_years for group in self.age_groups]
        if begins != sorted(set(begins)):
            raise ValueError("age groups stand in the order of age, each once")
        return self


class AdverseEvents(Section):
    dictionary: Literal["ctcae"]
    dictionary_version: Text
    meddra_version: Annotated[str, Field(pattern=MEDDRA_VERSION)]
    """Of the MedDRA codes that the dictionary gives its terms."""
    collected_until_days_after_rt_end: Annotated[int, Field(ge=0)]
    related: tuple[Text, ...] = Field(min_length=1)
    graded_instead: tuple[Text, ...] = ()
    """Terms recorded as gradings, which become adverse events only when serious."""
    unassessed_expectedness: Literal["expected", "unexpected"]
    """What a reaction counts as until the sponsor has judged whether it was expected."""
    clocks: tuple[SafetyClock, ...] = Field(min_length=1)
    stopping_rules: tuple[StoppingRule, ...] = ()
    case_report: CaseReporting

    def expects(self, assessed: bool | None) -> bool:
        """Whether a reaction counts as expected; None: the sponsor has not judged it yet."""
        return self.unassessed_expectedness == "expected" if assessed is None else assessed
