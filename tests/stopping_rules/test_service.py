"""Evaluating stopping rules: after each event, stored when figures change, announced once."""

import threading
from uuid import uuid4

import pytest
from psycopg import errors
from sqlalchemy.exc import IntegrityError

from services.api.core.permissions import Role
from services.api.stopping_rules import service
from services.api.stopping_rules.models import StoppingEvaluation
from tests.lived import Lived
from tests.make import Api, created, ok, path
from tests.stopping_rules.reactions import EVERYWHERE, evaluate, figures, quick, reaction, told


def test_only_changed_figures_are_stored_and_a_crossing_is_announced_once(api: Api) -> None:
    investigator = api.as_("investigator")
    evaluate(api)
    subject = investigator.treated()
    evaluate(api)
    evaluate(api)
    assert figures(api) == [(0, 0, False), (1, 0, False)]
    assert told(api) == 0
    reaction(investigator, subject)
    cause = uuid4()
    evaluate(api, cause=cause)
    evaluate(api)
    reaction(investigator, subject, term="Nausea", grade=3)
    evaluate(api)
    assert figures(api)[2:] == [(1, 1, True)]
    assert api.rows("SELECT cause FROM stopping_evaluation ORDER BY id DESC LIMIT 1") == [(cause,)]
    (event,) = api.rows("SELECT * FROM feed_event WHERE type = 'stopping_rule.reached'")
    assert (event.record, event.record_id) == ("stopping_rule", "severe_reactions")
    assert (event.site, event.subject_id, event.audience) == (None, None, ["dmc", "safety_officer"])


def test_a_nullified_event_counts_no_more_and_a_new_crossing_is_announced_again(api: Api) -> None:
    investigator = api.as_("investigator")
    subject = investigator.treated()
    event = reaction(investigator, subject)
    evaluate(api)
    nullified = {"nullified": True, "reason": "Another person's record"}
    ok(investigator.patch(f"/v1/adverse-events/{event['id']}", nullified))
    evaluate(api)
    assert (figures(api), told(api)) == ([(1, 1, True), (1, 0, False)], 1)
    reaction(investigator, subject)
    evaluate(api)
    assert (figures(api)[-1], told(api)) == ((1, 1, True), 2)


def test_the_sponsor_s_judgment_alone_makes_an_event_count(api: Api) -> None:
    investigator = api.as_("investigator")
    unlikely = {"study_drug": "unlikely", "radiotherapy": "related"}
    event = reaction(investigator, investigator.treated(), causality=unlikely)
    evaluate(api)
    assessed = {"sponsor_causality": "possibly", "reason": "Assessed by the sponsor"}
    ok(api.as_("safety_officer").patch(f"/v1/adverse-events/{event['id']}", assessed))
    evaluate(api)
    assert figures(api) == [(1, 0, False), (1, 1, True)]


def test_the_other_arm_counts_neither_as_subjects_nor_with_its_events(api: Api) -> None:
    investigator = api.as_("investigator")
    while investigator.receives_study_drug(subject := investigator.randomized()):
        pass
    reaction(investigator, subject)
    evaluate(api)
    (counted,) = figures(api)
    in_arm = api.count("allocation WHERE arm = 'experimental'")
    assert counted == (in_arm, 0, False)


def test_it_stops_nothing(api: Api) -> None:
    investigator = api.as_("investigator")
    reaction(investigator, investigator.treated())
    evaluate(api)
    assert told(api) == 1
    subject = investigator.eligible()
    created(investigator.post(path(subject, "randomization")))


def test_a_rule_that_stays_reached_with_other_figures_is_not_announced_again(api: Api) -> None:
    investigator = api.as_("investigator")
    reaction(investigator, investigator.treated())
    evaluate(api)
    reaction(investigator, investigator.treated())
    evaluate(api)
    assert [reached for *_, reached in figures(api)] == [True, True]
    assert told(api) == 1


