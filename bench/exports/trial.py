"""A trial of so many gradings, written by set-based SQL past triggers and row-level security.

Every subject has finished radiotherapy and was graded at each of 18 visits, at
two of them by two assessors: 20 gradings, each signed, and whatever else a
subject has. Constraints that are indexes and checks hold; foreign keys and the
trail's triggers are switched off, for they would cost hours.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from bench.subjects import Installation, installation
from services.api.eligibility.facts import read_facts
from services.api.eligibility.rules import evaluate
from services.api.protocol.load import load
from services.api.signatures.rules import SignatureMeaning
from tests.facts import eligible_facts

GRADINGS = 20
"""Of one subject."""

INVESTIGATOR, FIRST_ASSESSOR, SECOND_ASSESSOR = (UUID(int=number) for number in (1, 2, 3))
_ASKED, _FIRST, _LAST = "2026-01-01", "2026-01-05", "2026-02-18"

_ACCOUNTS = """
INSERT INTO account (id, kind, username, name, role, sites, secret_hash, active, version,
                     created_at)
SELECT id, 'user', role || id, role, role, '{NN,LZ,YL}', 'none', true, 1, now()
FROM (VALUES (%(investigator)s, 'investigator'), (%(first)s, 'assessor'), (%(second)s, 'assessor'))
    AS account (id, role)
"""
_SUBJECTS = "UPDATE subject SET status = 'completed', recorded_by = %(investigator)s"
_CONSENTS = f"""
INSERT INTO consent (id, site, subject_id, recorded_by, recorded_at, version, signed_on)
SELECT md5(id::text || 'consent')::uuid, site, id, %(investigator)s, created_at, '1.0', '{_ASKED}'
FROM subject
"""
_EVALUATIONS = f"""
INSERT INTO eligibility_evaluation (
    subject_id, version, site, recorded_by, recorded_at, protocol_version, facts, normalised,
    criteria, overall, evaluation_hash, evaluated_on
)
SELECT id, 1, site, %(investigator)s, created_at, protocol_version, %(facts)s, %(normalised)s,
       %(criteria)s, 'eligible', md5(id::text), '{_ASKED}'
FROM subject
"""
_RADIOTHERAPY = f"""
INSERT INTO radiotherapy (
    subject_id, version, site, recorded_by, recorded_at, protocol_version, planned_dose_gy,
    planned_fractions, planned_start, concurrent_chemotherapy, first_fraction_on,
    last_fraction_on, delivered_dose_gy, delivered_fractions, interruptions
)
SELECT id, 1, site, %(investigator)s, created_at, protocol_version, 66, 33, '{_FIRST}', true,
       '{_FIRST}', '{_LAST}', 66, 33, '[]'
FROM subject
"""
_ALLOCATIONS = """
INSERT INTO allocation (
    id, site, subject_id, recorded_by, recorded_at, stratum, seq, arm, randomization_number,
    randomized_at, evaluation_version, protocol_version
)
SELECT md5(id::text || 'allocation')::uuid, subject.site, id, %(investigator)s, created_at,
       stratum.code, 1 + n / of, CASE n %% 2 WHEN 0 THEN 'experimental' ELSE 'control' END,
       stratum.code || '-' || 1 + n / of, created_at, 1, protocol_version
FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS n FROM subject) AS subject
JOIN (SELECT code, row_number() OVER (ORDER BY code) - 1 AS place, count(*) OVER () AS of
      FROM stratum) AS stratum ON n %% of = place
"""
_SCHEDULE = f"""
SELECT 'BL' AS code, date '{_FIRST}' - 1 AS on_day, 0 AS grade
UNION ALL
SELECT 'RT' || week || part, date '{_FIRST}' + 7 * (week - 1) + day, least(week, 4)
FROM generate_series(1, 6) AS week, (VALUES ('A', 1), ('B', 4)) AS part (part, day)
UNION ALL
SELECT code, date '{_LAST}' + day, 1
FROM (VALUES ('PW1', 7), ('PW2', 14), ('FU30', 30), ('FU60', 60), ('FU90', 90)) AS after (code, day)
"""
_VISITS = f"""
INSERT INTO visit (
    subject_id, code, version, site, recorded_by, recorded_at, protocol_version, visited_on
)
SELECT id, code, 1, site, %(investigator)s, on_day + time '11:00', protocol_version, on_day
FROM subject CROSS JOIN ({_SCHEDULE}) AS visit
"""
_GRADINGS = f"""
INSERT INTO grading (
    id, version, subject_id, site, recorded_by, recorded_at, protocol_version, visit, assessor,
    assessed_at, assessed_on, grade, mucosal_appearance, ulceration, pain_score, analgesic, diet,
    derived_protocol, derived_who, derived_rtog
)
SELECT md5(subject.id::text || code || assessor)::uuid, 1, subject.id, site, assessor,
       on_day + time '10:05', protocol_version, code, assessor, on_day + time '10:00', on_day,
       least(grade, 2 + abs(hashtext(subject.id::text)) %% 2), 'patchy', false, 3, 'none', 'soft',
       2, 1, 2
