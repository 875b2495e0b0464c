"""The content of a case report: ICH E2B(R3), element by element, each under its number.

A value that E2B(R3) wants and the trial cannot give is a `Missing` with its
reason; an optional element that does not apply is null. Lengths are those of
the ICH implementation guide, and every text was fitted to its length before.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from services.api.core.bodies import Instant


class NullFlavor(StrEnum):
    """Why a value is not given, in the words of HL7."""

    NI = "NI"
    """No information."""
    MSK = "MSK"
    """Known, and withheld for the person's privacy."""
    UNK = "UNK"
    """Unknown."""
    NASK = "NASK"
    """Not asked: the trial does not record it."""


class Content(BaseModel):
    """A part of a report: immutable, without further members."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Missing(Content):
    """A value that is not given, and why."""

    null_flavor: NullFlavor = Field(
        examples=["MSK"],
        description="NI no information, MSK withheld, UNK unknown, NASK not asked.",
    )


Yes = TypeAliasType(
    "Yes",
    Annotated[
        Literal[True],
        Field(description="E2B(R3) says yes or gives a reason for saying nothing; it has no «no»."),
    ],
)
YesOrMissing = TypeAliasType(
    "YesOrMissing",
    Annotated[Yes | Missing, Field(description="True, or why it is not said.")],
)


class Coded(Content):
    """A code of one of ICH's lists, and what it means."""

    code: str = Field(examples=["2"], description="As it stands in the message.")
    meaning: str = Field(examples=["report from study"], description="The list's words for it.")


CodedOrMissing = TypeAliasType(
    "CodedOrMissing",
    Annotated[Coded | Missing, Field(description="A code, or why there is none.")],
)


def element(number: str, text: str, example: Any, **limits: Any) -> Any:
    """A field that is one element of E2B(R3), found by its number in the document and in tests."""
    return Field(
        description=f"{number}: {text}",
        examples=[example],
        title=number,  # the document shows it in the description alone
        **limits,
    )


NI = {"null_flavor": "NI"}
CASE = "CN-FAHGXMU-019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"
EVENT = "019c8a56-90c4-7b3d-8f21-6e5d4c3b2a19"


class Message(Content):
    """N: the batch of one message, and the message."""

    batch_type: Coded = element("N.1.1", "type of messages", {"code": "1", "meaning": "ichicsr"})
    batch_number: str = element("N.1.2", "batch number", f"{CASE}-2", max_length=100)
    batch_sender: str = element("N.1.3", "batch sender", "FAHGXMU", max_length=60)
    batch_receiver: str = element("N.1.4", "batch receiver", "CDE", max_length=60)
    batch_sent_at: Instant = element("N.1.5", "date of transmission", "2026-04-12T02:00:00Z")
    message_id: str = element("N.2.r.1", "message, the same as C.1.1", CASE, max_length=100)
    message_sender: str = element("N.2.r.2", "message sender", "FAHGXMU", max_length=60)
    message_receiver: str = element("N.2.r.3", "message receiver", "CDE", max_length=60)
    created_at: Instant = element("N.2.r.4", "creation of the message", "2026-04-12T02:00:00Z")


class Report(Content):
    """C.1: which report this is."""

    safety_report_id: str = element(
        "C.1.1", "the sender's identifier, the same in every version", CASE, max_length=100
    )
    created_at: Instant = element("C.1.2", "creation of this version", "2026-04-12T02:00:00Z")
    report_type: Coded = element("C.1.3", "type", {"code": "2", "meaning": "report from study"})
    first_received_at: Instant = element("C.1.4", "first received", "2026-04-11T01:15:00Z")
    latest_information_at: Instant = element(
        "C.1.5", "most recent information", "2026-04-12T01:00:00Z"
    )
    additional_documents: bool = element("C.1.6.1", "additional documents", example=False)
    expedited: bool = element("C.1.7", "fulfils the criteria for expedited reporting", example=True)
    worldwide_id: str = element("C.1.8.1", "worldwide unique identifier", CASE, max_length=100)
    first_sender: Coded = element("C.1.8.2", "first sender", {"code": "2", "meaning": "other"})
    other_identifiers: Missing = element("C.1.9.1", "identifiers of other senders", NI)
    linked_reports: list[str] = element(
        "C.1.10.r", "reports on other cases of the same subject", [CASE]
    )
    change: Coded | None = element(
        "C.1.11.1", "nullification", {"code": "1", "meaning": "nullification"}
    )
    change_reason: str | None = element(
        "C.1.11.2", "why", "Recorded for another subject", max_length=2000
    )


