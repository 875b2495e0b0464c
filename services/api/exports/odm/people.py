"""Who made the records: accounts by their ids and roles, never by their names."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select as columns_of
from sqlalchemy import union
from sqlmodel import SQLModel

from services.api.exports.extract import Extract, Part
from services.api.exports.odm import names


class Person(NamedTuple):
    """An account that made a record; `role` is empty where the service knows no such account."""

    oid: str
    role: str
    sites: tuple[str, ...]


TYPES: Mapping[str, str] = {
    "investigator": "Investigator",
    "coordinator": "Other",
    "assessor": "Assessor",
    "monitor": "Monitor",
    "data_manager": "Sponsor",
    "safety_officer": "Sponsor",
    "statistician": "Data analyst",
}
"""ODM 2.0's type of a user by role; every other role is `Other`."""

FIRST_TYPES = frozenset({"Sponsor", "Investigator", "Lab", "Other"})
"""The types that ODM 1.3.2 knows."""


def people(extract: Extract) -> list[Person]:
    """Whoever made a record about a subject, and the service itself."""
    tables = [SQLModel.metadata.tables["subject"]]
    tables += [SQLModel.metadata.tables[part.source.name] for part in Part]
    sites = extract.caller.sites
    query = union(
        *(
            columns_of(table.c.recorded_by).where(table.c.site.in_(sites)).distinct()
            for table in tables
        )
    )
    found = sorted(extract.session.connection().execute(query).scalars(), key=str)
    return [Person(names.SERVICE, "service", ()), *(_person(extract, one) for one in found)]


def _person(extract: Extract, account: UUID) -> Person:
    user = extract.users.get(account)
    return Person(names.user(account), user.role if user else "", user.sites if user else ())
