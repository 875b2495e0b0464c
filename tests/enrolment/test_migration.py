"""Subjects who left before the day on which they did was kept."""

import psycopg

from services.api import migrate
from services.api.embedded import Cluster
from tests.conftest import admin_url, execute
from tests.lived import plain

SUBJECT = """
INSERT INTO subject (id, site, number, year_of_birth, sex, status, protocol_version, version,
    recorded_by, created_at, recorded_at)
SELECT ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'NN', 'NN-000' || n, 1971, 'female',
    status, '1.0', 1, gen_random_uuid(), '2026-03-01T02:00:00Z', now()
FROM unnest('{withdrawn,lost_to_follow_up,died,in_follow_up}'::text[]) WITH ORDINALITY
    AS given (status, n)
"""
RECORDS = """
INSERT INTO {table} (subject_id, site, recorded_by, recorded_at, {columns})
VALUES ('00000000-0000-0000-0000-00000000000{n}', 'NN', gen_random_uuid(), now(), {values})
"""
WITHDRAWAL = RECORDS.format(
    table="consent_withdrawal",
    columns="consent_id, withdrawn_on, reason",
    n=1,
    values="gen_random_uuid(), '2026-05-11', 'Moves away'",
)
VISIT = RECORDS.format(
    table="visit",
    columns="code, version, protocol_version, visited_on",
    n=2,
    values="'RT1A', 1, '1.0', '2026-04-02'",
)


def test_the_day_of_leaving_is_the_withdrawals_or_the_last_day_seen_and_the_trail_tells(
    cluster: Cluster,
) -> None:
    execute(cluster, "CREATE DATABASE left_before")
    url = admin_url(cluster, "left_before")
    migrate.upgrade(url, to="assessment")
    with psycopg.connect(plain(url)) as connection:
        connection.execute("INSERT INTO site VALUES ('NN', 'Hospital', 'Nanning', 4)")
        connection.execute("SET session_replication_role = replica")  # only the days play a part
        for statement in (SUBJECT, WITHDRAWAL, VISIT):
            connection.execute(statement.encode())
    migrate.upgrade(url, to="conduct")
    with psycopg.connect(plain(url)) as connection:
        left = connection.execute("SELECT left_on::text FROM subject ORDER BY number").fetchall()
        assert left == [("2026-05-11",), ("2026-04-02",), ("2026-03-01",), (None,)]
        told = connection.execute(
            "SELECT new ->> 'left_on', reason FROM audit_event WHERE record = 'subject' ORDER BY 1"
        ).fetchall()
        why = "A subject now tells the day they left the study"
        assert told == [(day, why) for day in ("2026-03-01", "2026-04-02", "2026-05-11")]
    migrate.downgrade(url, to="assessment")
    migrate.upgrade(url, to="conduct")
    execute(cluster, "DROP DATABASE left_before WITH (FORCE)")
