"""The public keys of an outside identity provider, fetched from it and kept for a while.

Sources: OpenID Connect Discovery 1.0 section 4, RFC 7517, RFC 8725 section 3.10.
"""

import json
import ssl
import time
from collections.abc import Callable
from threading import BoundedSemaphore, Lock
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import structlog

from services.api.core.signed import BadKey, VerifyKey
from services.api.settings import MissingSetting, Settings

log = structlog.get_logger()

FRESH = 600
"""Seconds for which fetched keys are taken as they are."""
KEPT = 24 * 3600
"""Seconds for which they are still used when the provider does not answer."""
PAUSE = 30
"""Seconds between two questions: a stranger's invented key names do not make us a nuisance."""
PATIENCE = 5
"""Seconds to wait for the provider."""
WAITING = 8
"""Requests that may wait for the provider at once; the other threads go on serving."""
LARGEST = 64 * 1024
"""Bytes of an answer."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Keys = dict[str, VerifyKey]


class NoKeys(Exception):
    """The provider does not answer, or not as a provider does."""


class ProviderKeys:
    """Keys by their name; `fetch` asks the provider and raises `NoKeys`."""

    def __init__(self, fetch: Callable[[], Keys]) -> None:
        self._fetch = fetch
        self._keys: Keys = {}
        self._fetched_at = self._asked_at = float("-inf")
        self._asking = Lock()
        self._waiting = BoundedSemaphore(WAITING)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The keys of the provider that the settings name.

        Raises:
            MissingSetting: an address is not https; a sandbox may ask its own machine by http.
        """
        for name in ("oidc_issuer", "oidc_jwks_uri"):
            address = getattr(settings, name)
            if address and not _may_ask(address, loopback=settings.sandbox):
                raise MissingSetting(f"TRIAL_{name.upper()} must be an https address")
        return cls(lambda: _fetch(settings))

    def named(self, kid: str) -> VerifyKey | None:
        """The provider's key of that name; may wait for the provider, but not if it is known."""
        known = self._held(kid)
        if not self._is_due(known):
            return known
        if known is not None:
            self._ask_unless_another_does(kid)
        elif self._waiting.acquire(blocking=False):
            try:
                with self._asking:
                    self._ask_if_due(kid)
            finally:
                self._waiting.release()
        return self._held(kid)

    def _held(self, kid: str) -> VerifyKey | None:
        return self._keys.get(kid) if time.monotonic() - self._fetched_at <= KEPT else None

    def _is_due(self, known: VerifyKey | None) -> bool:
        now = time.monotonic()
        wanted = known is None or now - self._fetched_at > FRESH
        return wanted and now - self._asked_at > PAUSE

    def _ask_unless_another_does(self, kid: str) -> None:
        if self._asking.acquire(blocking=False):
            try:
                self._ask_if_due(kid)
            finally:
                self._asking.release()

    def _ask_if_due(self, kid: str) -> None:
        if not self._is_due(self._held(kid)):
            return  # another thread has just asked
        try:
            self._keys = self._fetch()
            self._fetched_at = time.monotonic()
        except NoKeys as error:
            log.warning("provider_keys_unavailable", reason=str(error))
        finally:
            self._asked_at = time.monotonic()


def usable_keys(jwks: object) -> Keys:
    """The keys of a set that can verify here; others, for encryption or of other types, are left.

    Raises:
        NoKeys: it is no key set.
    """
    listed = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(listed, list):
        raise NoKeys("no key set")
    found: Keys = {}
    for jwk in listed:
        try:
            key = VerifyKey.from_jwk(jwk)
        except BadKey:
            continue
        found.setdefault(key.kid, key)
    return found


def _fetch(settings: Settings) -> Keys:
    """Ask the provider for its keys, and first where they are unless the settings tell.

    Raises:
        NoKeys: it does not answer in time, or not as a provider does.
    """
    deadline = time.monotonic() + PATIENCE
    # The machine's own certificates: a hospital's provider often has one of the hospital's.
    with httpx.Client(
        verify=ssl.create_default_context(), headers={"Accept-Encoding": "identity"}
    ) as client:
        address = settings.oidc_jwks_uri or _discovered(client, settings, deadline)
        return usable_keys(_get(client, address, deadline))


def _discovered(client: httpx.Client, settings: Settings, deadline: float) -> str:
    """Where the keys are, from the provider's metadata, which must be those of the issuer."""
    base = settings.oidc_issuer.rstrip("/")
    metadata = _get(client, f"{base}/.well-known/openid-configuration", deadline)
    if metadata.get("issuer") != settings.oidc_issuer:
        raise NoKeys("the metadata are those of another issuer")
    address = metadata.get("jwks_uri")
    if not isinstance(address, str) or not _may_ask(address, loopback=settings.sandbox):
        raise NoKeys("the metadata name no https address of keys")
    return address


def _get(client: httpx.Client, address: str, deadline: float) -> dict[str, Any]:
    """A JSON object; redirects are not followed, for they may lead out of https."""
    body = bytearray()
    try:
        timeout = max(0.1, deadline - time.monotonic())
        with client.stream("GET", address, timeout=timeout, follow_redirects=False) as answer:
            if answer.status_code != httpx.codes.OK:
                raise NoKeys(f"answered {answer.status_code}")
            for piece in answer.iter_raw():  # never inflated: a small answer stays small
                body += piece
                if len(body) > LARGEST or time.monotonic() > deadline:
                    raise NoKeys("the answer is too large or too slow")
        parsed = json.loads(body)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, RecursionError) as error:
        raise NoKeys(type(error).__name__) from error
    if not isinstance(parsed, dict):
        raise NoKeys("no JSON object")
    return parsed


def _may_ask(address: str, *, loopback: bool) -> bool:
    """Whether an address is https, or http on this machine where that is allowed."""
    try:
        url = urlsplit(address)
        host = url.hostname
    except ValueError:
        return False
    if not host or url.username is not None or url.fragment:
        return False
    return url.scheme == "https" or (loopback and url.scheme == "http" and host in _LOOPBACK)
