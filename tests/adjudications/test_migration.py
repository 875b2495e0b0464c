"""Visits that were graded twice before there was adjudication."""

import psycopg

from services.api import migrate
from services.api.embedded import Cluster
from tests.conftest import admin_url, execute
from tests.lived import plain

SUBJECT = "00000000-0000-7000-8000-000000000001"
DIFFERING = {"RT1A": (2, 3), "RT1B": (2, 2), "RT2A": (2,)}
"""The grades of each visit; at RT3A the second was corrected until they agreed."""
BEFORE = (
    "INSERT INTO site VALUES ('NN', 'Hospital', 'Nanning', 1)",
    "SET session_replication_role = replica",  # only the gradings play a part here
    "INSERT INTO protocol_version (version, sha256, document, published_at)"
    " VALUES ('1.0', 'hash', '{}', now())",
    "INSERT INTO subject (id, site, number, year_of_birth, sex, status, protocol_version, version,"
    f" recorded_by, created_at, recorded_at) VALUES ('{SUBJECT}', 'NN', 'NN-0001', 1971, 'female',"
    " 'screening', '1.0', 1, gen_random_uuid(), now(), now())",
)
GRADING = """
    INSERT INTO grading (site, subject_id, recorded_by, recorded_at, version, reason,
        protocol_version, id, visit, assessor, assessed_at, assessed_on, grade, mucosal_appearance,
        ulceration, pain_score, analgesic, diet, derived_protocol, derived_who, derived_rtog)
    VALUES ('NN', %s, gen_random_uuid(), now(), %s, 'seen', '1.0', %s, %s, gen_random_uuid(), now(),
        '2026-04-07', %s, 'patchy', false, 5, 'none', 'soft', 2, 2, 2)
"""


def test_gradings_that_differ_now_are_adjudicated_from_the_upgrade_on(cluster: Cluster) -> None:
    execute(cluster, "CREATE DATABASE graded_before")
    url = admin_url(cluster, "graded_before")
    migrate.upgrade(url, to="data_review")
    with psycopg.connect(plain(url)) as connection:
        for statement in BEFORE:
            connection.execute(statement.encode())
        made = [(visit, grade) for visit, grades in DIFFERING.items() for grade in grades]
        for number, (visit, grade) in enumerate([*made, ("RT3A", 2), ("RT3A", 4)]):
            grading = f"00000000-0000-7000-9000-{number:012d}"
            connection.execute(GRADING, (SUBJECT, 1, grading, visit, grade))
        connection.execute(GRADING, (SUBJECT, 2, grading, visit, 2))
    migrate.upgrade(url, to="assessment")
    with psycopg.connect(plain(url)) as connection:
        opened = connection.execute("SELECT site, visit, version, grade FROM adjudication")
        assert opened.fetchall() == [("NN", "RT1A", 1, None)]
        told = connection.execute(
            "SELECT operation, site, subject_id::text, reason FROM audit_event"
            " WHERE record = 'adjudication'"
        )
        reason = "Gradings that differ are now adjudicated"
        assert told.fetchall() == [("INSERT", "NN", SUBJECT, reason)]
    migrate.downgrade(url, to="data_review")
    migrate.upgrade(url, to="assessment")
    execute(cluster, "DROP DATABASE graded_before WITH (FORCE)")
