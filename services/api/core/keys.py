"""The keys that sign access tokens: one file, whose first key signs and all of whose keys verify.

To change a key without a stop, the new one is put first and the old one stays
until its last token has expired (NIST SP 800-57 part 1, section 5.3.5).
"""

import hashlib
import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self, TextIO

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jose.backends.cryptography_backend import CryptographyECKey

from services.api.core.signed import VerifyKey, base64url

log = structlog.get_logger()

ALGORITHM = "ES256"
LONGEST_LIFE = 900
"""Seconds of a token at most: RFC 9068 asks for short ones, since nobody can call one back."""
LOOK_EVERY = 0.5
"""Seconds for which a key that was taken out of the file may still count."""

_BLOCK = re.compile(
    r"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.+?-----END (?P=kind)-----", re.DOTALL
)
Stamp = tuple[int, int, int]


class UnusableKeys(ValueError):
    """The file holds no keys that can sign; the text says why."""


class RotationRefused(Exception):
    """A rotation now would drop a key whose tokens are in use, or meet another; the text says."""


@dataclass(frozen=True)
class TokenKey:
    """One ES256 key pair, named by its RFC 7638 thumbprint."""

    private: CryptographyECKey
    verify: VerifyKey
    jwk: dict[str, str]

    @classmethod
    def from_pem(cls, pem: str) -> Self:
        """Read a PEM private key.

        Raises:
            UnusableKeys: not an unencrypted private key on the curve P-256.
        """
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: encrypted
            raise UnusableKeys("not an unencrypted private key in PEM") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise UnusableKeys("the signing key must be an EC P-256 private key in PEM")
        numbers = key.public_key().public_numbers()
        members = {
            "crv": "P-256",
            "kty": "EC",
            "x": base64url(numbers.x.to_bytes(32, "big")),
            "y": base64url(numbers.y.to_bytes(32, "big")),
        }
        canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
        kid = base64url(hashlib.sha256(canonical).digest())
        jwk = {**members, "kid": kid, "use": "sig", "alg": ALGORITHM}
        return cls(CryptographyECKey(key, ALGORITHM), VerifyKey.from_jwk(jwk), jwk)

    @property
    def kid(self) -> str:
        """The name by which a token's header asks for the key."""
        return self.verify.kid


class KeyRing:
    """The keys in a file, taken anew when the file changes, so that a rotation needs no restart.

    Signing and an unknown key look at the file each time, so a token of
    another worker that has rotated already is accepted at once. A file that
    cannot be read leaves the keys as they are.
    """

    def __init__(self, path: Path) -> None:
        """Read the keys.

        Raises:
            UnusableKeys, OSError: the file holds none, or cannot be read.
        """
        self._path = path
        self._lock = Lock()
        self._stamp = _stamp(path)
        self._looked = time.monotonic()
        self._generation = 0
        self._keys = {key.kid: key for key in read_keys(path)}

    def first(self) -> TokenKey:
        """The key that signs."""
        self._look()
        return next(iter(self._keys.values()))

    def named(self, kid: str) -> VerifyKey | None:
        """The key of that name, if a token of it is still to be accepted."""
        if kid not in self._keys:
            self._look()
        key = self._keys.get(kid)
        return key.verify if key else None

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set (RFC 7517)."""
        self._look()
        return {"keys": [key.jwk for key in self._keys.values()]}

    @property
    def generation(self) -> int:
        """Changes when a key was taken out: who remembers verified tokens verifies them again.

        It costs one look at the file in half a second, whoever asks.
        """
        if time.monotonic() - self._looked >= LOOK_EVERY:
            self._look()
        return self._generation

    def _look(self) -> None:
        """Take the keys of the file if it is another than the one seen last."""
        self._looked = time.monotonic()
        if _stamp(self._path) == self._stamp:
            return
        with self._lock:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            try:
                self._take({key.kid: key for key in read_keys(self._path)})
            except (OSError, UnusableKeys) as fault:
                log.warning("signing_keys_unusable", kind=type(fault).__name__)
            # Last, so that whoever sees it finds the keys; also of a broken file, to tell it once.
            self._stamp = stamp

    def _take(self, keys: dict[str, TokenKey]) -> None:
        dropped = self._keys.keys() - keys.keys()
        self._keys = keys
        if dropped:
            self._generation += 1
        log.info("signing_keys_read", first=next(iter(keys)), keys=len(keys))


def read_keys(path: Path) -> list[TokenKey]:
    """The keys of a file in their order.

    Raises:
        UnusableKeys: it holds none, or something that is no EC P-256 private key.
        OSError: it cannot be read.
    """
    return [TokenKey.from_pem(block) for block in _blocks(path)]


def new_signing_key() -> str:
    """A fresh EC P-256 private key in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def rotate(path: Path, *, leaked: bool = False) -> list[TokenKey]:
    """Put a new key before the first and drop those after it; the file changes at one stroke.

    A `leaked` key is dropped at once, and with it every token that it signed.

    Raises:
        RotationRefused: the key to drop signed tokens that have not expired yet.
        UnusableKeys, OSError: the file holds no key, or cannot be replaced.
    """
    path = path.resolve()  # replace the file, and not a link to it
    draft = path.with_name(f"{path.name}.new")
    with _new_file(draft) as file:
        try:
            kept = [] if leaked else _kept(path)
            file.write("\n".join([new_signing_key().strip(), *kept]) + "\n")
            file.flush()
            _own_as(path, file.fileno())
            os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink()
            raise
    return read_keys(path)


def _new_file(draft: Path) -> TextIO:
    """A file that only its owner can read, and that stands for the only rotation under way."""
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise RotationRefused(
            f"{draft} exists: another rotation is under way; if none is, remove that file"
        ) from None
    return os.fdopen(handle, "w")


def _kept(path: Path) -> list[str]:
    """The key that goes on verifying, if none is dropped too early."""
    blocks = _blocks(path)
    age = time.time() - path.stat().st_mtime
    if len(blocks) > 1 and age < LONGEST_LIFE:
        raise RotationRefused(
            f"{path} changed {max(0, age):.0f} seconds ago, and tokens of the key before live"
            f" for {LONGEST_LIFE}: wait, or use --now to drop every key but the new one"
        )
    return blocks[:1]


def _own_as(path: Path, draft: int) -> None:
    """Give the draft the owner of the file, for the service may run as another user than root."""
    was, is_ = path.stat(), os.fstat(draft)
    if (was.st_uid, was.st_gid) != (is_.st_uid, is_.st_gid):
        os.fchown(draft, was.st_uid, was.st_gid)


def _blocks(path: Path) -> list[str]:
    try:
        blocks = [found[0] for found in _BLOCK.finditer(path.read_text())]
    except UnicodeDecodeError:
        blocks = []
    if not blocks:
        raise UnusableKeys("no private key in PEM")
    return blocks


def _stamp(path: Path) -> Stamp | None:
    """What changes when a file does; None where none can be read."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
