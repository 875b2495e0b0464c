"""Passwords and client secrets: how they are kept, checked, and which are too weak.

Source: NIST SP 800-63B-4 section 3.1.1.2; OWASP ASVS 5.0 chapters 6.2 and 11.4.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from secrets import token_urlsafe
from threading import BoundedSemaphore
from typing import NamedTuple

from pwdlib import PasswordHash
from zxcvbn import zxcvbn

from services.api.core.errors import FieldError, Invalid, Unavailable
from services.api.language.wording import Wording

SHORTEST, LONGEST = 12, 128
"""Characters of a password, counted as Unicode code points."""

FEWEST_GUESSES = 10**9
"""As zxcvbn estimates them: beyond its score 3, for any three common words count as 10^8."""

_RATED = 40  # what begins well does not get worse, and zxcvbn takes seconds for twice as much
# What zxcvbn's lists of English passwords lack: this service, its users' language, later years.
_ALWAYS = ("trial", "sandbox-only", "sandbox", "hospital", "study", "woaini", "5201314", "1314520")
_YEARS = tuple(str(year) for year in range(2015, 2050))
_HASHER = PasswordHash.recommended()
# argon2id takes a core and 64 MiB for a third of a second: more at once starves everyone.
_HASHING = BoundedSemaphore(2)
# Each one waiting holds one of the forty threads that everyone's requests need.
_WAITING = BoundedSemaphore(10)
_PATIENCE = 5.0
# zxcvbn keeps the words of the context in a dictionary of its module.
_RATING = BoundedSemaphore(1)


class Weakness(NamedTuple):
    """Why a password is refused: a code for programs, a text for people."""

    code: str
    detail: str


_TOO_SHORT = Weakness(
    "password_too_short", Wording("Use at least {count} characters", count=SHORTEST)
)
_TOO_LONG = Weakness("password_too_long", Wording("Use at most {count} characters", count=LONGEST))
_GUESSABLE = Weakness(
    "password_guessable",
    "It is common, or follows from names, dates or patterns; four or five random words are better",
)


def hash_secret(secret: str) -> str:
    """The argon2id hash of a password or client secret, with a salt of its own.

    Raises:
        Unavailable: too many secrets are being hashed.
    """
    with _turn(_HASHING):
        return _HASHER.hash(_normal(secret))


def matches(secret: str, secret_hash: str | None) -> bool:
    """Whether the secret is the one of the hash; None stands for an unknown account.

    An unknown account takes as long as a known one with another secret.

    Raises:
        Unavailable: too many secrets are being hashed.
    """
    stand_in = _nobody()  # always, or the first caller of all would be told apart
    with _turn(_HASHING):
        return _HASHER.verify(_normal(secret), secret_hash or stand_in) and bool(secret_hash)


def weaknesses(password: str, *, context: Sequence[str]) -> list[Weakness]:
    """Why the password cannot be used; empty if it can.

    `context` holds what a stranger would try first: the user name, the
    person's name, the sites, the study's identifiers. There are no rules of
    composition, and nothing is cut off.

    Raises:
        Unavailable: too many passwords are being rated.
    """
    lengths = (len(password), len(_normal(password)))
    if min(lengths) < SHORTEST:
        return [_TOO_SHORT]
    if max(lengths) > LONGEST:
        return [_TOO_LONG]
    with _turn(_RATING):
        rated = zxcvbn(_normal(password)[:_RATED], user_inputs=[*_words(context)])
    return [_GUESSABLE] if rated["guesses"] < FEWEST_GUESSES else []


def refuse_weak(password: str, pointer: str, *, context: Sequence[str]) -> None:
    """Refuse a weak password at its place in the request.

    Raises:
        Invalid: it is too short, too long or guessable.
        Unavailable: too many passwords are being rated.
    """
    found = weaknesses(password, context=context)
    if found:
        raise Invalid(errors=[FieldError(pointer=pointer, **one._asdict()) for one in found])


def _normal(secret: str) -> str:
    """The same code points whatever keyboard wrote them: NFKC (UAX #15)."""
    return unicodedata.normalize("NFKC", secret)


@contextmanager
def _turn(places: BoundedSemaphore) -> Iterator[None]:
    """Wait for one of the places in which secrets are worked on.

    Raises:
        Unavailable: none became free in time, or too many wait already.
    """
    if not _WAITING.acquire(blocking=False):
        raise Unavailable
    try:
        if not places.acquire(timeout=_PATIENCE):
            raise Unavailable
        try:
            yield
        finally:
            places.release()
    finally:
        _WAITING.release()


@cache
def _nobody() -> str:
    """A hash to verify when the account is unknown, of a secret that nobody knows."""
    return _HASHER.hash(token_urlsafe())


def _words(context: Sequence[str]) -> Iterator[str]:
    """The texts of the context and the words in them."""
    for text in (*context, *_ALWAYS, *_YEARS):
        yield text
        yield from (word for word in re.split(r"[\W_]+", text) if len(word) > 2)
