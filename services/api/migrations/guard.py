"""What guards a migration: its locks and its time, and, going down, what it would drop."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import op
from alembic.util import CommandError

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "60s"


def guard(*, as_owner: bool = True) -> None:
    """Set the transaction's timeouts and role.

    A revision that waits for a lock makes everyone behind it wait too, so it
    gives up after seconds; run again, nothing is lost. Objects of a superuser
    would bypass row-level security, so they are made by trial_owner.
    """
    op.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    op.execute(f"SET LOCAL statement_timeout = '{STATEMENT_TIMEOUT}'")
    if as_owner:
        op.execute("SET LOCAL ROLE trial_owner")


@contextmanager
def every_site() -> Iterator[None]:
    """Show the clinical rows of all sites: policies hide them from an owner who names none."""
    op.execute(
        "SELECT set_config('trial.sites', coalesce((SELECT string_agg(code, ',') FROM site), ''),"
        " true)"
    )
    yield
    op.execute("SELECT set_config('trial.sites', '', true)")


def refuse_to_drop(query: str, what: str, revision: str) -> None:
    """Refuse to leave a revision while a query finds what the one before cannot hold.

    Dropped values would be missing from rows that the trail tells whole.

    Raises:
        CommandError: it found something.
    """
    with every_site():
        found = op.get_bind().exec_driver_sql(query).first()
    if found:
        raise CommandError(
            f"the trial has {what}, which the revision before {revision} cannot hold:"
            " keep this version for it"
        )
