"""An export holds a few subjects at a time, however many there are."""

import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import event

from bench.exports.trial import follow_up
from bench.subjects import SUBJECTS
from services.api.core.auth import Principal
from services.api.embedded import Cluster
from services.api.exports import extract as extracts
from services.api.exports.extract import Options, opened
from services.api.exports.formats import FORMATS, Form
from services.api.settings import DOCUMENTS
from tests.conftest import Served, admin_url, cloned, serving
from tests.exports.conftest import manager
from tests.make import Api

MANY = 12
"""Subjects, a third of them at each site; each has some 65 rows."""
SPARE = 4_000
"""Objects by which two measurements may differ; the rows of two sites' subjects are far more."""
A_PERSON = 300
"""Objects of a subject in the registry's tables, which compare everybody with one another."""

STREAMED = {
    f"{name} {form.extension}": (form, Options(one.versions[0] if one.versions else None))
    for name, one in FORMATS.items()
    for form in one.forms
    if name != "registry" and form is one.forms[-1]  # the others are written by the same
}


@pytest.fixture(scope="module")
def many(cluster: Cluster, served: Served) -> Iterator[str]:
    """A database with so many subjects, each with the records of a whole trial."""
    with cloned(cluster, "test_many") as name:
        url = admin_url(cluster, name).replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as superuser:
            superuser.execute("SET session_replication_role = replica")
            superuser.execute(SUBJECTS.encode(), [uuid4(), MANY])
            follow_up(superuser, DOCUMENTS / "nct07312656-1.0.yaml")
        yield name


@pytest.fixture
def trial(
    many: str, cluster: Cluster, served: Served, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Api]:
    """The API over it; two subjects are read at a time."""
    monkeypatch.setattr(extracts, "AT_ONCE", 2)
    with serving(cluster, served, many) as api:
        yield api


class Held(NamedTuple):
    """What an export held at most: Python's objects, and rows that one query brought together."""

    objects: int
    rows: int


def most(api: Api, caller: Principal, form: Form, options: Options) -> Held:
    """What the export holds at most, looked at after each query and each piece of it."""
    state, objects, rows = api.state, list[int](), list[int]()

    def look(_: Any, cursor: Any, *__: Any) -> None:
        rows.append(cursor.rowcount)
        objects.append(sys.getallocatedblocks())

    gc.collect()
    before = sys.getallocatedblocks()
    engine = state.database._long
    event.listen(engine, "after_cursor_execute", look)
    try:
        with opened(state.database, caller, state.clock, state.loaded) as extract:
            for piece in form.write(extract, options):
                assert piece is not None
                objects.append(sys.getallocatedblocks())
    finally:
        event.remove(engine, "after_cursor_execute", look)
    return Held(max(objects) - before, max(rows))


@pytest.mark.parametrize("name", list(STREAMED))
def test_an_export_holds_no_more_of_a_larger_trial(trial: Api, name: str) -> None:
    form, options = STREAMED[name]
    whole = manager(trial)
    third = replace(whole, sites=("LZ",))
    most(trial, third, form, options)  # so that what is loaded once is not counted
    little, much = (most(trial, caller, form, options) for caller in (third, whole))
    assert much.objects < little.objects + SPARE
    assert much.rows <= little.rows


def test_the_registry_s_tables_hold_little_of_each_subject(trial: Api) -> None:
    (form,) = FORMATS["registry"].forms
    whole, options = manager(trial), Options(by_arm=True)
    third = replace(whole, sites=("LZ",))
    most(trial, third, form, options)
    little, much = (most(trial, caller, form, options) for caller in (third, whole))
    assert much.objects < little.objects + MANY * 2 // 3 * A_PERSON
