"""Refusals of signing in."""

from typing import ClassVar

from services.api.core.errors import ApiError


class OAuthError(ApiError):
    """The token request is refused.

    See RFC 6749 section 5.2; `error` is its code, `error_description` says more.
    """

    code, status = "oauth_error", 400
    error: ClassVar[str] = "invalid_request"

    def __init__(self, detail: str | None = None, *, challenge: str | None = None) -> None:
        headers = {"WWW-Authenticate": challenge} if challenge else {}
        told = {"error": self.error, "error_description": detail or self.remedy()}
        super().__init__(detail, headers=headers, extra=told)


class InvalidRequest(OAuthError):
    """The token request lacks a parameter.

    `password` needs username and password; `refresh_token` needs
    refresh_token; `client_credentials` needs client_id and client_secret, in
    the form or as HTTP Basic, or client_assertion with its type.
    """

    code, error = "invalid_token_request", "invalid_request"


class InvalidGrant(OAuthError):
    """The credentials do not match an active account, or the refresh token is over.

    Check user name, password and code, or sign in again; an admin can tell
    whether the account is active.
    """

    code, error = "invalid_grant", "invalid_grant"


class PasswordChangeRequired(OAuthError):
    """An admin gave the password, so only a first change can be made with it.

    Choose your own with POST /v1/oauth/password, then sign in with that.
    """

    code, error = "password_change_required", "invalid_grant"


class TotpRequired(OAuthError):
    """The account has a second factor.

    Send the six digits of the authenticator as totp beside the password.
    """

    code, error = "totp_required", "invalid_grant"


class TotpEnrolmentRequired(OAuthError):
    """The role needs a second factor, and the account has none yet.

    Enrol an authenticator with POST /v1/oauth/totp and its confirmation, then sign in.
    """

    code, error = "totp_enrolment_required", "invalid_grant"


class TicketRefused(ApiError):
    """The ticket is not one of this account, or is older than ten minutes.

    Start again with POST /v1/oauth/totp.
    """

    code, status = "ticket_refused", 409


class InvalidClient(OAuthError):
    """The client and its secret do not match an active machine account.

    Check both; an admin can tell whether the client is active.
    """

    code, status, error = "invalid_client", 401, "invalid_client"

    def __init__(self) -> None:
        super().__init__(challenge='Basic realm="trial"')


class UnsupportedGrantType(OAuthError):
    """The grant type is not offered.

    Use password and refresh_token for people and client_credentials for systems.
    """

    code, error = "unsupported_grant_type", "unsupported_grant_type"


class ReauthenticationFailed(ApiError):
    """What was given with the signature does not show that it is you.

    Give your own password, and your code if you have a second factor; once
    signed, one of them is enough until you sign out. Nothing was signed.
    """

    code, status = "reauthentication_failed", 403
