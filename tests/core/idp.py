"""An outside identity provider: a real HTTP server that publishes keys, and signs with them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from services.api.settings import Settings
from tests.core.signer import Signer

Json = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
DISCOVERY, KEYS = "/.well-known/openid-configuration", "/keys"
ROLES = {"trial-inv": "investigator", "trial-dm": "data_manager", "trial-his": "hospital_system"}


class IdentityProvider:
    """What it answers can be changed while it runs; `asked` lists the paths it was asked for."""

    def __init__(self, *signers: Signer) -> None:
        self.signers = list(signers)
        self.asked: list[str] = []
        self.answers: dict[str, Callable[[], Answer]] = {
            DISCOVERY: lambda: self.json({"issuer": self.issuer, "jwks_uri": self.issuer + KEYS}),
            KEYS: lambda: self.json({"keys": [signer.jwk() for signer in self.signers]}),
        }
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append(self.path)
                status, headers, body = provider.answers.get(self.path, lambda: (404, {}, b""))()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @staticmethod
    def json(body: object, status: int = 200, **headers: str) -> Answer:
        return status, headers, json.dumps(body).encode()

    @contextmanager
    def down(self) -> Iterator[None]:
        """Every question is answered by an error of the server."""
        answers, self.answers = self.answers, {}
        yield
        self.answers = answers

    def settings(self, **changed: Any) -> Settings:
        """Settings of a sandbox that trusts it."""
        given = {
            "sandbox": True,
            "issuer": "http://trial.test",
            "oidc_issuer": self.issuer,
            "oidc_audience": "trial",
            "oidc_roles": ROLES,
        }
        return Settings(**{**given, **changed})

    def claims(self, **changed: object) -> Json:
        """What it says of an investigator of Nanning; a claim of None is left out."""
        now = int(time.time())
        good = {
            "iss": self.issuer,
            "aud": "trial",
            "sub": "248289761001",
            "name": "Wei Ning 韦",
            "roles": ["trial-inv"],
            "sites": ["NN"],
            "sid": "08a5019c",
            "iat": now,
            "exp": now + 3600,
        }
        return {name: value for name, value in {**good, **changed}.items() if value is not None}

    def token(self, **changed: object) -> str:
        """A token signed by its first key."""
        return self.signers[0].sign(self.claims(**changed))
