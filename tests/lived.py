"""A database in which everything has happened, and its rows as plain SQL sees them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, LiteralString
from uuid import uuid4

import psycopg
from psycopg import errors, sql
from psycopg.rows import scalar_row
from psycopg.types.json import Jsonb

from services.api.core.db import Database
from services.api.identity.watch import SessionWatch
from tests.make import Api

APPEND_ONLY = (
    "consent",
    "consent_withdrawal",
    "eligibility_evaluation",
    "eligibility_signature",
    "radiotherapy",
    "deviation",
    "allocation",
    "randomization_correction",
    "visit",
    "exposure",
    "discontinuation",
    "grading",
    "grading_signature",
    "adjudication",
    "adverse_event",
    "adverse_event_signature",
    "safety_deadline",
    "safety_reminder",
    "safety_submission",
    "data_query",
    "data_query_step",
    "grading_verification",
    "subject_lock",
)
CLINICAL = ("subject", *APPEND_ONLY)
OUTSIDE_A_LOCK = ("subject_lock", "safety_deadline", "safety_submission", "safety_reminder")
"""A lock does not stop itself, nor what is known from being reported."""
LOCKABLE = tuple(table for table in CLINICAL if table not in OUTSIDE_A_LOCK)
REFERENCE = (
    "certificate",
    "site_activation",
    "protocol_version",
    "randomization_commitment",
    "randomization_slot",
    "reference_document",
    "stopping_evaluation",
    "study_lock",
)
FIXED = (*APPEND_ONLY, *REFERENCE, "audit_event", "audit_leaf", "audit_checkpoint")
AUDITED = (
    *CLINICAL,
    "account",
    "account_session",
    "certificate",
    "site_activation",
    "randomization_commitment",
    "protocol_version",
    "reference_document",
    "stopping_evaluation",
    "study_lock",
    "webhook",
)
OTHERS = (
    "account",
    "account_session",
    "audit_chain",
    "familiar_source",
    "sign_in_attempt",
    "used_assertion",
    "site",
    "stratum",
    "randomization_total",
    "sandbox_clock",
    "overdue_search",
    "feed_event",
    "feed_reader",
    "postponed_event",
    "webhook_delivery",
    "webhook_secret",
    "idempotent_answer",
    "person_digest",
    "alembic_version",
)
TABLES = tuple(sorted({*CLINICAL, *FIXED, *AUDITED, *OTHERS}))

NEW = "a fresh id"
"""Stands for a UUID of its own in the tables below."""

Changes = dict[str, Any]

FRESH: dict[str, Changes] = {
    "account": {"id": NEW, "username": "new"},
    "account_session": {"id": NEW},
    "familiar_source": {"source_key": "\\x00"},
    "sign_in_attempt": {"id": NEW},
    "used_assertion": {"jti_digest": "\\x00"},
    "adjudication": {"id": NEW, "visit": "RT9Z"},
    "adverse_event": {"id": NEW, "version": 1, "continuation": 2},
    "adverse_event_signature": {"id": NEW, "version": 2},
    "allocation": {"id": NEW, "subject_id": NEW, "seq": 2},
    "certificate": {"id": NEW},
    "consent": {"id": NEW, "version": "9.9"},
    "consent_withdrawal": {"consent_id": NEW},
    "data_query": {"id": NEW},
    "data_query_step": {"version": 50, "step": "answer"},
    "deviation": {"id": NEW},
    "discontinuation": {"version": 50, "reason": "Revised"},
    "eligibility_evaluation": {"version": 50, "reason": "Revised"},
    "eligibility_signature": {"id": NEW, "version": 50},
    "exposure": {"id": NEW, "day": "2027-01-01"},
    "grading": {"id": NEW, "version": 1, "visit": "RT9Z"},
    "grading_signature": {"id": NEW, "version": 2},
    "grading_verification": {"id": NEW, "version": 1},
    "idempotent_answer": {"key": "new"},
    "protocol_version": {"version": "9.9"},
    "radiotherapy": {"version": 50, "reason": "Revised"},
    "randomization_correction": {"id": NEW, "pair": NEW},
    "randomization_slot": {"seq": 9999},
    "reference_document": {"id": NEW, "version": "9.9"},
    "safety_deadline": {"id": NEW, "opening": 50},
    "safety_reminder": {"id": NEW, "kind": "near", "lead_hours": 9},
    "safety_submission": {"id": NEW, "version": 1},
    "site": {"code": "ZZ"},
    "site_activation": {"id": NEW, "consent_version": "9.9"},
    "stopping_evaluation": {"id": NEW},
    "stratum": {"code": "new"},
    "study_lock": {"version": 50},
    "subject": {"id": NEW, "number": "NN-0099"},
    "subject_lock": {"version": 50},
    "visit": {"version": 50, "reason": "Revised"},
    "feed_event": {"id": NEW, "position": None, "once": None},
    "feed_reader": {"name": "another"},
    "webhook": {"id": NEW},
    "webhook_secret": {"id": NEW, "signs_until": "2100-01-01T00:00:00Z"},
}
"""What makes a copy of a row a row of its own, that every constraint accepts."""


@dataclass(frozen=True)
class Lived:
    """A database in which one subject at NN and one at LZ have records of every kind."""

    api: Api
    app_url: str
    subjects: dict[str, str]

    @contextmanager
    def served(self) -> Iterator[Api]:
        """The API over this database, which other tests may have taken from it."""
        database = Database(self.app_url, pool_size=5)
        with SessionWatch(self.app_url) as watch:
            self.api.state.database, self.api.state.watch = database, watch
            yield self.api
        database.close()

    def as_superuser(self) -> psycopg.Connection[Any]:
        return psycopg.connect(plain(self.api.admin_url))

    def ask(self, query: LiteralString, **values: object) -> list[Any]:
        """The first column as the superuser sees it."""
        with self.as_superuser() as connection:
            return connection.cursor(row_factory=scalar_row).execute(query, values).fetchall()

    @contextmanager
    def as_app(self, sites: str | None = None, sub: str = "") -> Iterator[psycopg.Connection[Any]]:
        """The role that serves, in a transaction with that context, which is rolled back."""
        with psycopg.connect(plain(self.app_url)) as connection:
            if sites is not None:
                connection.execute("SELECT set_config('trial.sites', %s, true)", (sites,))
            connection.execute("SELECT set_config('trial.sub', %s, true)", (sub,))
            yield connection
            connection.rollback()


def plain(url: str) -> str:
    """The address as psycopg takes it."""
    return url.replace("+psycopg", "")


def name(table: str) -> sql.Identifier:
    return sql.Identifier(table)


def columns(connection: psycopg.Connection[Any], table: str) -> Sequence[str]:
    """The columns that a statement may give a value."""
    cursor = connection.cursor(row_factory=scalar_row).execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND NOT attisdropped AND attgenerated = '' AND attidentity <> 'a' ORDER BY attnum",
        (table,),
    )
    return cursor.fetchall()


def insert_copy(connection: psycopg.Connection[Any], table: str, changes: Changes) -> None:
    """Insert a copy of one row with other values for some columns.

    It is a row of NN where it has a site, and one that continues another where rows do.
    """
    given = {key: str(uuid4()) if value == NEW else value for key, value in changes.items()}
    listed = sql.SQL(", ").join(map(name, columns(connection, table)))
    connection.execute(
        sql.SQL(
            "INSERT INTO {table} ({listed}) SELECT {listed} FROM jsonb_populate_record("
            "(SELECT t FROM {table} t ORDER BY to_jsonb(t) ->> 'site' = 'NN' DESC NULLS LAST,"
            " to_jsonb(t) ->> 'continues' LIMIT 1),"
            " {given})"
        ).format(table=name(table), listed=listed, given=Jsonb(given))
    )


def lift(connection: psycopg.Connection[Any], table: str, kinds: str, but: str = "") -> None:
    """Drop the table's constraints of those kinds (as pg_constraint names them) but one.

    What another constraint still needs stays, unless it is dropped here too.
    """
    for kind in kinds:
        found = connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = %s",
            (table, kind),
        ).fetchall()
        for (constraint,) in found:
            if constraint != but:
                with suppress(errors.DependentObjectsStillExist), connection.transaction():
                    connection.execute(
                        sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(
                            name(table), name(constraint)
                        )
                    )
