"""`trial`, as people start it: the sandbox out of nothing, and production from its environment."""

import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import LiteralString

import httpx
import psycopg
import pytest
import typer
import uvicorn
from pydantic import SecretStr, ValidationError
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from services.api import cli, embedded, migrate, serve
from services.api.core.keys import new_signing_key
from services.api.embedded import Cluster
from services.api.protocol.load import ProtocolMistake
from services.api.randomization.secret import SecretUnusable
from services.api.sandbox.service import demo_accounts
from services.api.settings import Settings
from services.api.setup import NotMigrated, SandboxDatabase
from tests.allocation_list import SECRET, another_secret, secret_file
from tests.conftest import APP_PASSWORD, admin_url
from tests.lived import plain
from tests.make import SUBJECT, Api, Json, ok

TRIAL = Path(sys.executable).parent / "trial"
SECONDS = 60
Environment = dict[str, str]


class Running:
    """A `trial` process and what it said."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = ""

    def read_until(self, pattern: str) -> re.Match[str]:
        """Wait until the output so far matches."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + SECONDS
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            while not (found := re.search(pattern, self.said)):
                assert time.monotonic() < deadline, self.said
                if waiting.select(timeout=1):
                    read = os.read(self.process.stdout.fileno(), 65536).decode()
                    assert read, f"ended: {self.said}"
                    self.said += read
        return found

    def end(self, order: signal.Signals) -> None:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(order)
        rest, _ = self.process.communicate(timeout=30)
        self.said += rest.decode()


def clean(**settings: object) -> Environment:
    """The environment of this process without what it says to `trial`, and with these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TRIAL")}
    return inherited | {f"TRIAL_{name.upper()}": str(value) for name, value in settings.items()}


@contextmanager
def trial(*arguments: str, **settings: object) -> Iterator[Running]:
    """A real process, that is not left behind, nor are its workers."""
    with subprocess.Popen(
        [TRIAL, *arguments],
        env=clean(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            yield Running(process)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def first_call(running: Running) -> tuple[str, Json]:
    """Send the call that the sandbox prints; answers the address and the token's answer."""
    command = shlex.split(running.read_until(r"\n *(curl .*password=\S+)\n")[1])
    form = dict(
        command[index + 1].split("=", 1) for index, word in enumerate(command) if word == "-d"
    )
    url = next(word for word in command if word.startswith("http"))
    return url.removesuffix("/v1/oauth/token"), ok(httpx.post(url, data=form, timeout=SECONDS))


def signed_in(address: str, token: Json) -> httpx.Client:
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return httpx.Client(base_url=address, headers=headers, timeout=SECONDS)


