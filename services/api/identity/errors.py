"""Refusals of signing in."""

from typing import ClassVar

from services.api.core.errors import ApiError


class OAuthError(ApiError):
    """The token request is refused.

    See RFC 6749 section 5.2; `error` is its code.
    """

    code, status = "oauth_error", 400
    error: ClassVar[str] = "invalid_request"

    def __init__(self, detail: str | None = None, *, challenge: str | None = None) -> None:
        headers = {"WWW-Authenticate": challenge} if challenge else {}
        super().__init__(detail, headers=headers, extra={"error": self.error})


class InvalidRequest(OAuthError):
    """The token request lacks a parameter.

    `password` needs username and password; `client_credentials` needs
    client_id and client_secret, in the form or as HTTP Basic.
    """

    code, error = "invalid_token_request", "invalid_request"


class InvalidGrant(OAuthError):
    """The user name and password do not match an active account.

    Check both; an admin can tell whether the account is active.
    """

    code, error = "invalid_grant", "invalid_grant"


class InvalidClient(OAuthError):
    """The client and its secret do not match an active machine account.

    Check both; an admin can tell whether the client is active.
    """

    code, status, error = "invalid_client", 401, "invalid_client"

    def __init__(self) -> None:
        super().__init__(challenge='Basic realm="trial"')


class UnsupportedGrantType(OAuthError):
    """The grant type is not offered.

    Use password for people and client_credentials for systems.
    """

    code, error = "unsupported_grant_type", "unsupported_grant_type"


class ReauthenticationFailed(ApiError):
    """The password given with the signature is not yours.

    Enter your own password again; nothing was signed.
    """

    code, status = "reauthentication_failed", 403
