"""Who calls, and the tokens that show it: asked for when needed, renewed before they expire."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from trial_client.problems import TrialProblem, json_in
from trial_client.retries import Retries, deliver

TOKEN = "/v1/oauth/token"
REVOKE = "/v1/oauth/revoke"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MARGIN = 60.0
"""Seconds before its end at which a token is renewed; of a short-lived one, a fifth of its life."""
LIMIT = 4.0
"""Seconds that an answer with tokens may take: a refresh token is good again for ten, and the next
attempt must come within them."""

Form = Mapping[str, str]


@dataclass(frozen=True)
class Password:
    """A person. With a one-time code, the session lasts as long as it can be refreshed.

    The code is good once, so signing in with it is not tried again.
    """

    username: str
    password: str = field(repr=False)
    totp: str | None = field(default=None, repr=False)

    @property
    def lasting(self) -> bool:
        """Whether one can sign in with it again."""
        return self.totp is None

    def form(self) -> Form:
        """What is sent to sign in."""
        known = {"username": self.username, "password": self.password}
        code = {} if self.totp is None else {"totp": self.totp}
        return {"grant_type": "password", **known, **code}


@dataclass(frozen=True)
class RefreshToken:
    """A session that was begun elsewhere."""

    refresh_token: str = field(repr=False)
    lasting = False

    def form(self) -> Form:
        """What is sent to go on."""
        return {"grant_type": "refresh_token", "refresh_token": self.refresh_token}


@dataclass(frozen=True)
class ClientSecret:
    """A system that keeps a secret."""

    client_id: str
    client_secret: str = field(repr=False)
    lasting = True

    def form(self) -> Form:
        """What is sent to sign in."""
        known = {"client_id": self.client_id, "client_secret": self.client_secret}
        return {"grant_type": "client_credentials", **known}


@dataclass(frozen=True)
class ClientAssertion:
    """A system that keeps a private key; `assertion` signs a new JWT at each call (RFC 7523)."""

    client_id: str
    assertion: Callable[[], str] = field(repr=False)
    lasting = True

    def form(self) -> Form:
        """What is sent to sign in, with a new `jti` for each attempt."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION,
            "client_assertion": self.assertion(),
        }


@dataclass(frozen=True)
class AccessToken:
    """Tokens of an outside identity provider; `token` gives one that is still good."""

    token: Callable[[], str] = field(repr=False)


SignIn = Password | RefreshToken | ClientSecret | ClientAssertion
Credentials = SignIn | AccessToken


class Session:
    """The current token of one caller. Threads may share it: one of them renews."""

    def __init__(self, http: httpx.Client, credentials: Credentials, retries: Retries) -> None:
        self._http = http
        self._credentials = credentials
        self._retries = retries
        self._lock = threading.Lock()
        self._token: str | None = None
        self._refresh_token: str | None = None
        self._renew_at = 0.0
        self.ended = 0
        """How often it was signed out."""

    def token(self, *, began: int, refused: str | None = None) -> str | None:
        """A token that is still good, and is not the one that was `refused`.

        `began` is what `ended` was when the call began: a call from before a
        signing out does not sign in again, and has to do with what there is.

        Raises:
            TrialProblem: the credentials do not hold, or not any more.
            Unreachable.
        """
        credentials = self._credentials
        if isinstance(credentials, AccessToken):
            return credentials.token()
        with self._lock:
            over = self._token in {None, refused} or time.monotonic() >= self._renew_at
            if over and began == self.ended:
                self._keep(self._renewed(credentials))
            return self._token

    def end(self) -> None:
        """Sign out: the session's tokens are refused from now on.

        They are kept until the service has said so, to sign out again where it did not.

        Raises:
            TrialProblem: the session goes on.
            Unreachable: it may go on.
        """
        with self._lock:
            token = self._refresh_token or self._token or self._given()
            if token is not None:
                self._post(REVOKE, lambda: {"token": token})
            self._token = self._refresh_token = None
            self.ended += 1

    def _given(self) -> str | None:
        """The token of a session that was begun elsewhere and not yet gone on with."""
        credentials = self._credentials
        return credentials.refresh_token if isinstance(credentials, RefreshToken) else None

    def _renewed(self, credentials: SignIn) -> dict[str, Any]:
        if self._refresh_token is not None:
            going_on = RefreshToken(self._refresh_token)
            try:
                return self._post(TOKEN, going_on.form)
            except TrialProblem as refusal:
                # With an answer that passes it is still the newest, as it is without one: any
                # before it would end the session. What is refused stays, too, where the first
                # proof was good once.
                if refusal.code != "invalid_grant" or not credentials.lasting:
                    raise
                self._refresh_token = None
        once = isinstance(credentials, Password) and credentials.totp is not None
        return self._post(TOKEN, credentials.form, safe=not once)

    def _keep(self, answer: dict[str, Any]) -> None:
        life = float(answer["expires_in"])
        self._token = str(answer["access_token"])
        self._refresh_token = answer.get("refresh_token")
        self._renew_at = time.monotonic() + life - min(MARGIN, life / 5)

    def _post(self, path: str, form: Callable[[], Form], *, safe: bool = True) -> dict[str, Any]:
        # Signing in twice does no harm, and a refresh token is good again for some seconds; a
        # one-time code is not.
        delivered = deliver(
            lambda: self._http.post(path, data=dict(form()), timeout=LIMIT),
            safe=safe,
            asked="POST",
            path=path,
            retries=self._retries,
        )
        if not delivered.response.is_success:
            raise TrialProblem(delivered.response, uncertain=delivered.uncertain)
        return json_in(delivered.response)
