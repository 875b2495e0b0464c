"""A key pair of anyone else: signs JWTs as RFC 7515 says, sharing no code with the service."""

import base64
import json
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

Json = dict[str, Any]
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
NAMES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(part: object) -> str:
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


@cache
def rsa_key(bits: int, which: int = 0) -> rsa.RSAPrivateKey:
    """An RSA key, made once, since that takes a while."""
    return rsa.generate_private_key(65537, bits)


@dataclass(frozen=True)
class Signer:
    """A private key, its name and the algorithm it is for."""

    kid: str
    algorithm: str
    private: PrivateKey

    @classmethod
    def new(cls, algorithm: str = "ES256", kid: str = "theirs", which: int = 0) -> Self:
        if algorithm in CURVES:
            return cls(kid, algorithm, ec.generate_private_key(CURVES[algorithm]))
        return cls(kid, algorithm, rsa_key(2048, which))

    def jwk(self, **changed: object) -> Json:
        """The public key (RFC 7518 section 6); a member that is changed to None is left out."""
        jwk = {**self._members(), "kid": self.kid, "alg": self.algorithm, "use": "sig", **changed}
        return {name: value for name, value in jwk.items() if value is not None}

    def _members(self) -> Json:
        if isinstance(self.private, rsa.RSAPrivateKey):
            both = self.private.public_key().public_numbers()
            return {"kty": "RSA", "n": number(both.n), "e": number(both.e)}
        point = self.private.public_key().public_numbers()
        length = (point.curve.key_size + 7) // 8
        return {
            "kty": "EC",
            "crv": NAMES[point.curve.name],
            "x": number(point.x, length),
            "y": number(point.y, length),
        }

    def header(self, **changed: object) -> Json:
        header = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **changed}
        return {name: value for name, value in header.items() if value is not None}

    def sign(self, claims: object, **header: object) -> str:
        """A JWT of those claims; a header member of None is left out."""
        return self.sign_parts(self.header(**header), claims)

    def sign_parts(self, header: object, claims: object) -> str:
        """Header and claims as they are; bytes stand for what is no JSON."""
        signed = f"{encoded(header)}.{encoded(claims)}"
        return f"{signed}.{b64(self.signature(signed.encode()))}"

    def signature(self, signed: bytes) -> bytes:
        digest = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
        algorithm = digest[self.algorithm[2:]]
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(signed, padding.PKCS1v15(), algorithm)
        r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(algorithm)))
        length = (self.private.curve.key_size + 7) // 8
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")
