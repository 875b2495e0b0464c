"""A rule that one event reaches, severe reactions, and its evaluation as the worker does it."""

from datetime import timedelta
from uuid import UUID, uuid4

from services.api.core.auth import Worker
from services.api.protocol.schema import Protocol
from services.api.stopping_rules import service
from tests.make import Api, Json, adverse_event, created, path

EVERYWHERE = Worker(("LZ", "NN", "YL"))


def quick(api: Api) -> Protocol:
    """The trial's protocol, whose rule one event in a few subjects reaches."""
    protocol: Protocol = api.state.loaded.protocol
    (rule,) = protocol.adverse_events.stopping_rules
    sooner = rule.model_copy(update={"minimum_subjects": 1, "certainty": 0.5})
    changed = protocol.adverse_events.model_copy(update={"stopping_rules": (sooner,)})
    return protocol.model_copy(update={"adverse_events": changed})


def evaluate(api: Api, protocol: Protocol | None = None, cause: UUID | None = None) -> None:
    """Evaluate the rules in a transaction of the worker's own."""
    with api.state.database.session(EVERYWHERE) as session:
        service.evaluate(
            session, EVERYWHERE, api.state.clock, protocol or quick(api), cause or uuid4()
        )
        session.commit()


def reaction(api: Api, subject: Json, **changed: object) -> Json:
    """A severe adverse event of today that may come from the study drug."""
    body = {
        **adverse_event(api.today()),
        "grade": 4,
        "causality": {"study_drug": "possibly", "radiotherapy": "possibly"},
        **changed,
    }
    api.move_to(api.today() + timedelta(days=1))
    return created(api.post(path(subject, "adverse-events"), body))


def figures(api: Api) -> list[tuple[int, int, bool]]:
    """Subjects and events of every evaluation, and whether it reached the rule."""
    rows = api.rows("SELECT subjects, events, reached FROM stopping_evaluation ORDER BY id")
    return [(row[0], row[1], row[2]) for row in rows]


def told(api: Api) -> int:
    """How often it was announced that a rule is reached."""
    return api.count("feed_event WHERE type = 'stopping_rule.reached'")
