"""A signing key changes while the service runs: nobody is cut off, except by a leaked key."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jose import jwt
from typer.testing import CliRunner

from services.api import cli
from services.api.core import keys
from services.api.core.keys import (
    LONGEST_LIFE,
    LOOK_EVERY,
    KeyRing,
    RotationRefused,
    TokenKey,
    UnusableKeys,
    new_signing_key,
    read_keys,
    rotate,
)
from services.api.core.permissions import Role
from services.api.core.signed import BadToken
from services.api.core.tokens import TokenIssuer
from tests.make import Api, Json, ok


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (made := tmp_path / "key.pem").write_text(new_signing_key())
    return made


def worker(path: Path) -> TokenIssuer:
    return TokenIssuer(KeyRing(path), "http://trial.test", "trial-api", 900)


def token_of(issuer: TokenIssuer) -> str:
    return issuer.issue(subject=uuid4(), role=Role.DMC, sites=(), name="D", machine=False)


def kid_of(token: str | None) -> str:
    return str(jwt.get_unverified_header(str(token))["kid"])


def aged(path: Path, seconds: float = LONGEST_LIFE + 1) -> None:
    """Make as if the file had changed that long ago."""
    os.utime(path, (time.time() - seconds, time.time() - seconds))


# --- the file -------------------------------------------------------------------------------


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, secret: bytes = b"") -> str:
    encryption = BestAvailableEncryption(secret) if secret else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def public_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: "no key",
        lambda: private_pem(ec.generate_private_key(ec.SECP384R1())),
        lambda: private_pem(rsa.generate_private_key(65537, 2048)),
        lambda: private_pem(ec.generate_private_key(ec.SECP256R1()), b"secret"),
        lambda: new_signing_key()[:-40],
        lambda: new_signing_key().replace("M", "N"),
        lambda: new_signing_key() + private_pem(ec.generate_private_key(ec.SECP384R1())),
        public_pem,
    ],
    ids=[
        "nothing",
        "text",
        "P-384",
        "RSA",
        "encrypted",
        "cut",
        "altered",
        "second P-384",
        "public",
    ],
)
def test_only_unencrypted_p256_private_keys_sign(path: Path, make: Callable[[], str]) -> None:
    path.write_text(make())
    with pytest.raises(UnusableKeys):
        KeyRing(path)


def test_a_file_of_bytes_or_none_is_told(path: Path) -> None:
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnusableKeys):
        KeyRing(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        KeyRing(path)


def test_keys_as_openssl_writes_them_are_read(path: Path) -> None:
    """`openssl ecparam -genkey` puts the curve's parameters before the key."""
    key = ec.generate_private_key(ec.SECP256R1())
    traditional = PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(Encoding.PEM, traditional, NoEncryption()).decode()
    path.write_text(
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        f"{pem}\nsome words between\n{new_signing_key()}"
    )
    assert read_keys(path)[0].kid == TokenKey.from_pem(pem).kid
    assert len(read_keys(path)) == 2


# --- rotating ---------------------------------------------------------------------------------


def test_a_rotation_puts_a_new_key_first_and_keeps_the_one_before(path: Path) -> None:
    (old,) = read_keys(path)
    new, kept = rotate(path)
    assert kept.kid == old.kid != new.kid
    aged(path)
    newest, second = rotate(path)
    assert second.kid == new.kid
    assert [key.kid for key in read_keys(path)] == [newest.kid, new.kid]
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_key_whose_tokens_live_is_not_dropped_unless_it_leaked(path: Path) -> None:
    rotate(path)
    for age in (0, LONGEST_LIFE - 5):
        aged(path, age)
        before = path.read_bytes()
        with pytest.raises(RotationRefused, match="--now"):
            rotate(path)
        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]
    known = {key.kid for key in read_keys(path)}
    (only,) = rotate(path, leaked=True)
    assert only.kid not in known


def test_of_two_rotations_at_once_one_is_refused(path: Path) -> None:
    (leftover := path.with_name("key.pem.new")).touch()
    with pytest.raises(RotationRefused, match="remove that file"):
        rotate(path)
    assert len(read_keys(path)) == 1
    assert leftover.exists()