class PrimarySource(Content):
    """C.2.r: who told the sender. No person is named."""

    family_name: Missing = element("C.2.r.1.4", "reporter's name", {"null_flavor": "MSK"})
    organisation: str = element(
        "C.2.r.2.1", "reporter's organisation", "LiuZhou People's Hospital", max_length=60
    )
    country: str = element("C.2.r.3", "reporter's country", "CN", max_length=2)
    qualification: Coded = element(
        "C.2.r.4", "reporter's qualification", {"code": "1", "meaning": "physician"}
    )
    primary: Coded = element("C.2.r.5", "primary source", {"code": "1", "meaning": "primary"})


class Sender(Content):
    """C.3: the sponsor."""

    type: Coded = element("C.3.1", "type of sender", {"code": "6", "meaning": "other"})
    organisation: str = element(
        "C.3.2",
        "organisation",
        "First Affiliated Hospital of Guangxi Medical University",
        max_length=100,
    )
    country: str = element("C.3.4.5", "country", "CN", max_length=2)


class Registration(Content):
    """C.5.1.r: the study in a public registry."""

    number: str = element("C.5.1.r.1", "registration number", "NCT07312656", max_length=50)
    country: str = element("C.5.1.r.2", "country of the registry", "US", max_length=2)


class StudyIdentification(Content):
    """C.5: the trial."""

    registrations: list[Registration] = Field(description="C.5.1.r: public registries.")
    name: str = element("C.5.2", "name", "A Randomized Controlled Trial", max_length=2000)
    sponsor_number: str = element("C.5.3", "sponsor's number", "2025-K0439", max_length=50)
    type: Coded = element("C.5.4", "type of study", {"code": "1", "meaning": "clinical trials"})


class CauseOfDeath(Content):
    """D.9.2.r: a cause as the site reported it."""

    meddra_version: str = element("D.9.2.r.1a", "version of MedDRA", "20.1", max_length=4)
    meddra_code: str = element("D.9.2.r.1b", "code in MedDRA", "10035664", max_length=8)
    text: str = element("D.9.2.r.2", "in words", "Aspiration", max_length=250)


class Death(Content):
    """D.9: the subject died."""

    died_on: date | None = element("D.9.1", "day of death, where it is known", "2026-04-20")
    causes: list[CauseOfDeath] = Field(description="D.9.2.r: reactions of this case that killed.")
    autopsy: Missing = element("D.9.3", "autopsy", {"null_flavor": "NASK"})


class Patient(Content):
    """D: whom it happened to."""

    name: Missing = element("D.1", "name or initials", {"null_flavor": "MSK"})
    investigation_number: str = element("D.1.1.4", "number in the trial", "NN-0007", max_length=20)
    age_group: CodedOrMissing = element(
        "D.2.3",
        "age group at the first onset; UNK when the year of birth leaves two",
        {"code": "5", "meaning": "adult"},
    )
    sex: Coded = element("D.5", "sex", {"code": "2", "meaning": "female"})
    medical_history: Missing = element("D.7.2", "medical history", {"null_flavor": "NASK"})
    concomitant_therapies: Yes | None = element(
        "D.7.3",
        "true with concurrent chemotherapy, which section G does not describe",
        example=True,
    )
    death: Death | None = Field(description="D.9: only if the subject died.")


class Reaction(Content):
    """E.i: one occurrence of the case; a case whose severity changes has several."""

    id: UUID = Field(description="The adverse event's `id`.", examples=[EVENT])
    reported: str = element("E.i.1.1a", "as reported", "Dysphagia", max_length=250)
    language: str = element("E.i.1.1b", "its language", "eng", max_length=3)
    meddra_version: str = element("E.i.2.1a", "version of MedDRA", "20.1", max_length=4)
    meddra_code: str = element("E.i.2.1b", "code in MedDRA", "10013950", max_length=8)
    death: YesOrMissing = element("E.i.3.2a", "results in death", NI)
    life_threatening: YesOrMissing = element("E.i.3.2b", "life threatening", NI)
    hospitalisation: YesOrMissing = element(
        "E.i.3.2c", "caused or prolonged hospitalisation", example=True
    )
    disability: YesOrMissing = element("E.i.3.2d", "disabling", NI)
    congenital_anomaly: YesOrMissing = element("E.i.3.2e", "congenital anomaly", NI)
    other_medically_important: YesOrMissing = element(
        "E.i.3.2f", "other medically important condition", NI
    )
    started_on: date = element("E.i.4", "start", "2026-04-10")
    ended_on: date | None = element("E.i.5", "end, where there is one", "2026-04-20")
    outcome: Coded = element("E.i.7", "outcome", {"code": "2", "meaning": "recovering/resolving"})
    country: str = element("E.i.9", "country", "CN", max_length=2)


