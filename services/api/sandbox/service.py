"""The movable clock, the demo accounts and the scenario: what exists in a sandbox only."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlmodel import Session, select

from services.api.certificates.models import Certificate
from services.api.core.clock import Clock
from services.api.core.making import recorded_now
from services.api.core.permissions import GRANTS, SITE_BOUND, Action, Role
from services.api.identity.models import Account
from services.api.protocol.schema import Protocol
from services.api.sandbox.errors import ClockRunsForward
from services.api.sandbox.models import SandboxClock
from services.api.sandbox.scenarios import Scenario
from services.api.study.models import ProtocolVersion, SiteActivation

PASSWORD = "sandbox-only"
FURTHEST = timedelta(days=3653)
NAMESPACE = UUID("0f2f9c1e-6f0b-4c5e-9a52-6c1b2b1f7f10")

_QUICK = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
"""A password that everybody knows needs no hash that takes a third of a second to try."""


def username(role: Role, site: str, place: int = 1) -> str:
    """The demo account's user name or client id; `place` counts those of one role at a site."""
    if role not in SITE_BOUND:
        return role.value.replace("_", "-")
    prefix = "his" if role is Role.HOSPITAL_SYSTEM else role.value
    return f"{prefix}-{site.lower()}" if place == 1 else f"{prefix}-{site.lower()}-{place}"


def demo_id(account: str) -> UUID:
    """The demo account's id, which no account of a production has."""
    return uuid5(NAMESPACE, account)


def demo_accounts(protocol: Protocol) -> list[tuple[str, str, Role, list[str]]]:
    """User name, display name, role and sites: one per role, site-bound ones for each site.

    Each site has a second assessor, for second gradings.
    """
    accounts: list[tuple[str, str, Role, list[str]]] = []
    for role in Role:
        label = f"Demo {role.value.replace('_', ' ')}"
        if role not in SITE_BOUND:
            accounts.append((username(role, ""), label, role, []))
            continue
        accounts.extend(
            (username(role, site.code), f"{label}, {site.city}", role, [site.code])
            for site in protocol.sites
        )
    accounts.extend(
        (
            username(Role.ASSESSOR, site.code, 2),
            f"Demo second assessor, {site.city}",
            Role.ASSESSOR,
            [site.code],
        )
        for site in protocol.sites
    )
    return accounts


def furnish(session: Session, protocol: Protocol) -> None:
    """Create the demo accounts, certify who grades and activate every site, but only once."""
    if furnished(session):
        return
    session.add(SandboxClock(ahead=timedelta(0)))
    secret_hash = _QUICK.hash(PASSWORD)
    for account, name, role, sites in demo_accounts(protocol):
        # Past the password policy: the accounts of a sandbox are everybody's.
        session.add(
            Account(
                id=demo_id(account),
                kind="client" if role is Role.HOSPITAL_SYSTEM else "user",
                username=account,
                name=name,
                role=role.value,
                sites=sites,
                secret_hash=secret_hash,
            )
        )
    session.flush()
    approved = date.fromisoformat(f"{protocol.study.start}-01")
    for account, _, role, _ in demo_accounts(protocol):
        if Action.GRADE in GRANTS[role]:
            session.add(_certificate(account, approved))
    for site in protocol.sites:
        session.add(
            SiteActivation(
                site=site.code,
                protocol_version=protocol.version,
                consent_version="1.0",
                ethics_reference="demo approval",
                approved_on=approved,
                recorded_by=demo_id(username(Role.ADMIN, "")),
            )
        )
    session.flush()


def _certificate(account: str, valid_from: date) -> Certificate:
    """A demo account's training in grading, valid for longer than the clock can be moved."""
    return Certificate(
        id=uuid5(NAMESPACE, f"certificate of {account}"),
        version=1,
        assessor=demo_id(account),
        valid_from=valid_from,
        valid_until=recorded_now().date() + 2 * FURTHEST,
        training="demo training",
        recorded_by=demo_id(username(Role.DATA_MANAGER, "")),
    )


def furnished(session: Session) -> bool:
    """Whether the database is a sandbox's: its demo accounts have a published password."""
    return session.get(SandboxClock, 1) is not None


def holds_a_trial(session: Session) -> bool:
    """Whether the database holds a protocol or an account, and no sandbox put them there."""
    if furnished(session):
        return False
    queries = select(ProtocolVersion.version).limit(1), select(Account.id).limit(1)
    return any(session.exec(query).first() is not None for query in queries)


def resume_clock(session: Session, clock: Clock) -> None:
    """Set the clock to where the sandbox left it."""
    clock.offset = session.get_one(SandboxClock, 1).ahead


def played(session: Session) -> tuple[Scenario, int]:
    """The scenario and the seed that the data began with."""
    begun = session.get_one(SandboxClock, 1)
    return Scenario(begun.scenario), begun.seed


def set_out(session: Session, scenario: Scenario, seed: int, stood_at: datetime | None) -> None:
    """Note what was played, and where clinical time stands whenever it begins."""
    begun = session.get_one(SandboxClock, 1)
    begun.scenario, begun.seed, begun.stood_at = scenario.value, seed, stood_at
    session.flush()


def move_clock(session: Session, clock: Clock, to: datetime) -> timedelta:
    """Store how far clinical time is to be ahead of real time.

    Raises:
        ClockRunsForward: the moment is past, or absurdly far.
    """
    ahead = to - datetime.now(UTC)
    if to < clock.now() or ahead > FURTHEST:
        raise ClockRunsForward
    session.get_one(SandboxClock, 1).ahead = ahead
    session.flush()
    return ahead
