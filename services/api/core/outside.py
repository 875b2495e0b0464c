"""Tokens of an outside identity provider, such as a hospital's: accepted beside our own.

The provider says who someone is; the settings say which of its roles is which
of ours. Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 9068.
"""

import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Self
from uuid import NAMESPACE_URL, UUID, uuid5

from services.api.core.keys import LONGEST_LIFE
from services.api.core.permissions import SITE_BOUND, WITHOUT_CLINICAL_DATA, Role
from services.api.core.provider import ProviderKeys
from services.api.core.signed import BadToken, Expected, unverified, verified
from services.api.core.tokens import Claims
from services.api.settings import MissingSetting, Settings

LONGEST = 8192
"""Characters: providers list every group of a person, so their tokens are longer than ours."""
LONGEST_NAME = 200
_TYPES = frozenset({None, "JWT", "at+jwt"})
_HEADER = frozenset({"typ", "x5t", "x5t#S256"})
"""`x5t` names a certificate; common providers send it, and nothing here follows it."""


class OutsideIssuer:
    """Verifies the tokens of the provider that the settings name."""

    def __init__(self, settings: Settings, keys: ProviderKeys, sites: Iterable[str]) -> None:
        """Take the mapping of the settings; `sites` are the codes of the protocol.

        Raises:
            MissingSetting: a role or site that the trial does not have.
        """
        self._settings = settings
        self._keys = keys
        self._sites = tuple(sorted(sites))
        self._roles = _known_roles(settings.oidc_roles)
        if unknown := set(settings.oidc_sites.values()) - set(self._sites):
            raise MissingSetting(f"TRIAL_OIDC_SITES: the trial has no site {min(unknown)}")

    @classmethod
    def of(cls, settings: Settings, sites: Iterable[str]) -> Self | None:
        """The provider of the settings, if they name one; nothing is fetched yet.

        Raises:
            MissingSetting: a role or site that the trial does not have, or an address
                that is not fit for production.
        """
        if not settings.oidc_issuer:
            return None
        if settings.oidc_issuer == settings.issuer:
            raise MissingSetting("TRIAL_OIDC_ISSUER is this service itself")
        return cls(settings, ProviderKeys.of(settings), sites)

    def speaks_for(self, token: str) -> bool:
        """Whether a token claims to be the provider's; it is not verified."""
        try:
            return unverified(token, LONGEST).get("iss") == self._settings.oidc_issuer
        except BadToken:
            return False

    def verify(self, token: str) -> Claims:
        """The claims of a token of the provider that is valid now; may wait for the provider.

        Such a token is accepted for 15 minutes from its issue, however long it
        lives: nobody tells us when the provider revokes it.

        Raises:
            BadToken: anything about it is wrong, or the provider's keys cannot be had.
        """
        claims = verified(token, self._keys.named, self._expected)
        expires_at = min(claims["exp"], claims["iat"] + LONGEST_LIFE)
        if expires_at <= time.time():
            raise BadToken
        role = self._role(claims)
        return Claims(
            subject=uuid5(self._namespace, f"sub {claims['sub']}"),
            role=role,
            sites=self._sites_of(role, claims),
            name=self._name(role, claims),
            session=self._session(claims),
            machine=role is Role.HOSPITAL_SYSTEM,
            expires_at=expires_at,
        )

    @cached_property
    def _expected(self) -> Expected:
        return Expected(
            issuer=self._settings.oidc_issuer,
            audience=self._settings.oidc_audience,
            types=_TYPES,
            header=_HEADER,
            claims={"sub": str, "iat": int},
            one_of_several=True,
            longest=LONGEST,
        )

    @cached_property
    def _namespace(self) -> UUID:
        return uuid5(NAMESPACE_URL, self._settings.oidc_issuer)

    def _session(self, claims: Mapping[str, Any]) -> UUID:
        """What the token belongs to, at its narrowest: the provider's session, or the token."""
        for name in ("sid", "jti"):
            if isinstance(claims.get(name), str) and claims[name]:
                return uuid5(self._namespace, f"{name} {claims[name]}")
        return uuid5(self._namespace, f"iat {claims['iat']} {claims['sub']}")

    def _role(self, claims: Mapping[str, Any]) -> Role:
        """The one role of ours that the token's roles stand for; others say nothing of the trial.

        A token acts in one role, as the delegation log does: with two it is refused.
        """
        told = _texts(_at(claims, self._settings.oidc_role_claim))
        roles = {self._roles[text] for text in told if text in self._roles}
        if len(roles) != 1:
            raise BadToken
        return roles.pop()

    def _sites_of(self, role: Role, claims: Mapping[str, Any]) -> tuple[str, ...]:
        """The token's sites for a role bound to sites; for the others, none may be named."""
        told = _texts(_at(claims, self._settings.oidc_sites_claim))
        if mapping := self._settings.oidc_sites:
            told = [mapping[text] for text in told if text in mapping]
        if bool(told) != (role in SITE_BOUND) or not set(told) <= set(self._sites):
            raise BadToken
        if role in SITE_BOUND:
            return tuple(sorted(set(told)))
        return () if role in WITHOUT_CLINICAL_DATA else self._sites

    def _name(self, role: Role, claims: Mapping[str, Any]) -> str:
        """The name that stands in the audit trail; a machine may have its subject only."""
        name = _at(claims, self._settings.oidc_name_claim)
        if name is None and role is Role.HOSPITAL_SYSTEM:
            name = claims["sub"]
        if not isinstance(name, str) or not 1 <= len(name.strip()) <= LONGEST_NAME:
            raise BadToken
        if any(character < " " or character == "\x7f" for character in name):
            raise BadToken
        return name.strip()


def _known_roles(mapping: Mapping[str, str]) -> dict[str, Role]:
    for role in mapping.values():
        if role not in set(Role):
            raise MissingSetting(f"TRIAL_OIDC_ROLES: the trial has no role {role}")
    return {told: Role(role) for told, role in mapping.items()}


def _at(claims: Mapping[str, Any], path: str) -> object:
    """The claim of that name, or that a dotted path leads to; None where nothing is.

    A name may hold dots itself, since some providers name claims by a URL.
    """
    if path in claims:
        return claims[path]
    found: object = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _texts(told: object) -> list[str]:
    """One text or a list of texts as a list; nothing told is an empty list."""
    if told is None:
        return []
    listed: list[Any] = told if isinstance(told, list) else [told]
    if not all(isinstance(text, str) for text in listed):
        raise BadToken
    return listed
