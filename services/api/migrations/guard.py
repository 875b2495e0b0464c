"""What every revision does first: bound its locks and its time, and act as the owner."""

from alembic import op

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
