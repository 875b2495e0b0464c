"""Thousands of subjects ready to be randomized, within seconds.

One subject of each kind goes through the API. The others are copies of that
subject's rows, written by SQL with ids, numbers and hashes of their own; the
constraints and the audit triggers hold for them as for any row.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from services.api.core.making import new_id
from services.api.eligibility.models import EligibilityEvaluation
from services.api.signatures.rules import SignatureMeaning
from tests.facts import eligible_facts
from tests.lived import columns, name, plain
from tests.make import Api, Json, ok, plan

Kind = tuple[str, bool]
"""A site, and whether there is concurrent chemotherapy: together a stratum of the first trial."""

TABLES = (
    "subject",
    "consent",
    "eligibility_evaluation",
    "eligibility_signature",
    "radiotherapy",
)
"""Where an eligible subject has a row, each after those that it refers to."""


def make_eligible(api: Api, counts: Mapping[Kind, int]) -> dict[Kind, list[UUID]]:
    """So many subjects of each kind, at least one, who only lack their allocation; their ids.

    The sites must be active. A site has numbers for 9,999 subjects.
    """
    made: dict[Kind, list[UUID]] = {}
    with psycopg.connect(plain(api.admin_url)) as connection:
        for (site, chemotherapy), count in counts.items():
            prototype = _prototype(api, connection, site, chemotherapy)
            others = _copies(connection, prototype, site, count - 1)
            made[site, chemotherapy] = [prototype, *others]
    with psycopg.connect(plain(api.admin_url), autocommit=True) as connection:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(map(name, TABLES))))
    return made


def _prototype(api: Api, connection: psycopg.Connection, site: str, chemotherapy: bool) -> UUID:
    """A subject made over HTTP but for the signature, for which the signer's password is needed."""
    caller = api.as_("investigator", site)
    subject = caller.consented(site=site)
    here = f"/v1/subjects/{subject['id']}"
    facts = {**eligible_facts(caller.today()), "age_at_consent": caller.age(subject)}
    ok(caller.put(f"{here}/eligibility", {"facts": facts}, version=0))
    start = caller.today() + timedelta(days=10)
    body = plan(start, concurrent_chemotherapy=chemotherapy)
    ok(caller.put(f"{here}/radiotherapy", body, version=0))
    connection.execute(
        "INSERT INTO eligibility_signature (id, site, subject_id, recorded_by, recorded_at,"
        " version, evaluation_hash, meaning, signed_by, signer_role, signed_at)"
        " SELECT %s, site, subject_id, recorded_by, now(), version, evaluation_hash, %s,"
        " 'Demo investigator', 'investigator', now()"
        " FROM eligibility_evaluation WHERE subject_id = %s",
        (new_id(), SignatureMeaning.ELIGIBLE.value, subject["id"]),
    )
    connection.execute(
        "UPDATE subject SET status = 'eligible', version = version + 1 WHERE id = %s",
        (subject["id"],),
    )
    connection.commit()
    return UUID(subject["id"])


def _copies(connection: psycopg.Connection, prototype: UUID, site: str, count: int) -> list[UUID]:
    """The ids of subjects like the prototype, whose rows are stored here."""
    rows = connection.cursor(row_factory=dict_row)
    rows.execute("SELECT * FROM eligibility_evaluation WHERE subject_id = %s", (prototype,))
    evaluation = EligibilityEvaluation(**rows.fetchone() or {})
    rows.execute(
        "UPDATE site SET subjects = subjects + %s WHERE code = %s RETURNING subjects", (count, site)
    )
    last = (rows.fetchone() or {})["subjects"]
    ids = [new_id() for _ in range(count)]
    changes: dict[str, list[Json]] = {table: [] for table in TABLES}
    for number, subject in enumerate(ids, start=last - count + 1):
        evaluation.subject_id = subject
        signed = {"subject_id": str(subject), "evaluation_hash": evaluation.content_hash}
        changes["subject"].append({"id": str(subject), "number": f"{site}-{number:04d}"})
        changes["consent"].append({"id": str(new_id()), "subject_id": str(subject)})
        changes["eligibility_evaluation"].append(signed)
        changes["eligibility_signature"].append({"id": str(new_id()), **signed})
        changes["radiotherapy"].append({"subject_id": str(subject)})
    for table, fresh in changes.items():
        _insert(connection, table, prototype, fresh)
    connection.commit()
    return ids


def _insert(
    connection: psycopg.Connection[Any], table: str, prototype: UUID, fresh: list[Json]
) -> None:
    """Copies of the prototype's row, each with the values that make it a row of its own."""
    given = columns(connection, table)
    connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({given}) SELECT {copied} FROM {table} AS prototype"
            " CROSS JOIN jsonb_array_elements(%s) AS fresh"
            " CROSS JOIN LATERAL jsonb_populate_record(prototype, fresh) AS copy"
            " WHERE prototype.{key} = %s"
        ).format(
            table=name(table),
            given=sql.SQL(", ").join(map(name, given)),
            copied=sql.SQL(", ").join(sql.Identifier("copy", column) for column in given),
            key=name("id" if table == "subject" else "subject_id"),
        ),
        (Jsonb(fresh), prototype),
    )