def test_workers_that_evaluate_at_the_same_time_store_and_announce_once(api: Api) -> None:
    investigator = api.as_("investigator")
    reaction(investigator, investigator.treated())
    other = threading.Thread(target=evaluate, args=(api,))
    with api.state.database.session(EVERYWHERE) as session:
        service.evaluate(session, EVERYWHERE, api.state.clock, quick(api), uuid4())
        other.start()
        other.join(timeout=1)
        assert other.is_alive(), "it waits for the one that is not done"
        session.commit()
    other.join()
    assert (figures(api), told(api)) == ([(1, 1, True)], 1)


def test_a_trial_without_rules_evaluates_none(api: Api) -> None:
    protocol = quick(api)
    none = protocol.adverse_events.model_copy(update={"stopping_rules": ()})
    evaluate(api, protocol.model_copy(update={"adverse_events": none}))
    assert figures(api) == []


def test_the_trial_s_own_rule_needs_ten_subjects(api: Api) -> None:
    investigator = api.as_("investigator")
    reaction(investigator, investigator.treated())
    evaluate(api, api.state.loaded.protocol)
    assert (figures(api), told(api)) == ([(1, 1, False)], 0)
    assert api.rows("SELECT boundary FROM stopping_evaluation") == [(None,)]


# --- what PostgreSQL holds ---------------------------------------------------------------


@pytest.mark.parametrize("role", [role.value for role in Role])
def test_a_row_is_seen_by_the_committee_and_the_safety_officer_alone(
    lived: Lived, role: str
) -> None:
    with lived.as_app("LZ,NN,YL") as connection:
        connection.execute("SELECT set_config('trial.role', 'worker', true)")
        connection.execute(
            "INSERT INTO stopping_evaluation (id, rule, evaluated_at, cause, subjects, events,"
            " probability, reached, protocol_version, recorded_by, recorded_at)"
            " SELECT gen_random_uuid(), 'severe_reactions', now(), gen_random_uuid(), 3, 0, 0.2,"
            " false, version, gen_random_uuid(), now() FROM protocol_version"
        )
        connection.execute("SELECT set_config('trial.role', %s, true)", (role,))
        found = connection.execute("SELECT count(*) FROM stopping_evaluation").fetchone()
    assert found is not None
    assert bool(found[0]) is (role in {"dmc", "safety_officer"})


def test_nobody_but_the_worker_stores_an_evaluation(lived: Lived) -> None:
    with lived.as_app("LZ,NN,YL") as connection:
        connection.execute("SELECT set_config('trial.role', 'safety_officer', true)")
        with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
            connection.execute(
                "INSERT INTO stopping_evaluation (id, rule, evaluated_at, cause, subjects, events,"
                " probability, reached, protocol_version, recorded_by, recorded_at)"
                " SELECT gen_random_uuid(), 'severe_reactions', now(), gen_random_uuid(), 3, 0,"
                " 0.2, false, version, gen_random_uuid(), now() FROM protocol_version"
            )


@pytest.mark.parametrize(
    ("changed", "constraint"),
    [
        ({"events": 11}, "stopping_evaluation_events"),
        ({"probability": 1.5}, "stopping_evaluation_probability"),
        ({"probability": float("nan")}, "stopping_evaluation_probability"),
        ({"reached": True}, "stopping_evaluation_reached_at_boundary"),
        ({"boundary": None, "reached": True}, "stopping_evaluation_reached_at_boundary"),
        ({"events": 3}, "stopping_evaluation_reached_at_boundary"),
    ],
    ids=["events", "above one", "no number", "reached early", "without", "unreached"],
)
def test_an_impossible_evaluation_is_refused(
    unchanged: Api, changed: dict[str, object], constraint: str
) -> None:
    row = {
        "rule": "severe_reactions",
        "evaluated_at": unchanged.state.clock.now(),
        "cause": uuid4(),
        "subjects": 10,
        "events": 2,
        "probability": 0.4,
        "boundary": 3,
        "reached": False,
        "protocol_version": "1.0",
        "recorded_by": EVERYWHERE.id,
        **changed,
    }
    with unchanged.state.database.session(EVERYWHERE) as session:
        session.add(StoppingEvaluation(**row))
        with pytest.raises(IntegrityError, match=constraint):
            session.flush()
