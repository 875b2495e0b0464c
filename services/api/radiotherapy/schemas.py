"""Radiotherapy as callers see it."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypeAliasType

from services.api.core.bodies import Body, ChangeReason, Instant, LocalDate, Reason

MOST_INTERRUPTIONS = 50

FactorValue = TypeAliasType(
    "FactorValue",
    Annotated[
        bool | str,
        Field(description="One factor's value: true or false, or the code of one of its levels."),
    ],
)
FactorValues = TypeAliasType(
    "FactorValues",
    Annotated[
        dict[str, FactorValue],
        Field(
            description="The value of each stratification factor, by its id in the protocol"
            " (`randomization.factors`).",
            examples=[{"site": "NN", "concurrent_chemotherapy": True}],
        ),
    ],
)

Dose = Annotated[float, Field(ge=0, le=200)]
Fractions = Annotated[int, Field(ge=0, le=100)]
INTERRUPTION = {"from": "2026-04-06", "to": "2026-04-08", "reason": "Machine out of service"}
STRATIFICATION = {"cisplatin_schedule": "weekly", "treatment_setting": "definitive"}


class InterruptionWrite(Body):
    """Days of radiotherapy on which no fraction was given, both included."""

    from_: LocalDate = Field(
        alias="from",
        examples=["2026-04-06"],
        description="The first day without a fraction: not before the first fraction.",
    )
    to: LocalDate | None = Field(
        default=None,
        examples=["2026-04-08"],
        description="The last one; null while it goes on.",
    )
    reason: Reason = Field(
        examples=["Machine out of service"], description="Why no fraction was given."
    )


class InterruptionRead(BaseModel):
    """Days of radiotherapy on which no fraction was given, both included."""

    model_config = ConfigDict(populate_by_name=True)

    from_: date = Field(
        alias="from", examples=["2026-04-06"], description="The first day without a fraction."
    )
    to: date | None = Field(
        examples=["2026-04-08"], description="The last day; null while it goes on."
    )
    reason: str = Field(
        examples=["Machine out of service"], description="Why no fraction was given."
    )


class RadiotherapyPut(Body):
    """The whole plan and delivery as it is known now; what is left out is not known."""

    planned_dose_gy: Annotated[float, Field(ge=1, le=200, examples=[66])]
    planned_fractions: Annotated[int, Field(ge=1, le=100, examples=[33])]
    planned_start: LocalDate = Field(examples=["2026-03-16"])
    concurrent_chemotherapy: bool = Field(
        examples=[True], description="A stratification factor, where the protocol names it."
    )
    stratification: FactorValues | None = Field(
        default=None,
        examples=[None, STRATIFICATION],
        description="The value of every factor that the protocol has recorded here.",
    )
    first_fraction_on: LocalDate | None = Field(default=None, examples=["2026-03-16"])
    last_fraction_on: LocalDate | None = None
    delivered_dose_gy: Dose | None = Field(default=None, examples=[66])
    delivered_fractions: Fractions | None = Field(default=None, examples=[33])
    interruptions: list[InterruptionWrite] = Field(
        default_factory=list,
        max_length=MOST_INTERRUPTIONS,
        examples=[[INTERRUPTION]],
        description="In their order and apart from each other; only the last may go on. It may be"
        " left out as long as none is recorded; an empty list takes the recorded ones back.",
    )
    reason: ChangeReason


class RadiotherapyRead(BaseModel):
    """Radiotherapy as planned and delivered; everything is null before it is recorded."""

    model_config = ConfigDict(from_attributes=True)

    planned_dose_gy: float | None = Field(default=None, examples=[66])
    planned_fractions: int | None = Field(default=None, examples=[33])
    planned_start: date | None = Field(default=None, examples=["2026-03-16"])
    concurrent_chemotherapy: bool | None = Field(default=None, examples=[True])
    stratification: FactorValues | None = Field(
        default=None,
        examples=[None, STRATIFICATION],
        description="The stratification factors recorded here; null where there are none.",
    )
    first_fraction_on: date | None = None
    last_fraction_on: date | None = None
    delivered_dose_gy: float | None = Field(default=None, examples=[66])
    delivered_fractions: int | None = Field(default=None, examples=[33])
    interruptions: Annotated[
        list[InterruptionRead], BeforeValidator(lambda stored: stored or [])
    ] = Field(default_factory=list, description="Days without fractions, in their order.")
    protocol_version: str | None = Field(default=None, examples=["1.0"])
    reason: str | None = Field(default=None, examples=["First fraction delivered"])
    recorded_at: Instant | None = None
    version: int = Field(default=0, description="0 before anything is recorded.", examples=[1])