def database(cluster: Cluster, name: LiteralString) -> str:
    """The superuser's address of an empty database."""
    with psycopg.connect(plain(admin_url(cluster, "postgres")), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return admin_url(cluster, name)


@pytest.fixture(scope="module")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server as a trial needs it, for starts that give the app role another password."""
    with Cluster(tmp_path_factory.mktemp("own")) as running:
        yield running


# --- the sandbox ----------------------------------------------------------------------------


def test_a_sandbox_starts_out_of_nothing_ends_at_ctrl_c_and_keeps_its_data(
    tmp_path: Path, unchanged: Api, record_property: Callable[[str, object], None]
) -> None:
    data = tmp_path / "data"
    begun = time.monotonic()
    with trial("serve", "--sandbox", data_dir=data, port=0) as running:
        address, token = first_call(running)
        record_property("first_start_seconds", round(time.monotonic() - begun, 1))
        assert f"Sandbox ready at {address}" in running.said
        for name, _, role, _ in demo_accounts(unchanged.state.loaded.protocol):
            assert re.search(rf"^ *{name} +{role.value} ", running.said, re.MULTILINE)
        with signed_in(address, token) as client:
            assert ok(client.get("/readyz"))["status"] == "ready"
            made = client.post("/v1/subjects", json=SUBJECT, headers={"Idempotency-Key": "1"})
            moved = client.post("/sandbox/clock", json={"now": "2030-05-01T04:00:00Z"})
            assert ok(moved)["today"] == "2030-05-01"
        postmaster = data / "postgresql/cluster/pgdata/postmaster.pid"
        pid = int(postmaster.read_text().split()[0])
        running.end(signal.SIGINT)
    assert "Traceback" not in running.said
    assert not postmaster.exists()
    assert not embedded._serves(pid, postmaster.parent)
    for secret in (
        "signing-key.pem",
        "sealing-key.pem",
        "app-password",
        "sealer-password",
        "person-key",
    ):
        assert (data / secret).stat().st_mode & 0o777 == 0o600
    begun = time.monotonic()
    with trial("serve", "--sandbox", data_dir=data, port=0) as running:
        address, token = first_call(running)
        record_property("second_start_seconds", round(time.monotonic() - begun, 1))
        with signed_in(address, token) as client:
            kept = client.get(made.headers["Location"])
            assert ok(kept) == made.json()
            assert ok(client.get("/sandbox/clock"))["today"] == "2030-05-01"
        running.end(signal.SIGTERM)
    assert not postmaster.exists()


def sealers(running: Running) -> list[int]:
    """The processes that seal for that server."""
    pid = running.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"services.api.audit.sealing" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_sandbox_seals_its_trail_with_a_key_of_its_own_until_it_ends(
    tmp_path: Path, own_cluster: Cluster, order: signal.Signals
) -> None:
    url = database(own_cluster, f"sealed_{order.name.lower()}")
    settings = {"data_dir": tmp_path, "port": 0, "database_url": plain(url), "seal_seconds": 0.2}
    with trial("serve", "--sandbox", **settings) as running:
        address, token = first_call(running)
        with signed_in(address, token) as client:
            checkpoints = f"{address}/v1/audit/checkpoints"
            wait_until(lambda: ok(client.get(checkpoints))["items"])
            kept = client.get(checkpoints).text
        (sealer,) = sealers(running)
        running.end(order)
        wait_until(lambda: not Path(f"/proc/{sealer}").exists())
    assert "Traceback" not in running.said
    key = tmp_path / "sealing-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text() != (tmp_path / "signing-key.pem").read_text()
    (tmp_path / "kept.json").write_text(kept)
    arguments = ("audit", "verify", "--against", str(tmp_path / "kept.json"))
    status, said = invoke(*arguments, database_url=plain(url))
    assert (status, said.splitlines()[0]) == (0, "The trail is whole.")
    with psycopg.connect(plain(url)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE audit_event SET actor = 'x' WHERE id = 1")
    status, said = invoke(*arguments, database_url=plain(url))
    assert status == 1
    assert re.search(r"^Event 1 \(INSERT of \w+, .*\) does not match its hash|Event 1 ", said)
    assert "THE TRAIL IS NOT WHOLE." in said


def test_verify_says_what_it_needs(own_cluster: Cluster, tmp_path: Path) -> None:
    assert invoke("audit", "verify") == (1, "TRIAL_DATABASE_URL is missing\n")
    assert invoke("audit", "seal", "--once")[1].startswith("TRIAL_SEALING_KEY_FILE is missing")
    url = plain(database(own_cluster, "nothing"))
    status, said = invoke("audit", "verify", database_url=url)
    assert (status, said.split(":")[0]) == (1, "TRIAL_DATABASE_URL")
    (tmp_path / "kept.json").write_text("{}")
    status, said = invoke("audit", "verify", "--against", str(tmp_path / "kept.json"))
    assert (status, "kept checkpoints" in said) == (1, True)
    status, said = invoke("audit", "verify", "--key", str(tmp_path / "kept.json"))
    assert (status, said) == (1, "the key is no public key in PEM\n")


def test_a_sandbox_takes_the_database_that_is_given(tmp_path: Path, own_cluster: Cluster) -> None:
    url = database(own_cluster, "given")
    settings = {"data_dir": tmp_path, "port": 0, "database_url": plain(url), "sandbox": "true"}
    with trial("serve", **settings) as running:
        address, token = first_call(running)
        with signed_in(address, token) as client:
            assert ok(client.get("/readyz"))["revision"] == migrate.head()
            client.post("/v1/subjects", json=SUBJECT, headers={"Idempotency-Key": "1"})
        running.end(signal.SIGINT)
    assert not (tmp_path / "postgresql").exists()
    with psycopg.connect(plain(url)) as connection:
        assert connection.execute("SELECT number FROM subject").fetchall() == [("NN-0001",)]


def test_a_taken_port_is_told_at_once(tmp_path: Path, served_port: int) -> None:
    begun = time.monotonic()
    settings = {"data_dir": tmp_path / "data", "port": served_port}
    answer = invoke("serve", "--sandbox", **settings)
    assert answer[0] == 1
    assert "in use" in answer[1]
    assert time.monotonic() - begun < 5
    assert not (tmp_path / "data").exists()


@pytest.fixture
def served_port(unchanged: Api) -> int:
    """A port on which something listens already."""
    return int(unchanged.client.base_url.port or 0)


# --- production ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def production(own_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """The settings of a production installation, whose database was migrated by `trial`."""
    home = tmp_path_factory.mktemp("production")
    (home / "key").write_text(new_signing_key())
    secret_file(home, another_secret())
    (home / "person").write_text("9a" * 32)
    (home / "password").write_text(APP_PASSWORD + "\n")
    url = database(own_cluster, "production")
    settings = {"database_url": plain(url), "app_password_file": home / "password"}
    status, said = invoke("migrate", **settings)
    assert (status, said) == (0, "The schema is at head.\n")
    return {
        "database_url": plain(own_cluster.url("trial_app", APP_PASSWORD, "production")),
        "signing_key_file": home / "key",
        "randomization_secret_file": home / "randomization-secret.json",
        "person_key_file": home / "person",
        "issuer": "https://trial.example",
    }


def invoke(*arguments: str, **settings: object) -> tuple[int, str]:
    """A command in this process: its exit status and what it said."""
    environment: dict[str, str | None] = dict.fromkeys(
        name for name in os.environ if name.startswith("TRIAL")
    )
    given = {f"TRIAL_{name.upper()}": str(value) for name, value in settings.items()}
    answer = CliRunner().invoke(cli.app, arguments, env={**environment, **given})
    return answer.exit_code, answer.output


def test_production_serves_with_several_workers_and_no_sandbox(
    production: dict[str, object],
) -> None:
    port = embedded._free_port()
    with trial("serve", **production, port=port, workers=2) as running:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                assert ok(httpx.get(f"{address}/readyz"))["status"] == "ready"
                break
            except httpx.ConnectError:
                assert time.monotonic() < deadline
                assert running.process.poll() is None
                time.sleep(0.05)
        assert httpx.get(f"{address}/sandbox/clock").status_code == 404
        assert httpx.get(f"{address}/sandbox/scenarios").status_code == 404
        assert httpx.post(f"{address}/sandbox/reset", json={}).status_code == 404
        assert httpx.get(f"{address}/v1/randomization/commitment").status_code == 404
        form = {"grant_type": "password", "username": "admin", "password": "sandbox-only"}
        assert httpx.post(f"{address}/v1/oauth/token", data=form).status_code == 400
        issuer = ok(httpx.get(f"{address}/.well-known/oauth-authorization-server"))["issuer"]
        assert issuer == "https://trial.example"
        running.end(signal.SIGTERM)
    assert "Traceback" not in running.said


def test_without_settings_production_names_each() -> None:
    status, said = invoke("serve")
    assert status == 1
    assert [line.split()[0] for line in said.splitlines()] == [
        "TRIAL_DATABASE_URL",
        "TRIAL_SIGNING_KEY_FILE",
        "TRIAL_RANDOMIZATION_SECRET_FILE",
        "TRIAL_PERSON_KEY_FILE",
        "TRIAL_ISSUER",
    ]


def settings_of(production: dict[str, object], **changed: object) -> Settings:
    return Settings.model_validate({**production, "sandbox": False, **changed})


@pytest.fixture
def never_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that is refused does not get as far as its workers."""

    def run(*_: object, **__: object) -> None:
        raise AssertionError("the workers were started")

    monkeypatch.setattr(uvicorn, "run", run)


@pytest.mark.parametrize("scenario", ["", "empty", "mid-trial"], ids=["none", "empty", "played"])
def test_no_sandbox_starts_on_a_production_database(
    production: dict[str, object], own_cluster: Cluster, tmp_path: Path, scenario: str
) -> None:
    serve._rehearse(settings_of(production))
    url = plain(admin_url(own_cluster, "production"))
    before = own_cluster.password, account_passwords(url)
    given = {"database_url": url, "data_dir": tmp_path, "port": 0, "sandbox_scenario": scenario}
    status, said = invoke("serve", "--sandbox", **given)
    assert (status, said[:42]) == (1, "TRIAL_DATABASE_URL: the database holds a t")
    assert (own_cluster.password, account_passwords(url)) == before
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM account").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM sandbox_clock").fetchone() == (0,)
    serve._rehearse(settings_of(production))


