"""What is sent: thin, and the same at each attempt."""

import json
from datetime import UTC, datetime
from uuid import UUID

from services.api.core.events import FeedEvent
from services.api.webhooks.payload import payload, ping

AT = datetime(2026, 4, 9, 2, 15, tzinfo=UTC)
SUBJECT = UUID(int=1)


def test_a_payload_names_the_event_and_holds_nothing_clinical() -> None:
    event = FeedEvent(
        seq=1,
        id=UUID(int=2),
        position=77777,
        type="subject.randomized",
        at=AT,
        site="NN",
        subject_id=SUBJECT,
        record="subject",
        record_id=str(SUBJECT),
        once="a name for ourselves",
    )
    body = payload(event)
    assert body == payload(event)
    assert json.loads(body) == {
        "type": "subject.randomized",
        "timestamp": "2026-04-09T02:15:00Z",
        "data": {
            "id": str(UUID(int=2)),
            "site": "NN",
            "subject_id": str(SUBJECT),
            "record": {"kind": "subject", "id": str(SUBJECT)},
            "links": {
                "subject": f"/v1/subjects/{SUBJECT}",
                "record": f"/v1/subjects/{SUBJECT}",
            },
        },
    }


def test_a_ping_says_nothing_but_that_it_is_one() -> None:
    assert json.loads(ping(AT)) == {
        "type": "webhook.ping",
        "timestamp": "2026-04-09T02:15:00Z",
        "data": {},
    }
