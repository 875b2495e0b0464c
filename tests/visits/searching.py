"""The search for overdue visits as the worker does it."""

from services.api.core.auth import Worker
from services.api.visits.overdue import announce_overdue
from tests.make import Api

EVERYWHERE = Worker(("LZ", "NN", "YL"))


def search(api: Api) -> int:
    """One call of the worker's, in a transaction of its own."""
    with api.state.database.session(EVERYWHERE) as session:
        told = announce_overdue(session, EVERYWHERE, api.state.clock, api.state.loaded.protocol)
        session.commit()
    return told
