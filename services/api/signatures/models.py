"""What every table of signatures, and every record that is signed, has in common."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Constraint, ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from services.api.core.making import new_id
from services.api.core.permissions import Role
from services.api.core.records import OfSubject, Versioned, of_subject
from services.api.signatures.rules import SignatureMeaning, content_hash


class Signable(Versioned):
    """A version of a record that people sign."""

    @property
    def content_hash(self) -> str:
        """What a signature on this version is bound to."""
        return content_hash(str(self.__tablename__), self.model_dump())


class Signature(OfSubject):
    """A signature on one version of a record; `recorded_by` is the signer.

    Each table adds the key of its record, and names in `meanings` what may be
    stated of it.
    """

    meanings: ClassVar[Collection[SignatureMeaning]]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    version: int
    content_hash: str
    meaning: str
    signed_by: str
    signer_role: str
    signed_at: datetime


def signature_constraints(
    name: str, record: str, key: Mapping[str, str], meanings: Collection[SignatureMeaning]
) -> tuple[Constraint, ...]:
    """The constraints of the table of signatures on the versions of `record`.

    `key` maps the signature's columns that name the record to the record's
    own. What is signed is a version that exists, of that subject at that
    site; it is signed once, and never by a system.
    """
    columns = {"site": "site", "subject_id": "subject_id", **key, "version": "version"}
    stated = ", ".join(f"'{meaning.value}'" for meaning in meanings)
    return (
        of_subject(),
        ForeignKeyConstraint(
            [*columns],
            [f"{record}.{column}" for column in columns.values()],
            name=f"{name}_signature_of_version",
        ),
        UniqueConstraint(*key, "version", name=f"{name}_signed_once"),
        CheckConstraint(f"meaning IN ({stated})", name=f"{name}_signature_meaning_known"),
        CheckConstraint(
            f"signer_role <> '{Role.HOSPITAL_SYSTEM.value}'", name=f"{name}_signed_by_person"
        ),
    )