def account_passwords(url: str) -> list[tuple[str, str]]:
    """What the roles of the server sign in with."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'trial%' ORDER BY 1"
        ).fetchall()


@pytest.mark.parametrize(
    ("setting", "value"),
    [("sandbox_scenario", "empty"), ("sandbox_seed", 2), ("sandbox_reset_hours", 24)],
)
def test_production_knows_no_scenario_no_seed_and_no_reset(
    production: dict[str, object], setting: str, value: object
) -> None:
    status, said = invoke("serve", **{**production, setting: value})
    assert (status, said) == (1, f"TRIAL_{setting.upper()} is only fit for a sandbox\n")


def test_a_scenario_that_there_is_none_of_is_told(tmp_path: Path) -> None:
    status, said = invoke("serve", "--sandbox", "--scenario", "late", data_dir=tmp_path, port=0)
    assert status == 1
    assert said.startswith("TRIAL_SANDBOX_SCENARIO: choose one of empty, screening, mid-trial,")
    assert not (tmp_path / "postgresql").exists()


@pytest.mark.usefixtures("never_served")
def test_production_tells_a_fault_before_any_worker_starts(
    production: dict[str, object], own_cluster: Cluster
) -> None:
    serve._rehearse(settings_of(production))
    empty = database(own_cluster, "empty")
    with pytest.raises(NotMigrated, match="trial migrate"):
        serve.production(settings_of(production, database_url=SecretStr(empty)))
    nowhere = "postgresql://trial_app@127.0.0.1:1/none"
    with pytest.raises(DBAPIError, match="connection failed"):
        serve.production(settings_of(production, database_url=SecretStr(nowhere)))


@pytest.mark.usefixtures("never_served")
def test_the_first_start_of_a_production_needs_a_secret_of_its_own(
    production: dict[str, object], own_cluster: Cluster, tmp_path: Path
) -> None:
    url = database(own_cluster, "unpublished")
    migrate.upgrade(url, app_password=APP_PASSWORD)
    file = tmp_path / "randomization-secret.json"
    fresh = settings_of(
        production,
        database_url=SecretStr(own_cluster.url("trial_app", APP_PASSWORD, "unpublished")),
        randomization_secret_file=file,
    )
    with pytest.raises(SecretUnusable, match="no readable file"):
        serve.production(fresh)
    secret_file(tmp_path, SECRET)
    with pytest.raises(SecretUnusable, match="public contribution of the sandbox"):
        serve.production(fresh)


@pytest.mark.usefixtures("never_served")
def test_production_refuses_a_sandbox_s_database(production: dict[str, object], api: Api) -> None:
    database_url = SecretStr(api.state.database.engine.url.render_as_string(hide_password=False))
    with pytest.raises(SandboxDatabase, match="published password"):
        serve.production(settings_of(production, database_url=database_url))


@pytest.mark.parametrize("fault", cli.FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_that_a_person_can_mend_is_told_in_a_sentence(
    fault: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    if fault is ValidationError:
        with pytest.raises(ValidationError) as raised:
            Settings.model_validate({"port": "http"})
        error: Exception = raised.value
    elif fault is DBAPIError:
        error = DBAPIError("SELECT 1", None, Exception("told"))
    else:
        error = fault(["told"]) if fault is ProtocolMistake else fault("told")
    with pytest.raises(typer.Exit) as ended, cli.telling_faults():
        raise error
    assert ended.value.exit_code == 1
    told = capsys.readouterr().err
    assert "told" in told or "port" in told
    assert "SELECT" not in told


def test_what_nobody_foresaw_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), cli.telling_faults():
        raise ZeroDivisionError


# --- migrate and openapi -----------------------------------------------------------------------


def test_migrate_says_what_is_missing(own_cluster: Cluster, tmp_path: Path) -> None:
    status, said = invoke("migrate")
    assert (status, said.split()[0]) == (1, "TRIAL_DATABASE_URL")
    url = plain(database(own_cluster, "unowned"))
    status, said = invoke("migrate", "nowhere", database_url=url)
    assert status == 1
    assert "nowhere" in said
    status, said = invoke("migrate", database_url=url, app_password_file=tmp_path / "absent")
    assert status == 1
    assert "absent" in said
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE tenant LOGIN PASSWORD 'tenant'")
    tenant = plain(own_cluster.url("tenant", "tenant", "unowned"))
    status, said = invoke("migrate", database_url=tenant)
    assert status == 1
    assert "permission denied" in said


def test_openapi_writes_the_document(tmp_path: Path) -> None:
    cli.openapi(tmp_path / "openapi.json")
    assert (tmp_path / "openapi.json").read_text().startswith('{\n  "openapi": "3.1')