class Dosage(Content):
    """G.k.4.r: how it was given."""

    dose: str | None = element("G.k.4.r.1a", "dose", "1.5", max_length=8)
    dose_unit: str | None = element("G.k.4.r.1b", "its unit in UCUM", "mL", max_length=50)
    interval: str | None = element("G.k.4.r.2", "interval between doses", "8", max_length=4)
    interval_unit: str | None = element("G.k.4.r.3", "its unit in UCUM", "h", max_length=50)
    started_on: date | None = element("G.k.4.r.4", "first day", "2026-04-01")
    ended_on: date | None = element("G.k.4.r.5", "last day so far", "2026-04-09")
    text: str = element("G.k.4.r.8", "in words", "1.5 mL three times a day", max_length=2000)
    form: str | None = element("G.k.4.r.9.1", "dose form", "Oral spray", max_length=60)
    route: str | None = element("G.k.4.r.10.1", "route", "Oromucosal", max_length=60)


class Assessment(Content):
    """G.k.9.i: one party's judgment whether one reaction comes from this treatment."""

    reaction: UUID = element("G.k.9.i.1", "the reaction's `id`", EVENT)
    source: str = element("G.k.9.i.2.r.1", "who judged", "Investigator", max_length=60)
    result: str = element("G.k.9.i.2.r.3", "their judgment", "Possibly related", max_length=60)


class Drug(Content):
    """G.k: the study drug, or radiotherapy."""

    id: UUID = Field(description="Names the treatment inside the report.", examples=[EVENT])
    role: Coded = element("G.k.1", "role", {"code": "1", "meaning": "suspect"})
    name: str = element("G.k.2.2", "name", "Exosome oral spray", max_length=250)
    dosages: list[Dosage] = Field(description="G.k.4.r: how it was given.")
    indications: list[str] = element("G.k.7.r.1", "what for", ["Oral mucositis"])
    action: Coded | None = element(
        "G.k.8",
        "action taken; only of the study drug",
        {"code": "4", "meaning": "dose not changed"},
    )
    assessments: list[Assessment] = Field(description="G.k.9.i: each party's, side by side.")
    additional_information: str | None = element(
        "G.k.11", "what no code says", "Interrupted, to be resumed", max_length=2000
    )


class Continuation(Content):
    """H.5.r: a further part of the narrative."""

    text: str = element("H.5.r.1a", "what H.1 has no room for", "… and so on", max_length=100_000)
    language: str = element("H.5.r.1b", "its language", "eng", max_length=3)


class Narrative(Content):
    """H: the case in words."""

    text: str = element("H.1", "the case", "Occurrence 1: Dysphagia …", max_length=100_000)
    sender_comments: str = element(
        "H.4",
        "the sponsor's comments; expectedness, for which E2B(R3) has no element",
        "Sponsor: possibly related to the study drug; unexpected.",
        max_length=20_000,
    )
    continued: list[Continuation] = Field(description="H.5.r: only of a text that H.1 cannot hold.")


class CaseReport(Content):
    """The individual case safety report of a SUSAR: all that the message in XML holds."""

    message: Message = Field(description="N: who sends what to whom, and when.")
    report: Report = Field(
        description="C.1: which report this is, and of which version of the facts."
    )
    primary_source: PrimarySource = Field(description="C.2.r: who told the sponsor.")
    sender: Sender = Field(description="C.3: the sponsor, who answers for the report.")
    study: StudyIdentification = Field(description="C.5: the trial in which it happened.")
    patient: Patient = Field(description="D: the subject, by number only.")
    reactions: list[Reaction] = Field(description="E: the case's occurrences, oldest first.")
    drugs: list[Drug] = Field(description="G: the study drug, and radiotherapy once it began.")
    narrative: Narrative = Field(description="H: the case in words, and the sponsor's comments.")
