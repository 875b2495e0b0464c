"""What an account has to be, whoever asks for it."""

from collections.abc import Collection, Sequence

from services.api.core.errors import FieldError
from services.api.core.permissions import SITE_BOUND, Role
from services.api.language.wording import Wording


def misplaced(role: Role, sites: Sequence[str], known: Collection[str]) -> list[FieldError]:
    """What is wrong with an account's sites; empty if they fit its role.

    A site-bound role acts at one or more sites of the trial. The others act
    everywhere or nowhere, so they are given none.
    """
    if role not in SITE_BOUND:
        return [
            _fault("/sites", "sites_not_of_role", Wording("{role} has no sites", role=role.value))
        ] * bool(sites)
    if not sites:
        return [
            _fault(
                "/sites",
                "sites_missing",
                Wording("{role} needs at least one site", role=role.value),
            )
        ]
    return [
        _fault(f"/sites/{index}", "unknown_site", "There is no such site")
        for index, site in enumerate(sites)
        if site not in known
    ]


def without_way_in(*, secret: bool, keys: bool) -> list[FieldError]:
    """What is wrong with a client's credentials: it needs a secret, keys, or both."""
    if secret or keys:
        return []
    return [_fault("/secret", "no_credentials", "A client needs a secret, jwks, or both")]


def repeated(kids: Sequence[str]) -> list[FieldError]:
    """Every key whose `kid` an earlier key has: a signature names its key by it alone."""
    return [
        _fault(f"/jwks/keys/{index}/kid", "kid_not_unique", "Another key has this kid")
        for index, kid in enumerate(kids)
        if kid in kids[:index]
    ]


def _fault(pointer: str, code: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code=code, detail=detail)