def test_a_rotation_that_fails_leaves_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        rotate(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_link_to_the_file_stays_a_link(path: Path) -> None:
    (link := path.with_name("link")).symlink_to(path)
    rotate(link)
    assert link.is_symlink()
    assert len(read_keys(path)) == 2


def test_the_file_keeps_its_owner(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    was = path.stat()
    monkeypatch.setattr(os, "fchown", lambda _, uid, gid: given.append((uid, gid)))
    rotate(path)
    assert given == []
    draft_of_root = os.stat_result((0o600, 0, 0, 1, was.st_uid + 1, was.st_gid, 0, 0, 0, 0))
    monkeypatch.setattr(os, "fstat", lambda _: draft_of_root)
    rotate(path, leaked=True)
    assert given == [(was.st_uid, was.st_gid)]


def test_trial_keys_rotate_says_which_key_does_what(path: Path) -> None:
    (old,) = read_keys(path)
    environment = {"TRIAL_SIGNING_KEY_FILE": str(path)}

    def invoke(*arguments: str, **changed: str | None) -> tuple[int, str]:
        command = ["keys", "rotate", *arguments]
        answer = CliRunner().invoke(cli.app, command, env={**environment, **changed})
        return answer.exit_code, answer.output

    status, said = invoke()
    assert status == 0
    first, _ = read_keys(path)
    assert said.splitlines() == [
        f"Key {first.kid} signs from now on.",
        f"Key {old.kid} goes on verifying.",
    ]
    status, said = invoke()
    assert (status, "wait, or use --now" in said) == (1, True)
    status, said = invoke("--now")
    (only,) = read_keys(path)
    assert (status, said) == (0, f"Key {only.kid} signs from now on.\n")
    path.write_text("nothing")
    assert invoke() == (1, "no private key in PEM\n")
    status, said = invoke(TRIAL_SIGNING_KEY_FILE=None)
    assert (status, said.split()[0]) == (1, "TRIAL_SIGNING_KEY_FILE")


# --- the ring ---------------------------------------------------------------------------------


def test_two_workers_accept_each_other_s_tokens_at_once(path: Path) -> None:
    one, other = worker(path), worker(path)
    old = token_of(one)
    for _ in range(3):
        rotate(path)
        new = token_of(one)
        assert kid_of(new) == read_keys(path)[0].kid
        assert other.verify(new)
        assert kid_of(token_of(other)) == kid_of(new)
        assert one.verify(token_of(other))
        aged(path)
    for issuer in (one, other):
        with pytest.raises(BadToken):  # dropped by the second rotation
            issuer.verify(old)


def test_the_key_before_verifies_and_the_dropped_one_does_not(path: Path) -> None:
    issuer = worker(path)
    old = token_of(issuer)
    rotate(path)
    token_of(issuer)
    assert issuer.verify(old)
    assert [key["kid"] for key in issuer.jwks()["keys"]] == [kid_of(token_of(issuer)), kid_of(old)]
    rotate(path, leaked=True)
    token_of(issuer)
    with pytest.raises(BadToken):
        issuer.verify(old)
    assert len(issuer.jwks()["keys"]) == 1


def test_whoever_remembers_tokens_learns_within_half_a_second_that_a_key_is_gone(
    path: Path,
) -> None:
    issuer = worker(path)
    begun = issuer.generation
    rotate(path)
    time.sleep(LOOK_EVERY)
    assert issuer.generation == begun, "no key was taken out"
    rotate(path, leaked=True)
    time.sleep(LOOK_EVERY)
    assert issuer.generation != begun


def test_what_is_known_costs_no_look_at_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = worker(path)
    token = token_of(issuer)
    looks: list[Path] = []

    def stamp(looked_at: Path) -> tuple[int, int, int]:
        looks.append(looked_at)
        return 0, 0, 0

    monkeypatch.setattr(keys, "_stamp", stamp)
    begun = time.monotonic()
    for _ in range(100):
        issuer.verify(token)
        assert issuer.generation == 0
    assert len(looks) <= 1 + (time.monotonic() - begun) / LOOK_EVERY


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "unreadable"])
def test_a_broken_file_leaves_the_keys_and_a_mended_one_is_taken(
    path: Path, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A logger of this test's own: the module's may be bound to another's output by now.
    monkeypatch.setattr(keys, "log", structlog.get_logger())
    issuer = worker(path)
    old = token_of(issuer)
    whole = path.read_text()
    path.unlink()
    if damage == "unreadable":
        path.mkdir()
    elif damage != "gone":
        path.write_text(whole[:100] if damage == "cut" else "")
    with structlog.testing.capture_logs() as said:
        for _ in range(3):
            assert kid_of(token_of(issuer)) == kid_of(old)
        assert issuer.verify(old)
        assert len(issuer.jwks()["keys"]) == 1
    assert [line["event"] for line in said] == ["signing_keys_unusable"]
    if damage == "unreadable":
        path.rmdir()
    path.write_text(new_signing_key() + whole)
    assert kid_of(token_of(issuer)) != kid_of(old)
    assert issuer.verify(old)


def test_many_threads_meet_a_rotation_and_none_is_refused(path: Path) -> None:
    issuers = [worker(path), worker(path)]

    def sign_and_verify(number: int) -> str:
        token = token_of(issuers[number % 2])
        assert issuers[(number + 1) % 2].verify(token)
        return kid_of(token)

    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            used = pool.map(sign_and_verify, range(100))
            rotate(path)
            assert set(used) <= {key.kid for key in read_keys(path)}
        aged(path)


# --- over the socket --------------------------------------------------------------------------


@pytest.fixture
def key_file(unchanged: Api) -> Iterator[Path]:
    """The running server's key file, as it was before."""
    path: Path = unchanged.state.settings.signing_key_file
    before = path.read_bytes()
    yield path
    path.write_bytes(before)
    unchanged.state.issuer.jwks()


def published(api: Api) -> list[str]:
    body: Json = ok(api.client.get("/.well-known/jwks.json"))
    return [key["kid"] for key in body["keys"]]


def test_a_running_server_takes_a_rotation_without_a_restart(
    unchanged: Api, key_file: Path
) -> None:
    before = unchanged.as_("monitor")
    assert before.get("/v1/me").status_code == 200
    assert published(unchanged) == [kid_of(before.token)]
    unseen = unchanged.as_("coordinator")
    rotate(key_file)
    assert published(unchanged) == [read_keys(key_file)[0].kid, kid_of(before.token)]
    after = unchanged.as_("monitor")
    assert kid_of(after.token) == published(unchanged)[0]
    for caller in (before, unseen, after):
        assert caller.get("/v1/me").status_code == 200
    never_sent = unchanged.as_("investigator")
    rotate(key_file, leaked=True)
    assert len(published(unchanged)) == 1
    assert never_sent.get("/v1/me").status_code == 401
    time.sleep(LOOK_EVERY)
    for caller in (before, unseen, after):
        assert caller.get("/v1/me").status_code == 401
    assert unchanged.as_("monitor").get("/v1/me").status_code == 200
