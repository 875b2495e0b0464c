"""Signatures given before signers' roles were kept."""

import psycopg
import pytest
from psycopg import errors

from services.api import migrate
from services.api.embedded import Cluster
from tests.conftest import admin_url, execute
from tests.lived import plain

BEFORE = (
    "INSERT INTO site VALUES ('NN', 'Hospital', 'Nanning', 1), ('LZ', 'Hospital', 'Liuzhou', 1)",
    "SET session_replication_role = replica",  # the records they are about play no part here
    "INSERT INTO eligibility_signature (id, site, subject_id, recorded_by, recorded_at, version,"
    " evaluation_hash, meaning, signed_by, signed_at) SELECT gen_random_uuid(), site,"
    " gen_random_uuid(), gen_random_uuid(), now(), 1, 'hash', 'I confirm eligibility', 'A. Li',"
    " now() FROM unnest('{NN,LZ}'::text[]) AS site",
)


def test_earlier_signatures_are_an_investigators_and_the_trail_tells_of_it(
    cluster: Cluster,
) -> None:
    execute(cluster, "CREATE DATABASE signed_before")
    url = admin_url(cluster, "signed_before")
    migrate.upgrade(url, to="audit")
    with psycopg.connect(plain(url)) as connection:
        for statement in BEFORE:
            connection.execute(statement.encode())
    migrate.upgrade(url, to="signatures")
    with psycopg.connect(plain(url)) as connection:
        roles = connection.execute("SELECT site, signer_role FROM eligibility_signature ORDER BY 1")
        assert roles.fetchall() == [("LZ", "investigator"), ("NN", "investigator")]
        told = connection.execute(
            "SELECT operation, old ->> 'signer_role', new ->> 'signer_role', reason"
            " FROM audit_event WHERE record = 'eligibility_signature'"
        ).fetchall()
        assert told == 2 * [
            ("UPDATE", None, "investigator", "A signature now tells the role of its signer")
        ]
        with pytest.raises(errors.InsufficientPrivilege, match="kept as they were written"):
            connection.execute("UPDATE eligibility_signature SET signer_role = 'assessor'")
    execute(cluster, "DROP DATABASE signed_before WITH (FORCE)")