FROM subject
CROSS JOIN ({_SCHEDULE}) AS visit
JOIN (VALUES (%(first)s), (%(second)s)) AS account (assessor)
    ON assessor = %(first)s OR code IN ('RT5B', 'RT6B')
"""
_SIGNATURES = """
INSERT INTO grading_signature (
    id, site, subject_id, recorded_by, recorded_at, grading_id, version, content_hash, meaning,
    signed_by, signer_role, signed_at
)
SELECT md5(id::text)::uuid, site, subject_id, assessor, recorded_at, id, 1, md5(id::text),
       %(meaning)s, 'Bench', 'assessor', recorded_at
FROM grading
"""
_EXPOSURES = f"""
INSERT INTO exposure (
    id, version, site, subject_id, recorded_by, recorded_at, protocol_version, day, applications
)
SELECT md5(subject_id::text || n)::uuid, 1, site, subject_id, %(investigator)s,
       date '{_FIRST}' + n + time '20:00', protocol_version, date '{_FIRST}' + n, 3
FROM allocation, generate_series(0, 4) AS n WHERE arm = 'experimental'
"""
_ADVERSE_EVENTS = f"""
INSERT INTO adverse_event (
    id, version, site, subject_id, recorded_by, recorded_at, protocol_version, term, meddra_code,
    meddra_version, ctcae_version, grade, onset_on, aware_at, informed_at, received_at, serious,
    seriousness, causality_study_drug, causality_radiotherapy, action_taken, outcome
)
SELECT md5(id::text || 'event')::uuid, 1, site, id, %(investigator)s, date '{_LAST}',
       protocol_version, 'Nausea', '10028813', '20.1', '5.0', 2, '{_FIRST}', date '{_FIRST}',
       date '{_FIRST}', date '{_FIRST}', false, '{{}}', 'unlikely', 'possibly', 'none', 'recovered'
FROM subject
"""
_TABLES = (
    _ACCOUNTS,
    _SUBJECTS,
    _CONSENTS,
    _EVALUATIONS,
    _RADIOTHERAPY,
    _ALLOCATIONS,
    _VISITS,
    _GRADINGS,
    _SIGNATURES,
    _EXPOSURES,
    _ADVERSE_EVENTS,
)


@contextmanager
def furnished(directory: Path, gradings: int) -> Iterator[Installation]:
    """A running PostgreSQL whose trial has about so many gradings, at least those of a subject."""
    subjects = max(1, gradings // GRADINGS)
    with installation(directory, subjects) as installed:
        with psycopg.connect(installed.admin_url, autocommit=True) as connection:
            follow_up(connection, installed.settings.protocol_document)
            connection.execute("VACUUM ANALYZE")
        yield installed


def follow_up(superuser: psycopg.Connection[Any], document: Path) -> None:
    """Give every subject there is the records of a whole trial, past triggers."""
    given = {
        "investigator": INVESTIGATOR,
        "first": FIRST_ASSESSOR,
        "second": SECOND_ASSESSOR,
        "meaning": SignatureMeaning.GRADING.value,
        **_evaluation(document),
    }
    superuser.execute("SET session_replication_role = replica")
    for statement in _TABLES:
        superuser.execute(statement.encode(), given)


def _evaluation(document: Path) -> dict[str, Any]:
    """Facts that make anybody eligible, read and judged as the service does."""
    section, on = load(document).protocol.eligibility, date.fromisoformat(_ASKED)
    facts = read_facts(eligible_facts(on), section, on)
    judged = evaluate(facts, section, on)
    criteria = json.loads(json.dumps([asdict(one) for one in judged.criteria], default=str))
    return {
        "facts": Jsonb(dict(facts.given)),
        "normalised": Jsonb(dict(facts.normalised)),
        "criteria": Jsonb(criteria),
    }
