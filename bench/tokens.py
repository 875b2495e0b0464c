"""What a token check costs: the first of a token, the later ones, and python-jose alone."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

from jose import jwt
from rich.console import Console
from rich.table import Table

from services.api.core.auth import TokenCache
from services.api.core.keys import ALGORITHM, KeyRing, new_signing_key
from services.api.core.permissions import Role
from services.api.core.tokens import TokenIssuer

ROUNDS = 30
CHECKS = 1_000
ENDED = frozenset(uuid4() for _ in range(1_000))

Check = Callable[[str], Awaitable[object]]


class Watched:
    """A thousand sessions that ended within the last minutes, none of them asked for here."""

    stale = False

    def refresh(self) -> None:
        """Nothing is newer."""

    def has_ended(self, session: UUID) -> bool:
        return session in ENDED


def compare(console: Console) -> None:
    """Measure the ways side by side in turns, and print microseconds per check."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        (path := Path(directory) / "key.pem").write_text(new_signing_key())
        issuer = TokenIssuer(KeyRing(path), "http://bench", "trial-api", 900)
        tokens = [_token(issuer) for _ in range(CHECKS)]
        found = asyncio.run(_measure(issuer, tokens))
    table = Table("check", title="A token check", title_justify="left")
    for name in ("µs", "ratio"):
        table.add_column(name, justify="right")
    alone = statistics.median(found["python-jose alone"])
    for name, measured in found.items():
        middle = statistics.median(measured)
        table.add_row(name, f"{middle:,.2f}", f"{middle / alone:.3f}")
    console.print(table)


async def _measure(issuer: TokenIssuer, tokens: list[str]) -> dict[str, list[float]]:
    warm, watched = TokenCache(issuer), Watched()
    for token in tokens:
        await warm.principal(token, watched)
    public = issuer.key.jwk

    async def alone(token: str) -> object:
        return jwt.decode(
            token, public, algorithms=[ALGORITHM], audience="trial-api", issuer="http://bench"
        )

    async def later(token: str) -> object:
        return await warm.principal(token, watched)

    async def first(token: str) -> object:
        return await cold.principal(token, watched)

    ways: dict[str, Check] = {
        "python-jose alone": alone,
        "the first of a token": first,
        "every later one": later,
    }
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        cold = TokenCache(issuer)
        for name, check in ways.items():
            started = time.perf_counter()
            for token in tokens:
                await check(token)
            seconds = time.perf_counter() - started
            found.setdefault(name, []).append(seconds / len(tokens) * 1e6)
    return found


def _token(issuer: TokenIssuer) -> str:
    return issuer.issue(
        subject=uuid4(), role=Role.INVESTIGATOR, sites=("NN",), name="Bench", machine=False
    )
