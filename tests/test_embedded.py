"""The embedded PostgreSQL, on real clusters: who gets in, what is kept, what ends with whom."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from services.api import embedded
from services.api.embedded import Cluster, ClusterError, bindir

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")

OWNER = """
import sys, time
from pathlib import Path
from services.api import embedded
if sys.argv[2] == "server survives":
    embedded.DIE_WITH_OWNER = ["false"]
embedded.Cluster(Path(sys.argv[1]), durable=False).start()
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cluster made once and stopped; tests start copies of it."""
    data = tmp_path_factory.mktemp("made") / "data"
    with Cluster(data, durable=False) as cluster:
        ask(cluster, "CREATE TABLE kept AS SELECT 42 AS answer")
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "data"))


@pytest.fixture
def cluster(data: Path) -> Iterator[Cluster]:
    with Cluster(data, durable=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def running(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster for tests that leave it as it is."""
    data = Path(shutil.copytree(made, tmp_path_factory.mktemp("running") / "data"))
    with Cluster(data, durable=False) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of the oldest version in the wheel."""
    with Cluster(tmp_path_factory.mktemp("older"), bindir(16), durable=False) as cluster:
        yield cluster


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A living process that has nothing to do with PostgreSQL."""
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


def ask(cluster: Cluster, query: str, *, password: str | None = None) -> object:
    """The first value that the query answers to the superuser, if it answers."""
    secret = cluster.password if password is None else password
    address = cluster.url(cluster.superuser, secret, "postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
        return row and row[0]


def postmaster(data: Path) -> int:
    return int((data / "cluster/pgdata/postmaster.pid").read_text().split()[0])


def start_owner(data: Path, fate: str, *, wait: bool = True) -> subprocess.Popen[str]:
    """Another process that starts a cluster there and never stops it."""
    command = [sys.executable, "-c", OWNER, str(data), fate]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if wait and owner.stdout is not None:
        assert owner.stdout.readline() == "started\n"
    return owner


def kill(owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.communicate()


def wait_until_ended(pid: int, data: Path) -> None:
    deadline = time.monotonic() + 5
    while embedded._serves(pid, data / "cluster/pgdata"):
        assert time.monotonic() < deadline, "the server is still running"
        time.sleep(0.01)


@pytest.mark.parametrize("version", [16, 18])
def test_a_cluster_is_utf8_in_utc_checksummed_and_ordered_by_code_point(
    version: int, request: pytest.FixtureRequest
) -> None:
    cluster = request.getfixturevalue({16: "older", 18: "running"}[version])
    assert str(ask(cluster, "SHOW server_version")).startswith(f"{version}.")
    assert ask(cluster, "SHOW server_encoding") == "UTF8"
    assert ask(cluster, "SHOW TimeZone") == "UTC"
    assert ask(cluster, "SHOW data_checksums") == "on"
    assert ask(cluster, "SELECT lower('Ä')") == "ä"
    assert ask(cluster, "SELECT 'Z' < 'a'") is True


def test_two_clusters_at_once_have_their_own_ports_and_secrets(
    running: Cluster, older: Cluster
) -> None:
    assert older.port != running.port
    with pytest.raises(psycopg.OperationalError, match="password"):
        ask(older, "SELECT 1", password=running.password)
    assert ask(older, "SELECT 1") == ask(running, "SELECT 1")


def test_a_wrong_password_is_refused(running: Cluster) -> None:
    for wrong in ("", "guess", running.password[:-1]):
        with pytest.raises(psycopg.OperationalError, match="password"):
            ask(running, "SELECT 1", password=wrong)
    assert ask(running, "SELECT 1") == 1


def test_the_password_is_stored_as_scram_and_its_file_is_for_the_owner_alone(
    running: Cluster,
) -> None:
    stored = str(ask(running, "SELECT rolpassword FROM pg_authid WHERE rolname = current_user"))
    assert stored.startswith("SCRAM-SHA-256$")
    assert (running.data / "cluster/superuser-password").stat().st_mode & 0o777 == 0o600
    assert (running.data / "cluster/server.log").stat().st_mode & 0o777 == 0o600


def test_it_listens_on_the_loopback_address_only(running: Cluster) -> None:
    assert ask(running, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(running, "SHOW unix_socket_directories") == ""


@pytest.mark.parametrize(("durable", "safe"), [(True, "on"), (False, "off")])
def test_only_a_throw_away_cluster_spares_the_disk_whatever_its_files_say(
    data: Path, durable: bool, safe: str
) -> None:
    with (data / "cluster/pgdata/postgresql.conf").open("a") as conf:
        conf.write("fsync = off\nfull_page_writes = off\nsynchronous_commit = off\n")
    with Cluster(data, durable=durable, max_connections=23) as cluster:
        assert ask(cluster, "SHOW fsync") == safe
        assert ask(cluster, "SHOW full_page_writes") == safe
        assert ask(cluster, "SHOW synchronous_commit") == "on"
        assert ask(cluster, "SHOW max_connections") == "23"


def test_the_address_holds_any_name_and_password(running: Cluster) -> None:
    ask(running, """CREATE ROLE "a@b/ c" LOGIN PASSWORD 'p:/@?#% ü'""")
    ask(running, """CREATE DATABASE "d?x=%41" """)
    address = running.url("a@b/ c", "p:/@?#% ü", "d?x=%41")
    engine = sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        row = connection.execute(sqlalchemy.text("SELECT current_user, current_database()")).one()
    assert tuple(row) == ("a@b/ c", "d?x=%41")


def test_a_second_start_keeps_data_and_password(data: Path, cluster: Cluster) -> None:
    ask(cluster, "INSERT INTO kept VALUES (43)")
    before = cluster.password
    cluster.stop()
    with Cluster(data, durable=False) as again:
        assert again.password == before
        assert ask(again, "SELECT sum(answer) FROM kept") == 85


def test_stop_ends_open_sessions_and_the_server_and_may_be_repeated(cluster: Cluster) -> None:
    pid = postmaster(cluster.data)
    address = cluster.url(cluster.superuser, cluster.password, "postgres").replace("+psycopg", "")
    with psycopg.connect(address) as session:
        cluster.stop()
        cluster.stop()
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not embedded._serves(pid, cluster.data / "cluster/pgdata")


def test_a_server_killed_with_open_sessions_starts_again(data: Path, cluster: Cluster) -> None:
    ask(cluster, "INSERT INTO kept VALUES (43)")
    address = cluster.url(cluster.superuser, cluster.password, "postgres").replace("+psycopg", "")
    with psycopg.connect(address):
        os.kill(postmaster(data), signal.SIGKILL)
        cluster.stop()
        with Cluster(data, durable=False) as again:
            assert ask(again, "SELECT sum(answer) FROM kept") == 85


def test_a_mark_whose_number_another_process_got_prevents_nothing(
    data: Path, bystander: subprocess.Popen[bytes]
) -> None:
    mark = data / "cluster/pgdata/postmaster.pid"
    mark.write_text(f"{bystander.pid}\n{mark.parent}\n1\n1\n\n127.0.0.1\n1 1\nready\n")
    with Cluster(data, durable=False) as cluster:
        assert ask(cluster, "SELECT answer FROM kept") == 42
    assert bystander.poll() is None


def test_an_empty_mark_prevents_nothing(data: Path) -> None:
    (data / "cluster/pgdata/postmaster.pid").touch()
    with Cluster(data, durable=False) as cluster:
        assert ask(cluster, "SELECT answer FROM kept") == 42


def test_a_second_owner_is_refused_while_the_first_lives(data: Path, cluster: Cluster) -> None:
    pid = postmaster(data)
    with pytest.raises(ClusterError, match="another process"):
        Cluster(data, durable=False).start()
    with pytest.raises(ClusterError, match="already"):
        cluster.start()
    assert postmaster(data) == pid
    assert ask(cluster, "SELECT answer FROM kept") == 42


def test_a_server_that_outlived_its_killed_owner_is_replaced(data: Path) -> None:
    kill(start_owner(data, "server survives"))
    survivor = postmaster(data)
    assert embedded._serves(survivor, data / "cluster/pgdata")
    with Cluster(data, durable=False) as cluster:
        assert not embedded._serves(survivor, data / "cluster/pgdata")
        assert ask(cluster, "SELECT answer FROM kept") == 42


@pytest.mark.skipif(
    not embedded._works([*embedded.DIE_WITH_OWNER, "true"]),
    reason="this system cannot tie a process to its parent",
)
def test_the_server_ends_with_its_killed_owner(data: Path) -> None:
    owner = start_owner(data, "server ends")
    pid = postmaster(data)
    kill(owner)
    wait_until_ended(pid, data)


def test_ctrl_c_in_a_terminal_reaches_the_owner_alone(running: Cluster) -> None:
    assert os.getsid(postmaster(running.data)) != os.getsid(0)


def test_an_interrupted_initdb_is_done_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    owner = start_owner(data, "server ends", wait=False)
    deadline = time.monotonic() + 20
    while not list(data.glob("initdb-*/pgdata/PG_VERSION")):
        assert time.monotonic() < deadline, "initdb did not begin"
        time.sleep(0.005)
    kill(owner)
    assert not (data / "cluster").exists()
    with Cluster(data, durable=False) as cluster:
        assert ask(cluster, "SELECT 1") == 1
    with Cluster(data, durable=False):
        assert list(data.glob("initdb-*")) == []


def test_ctrl_c_while_starting_leaves_no_server(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(Cluster, "_answers", interrupt)
    interrupted = Cluster(data, durable=False)
    with pytest.raises(KeyboardInterrupt):
        interrupted.start()
    monkeypatch.undo()
    assert not (data / "cluster/pgdata/postmaster.pid").exists()
    with Cluster(data, durable=False) as cluster:
        assert ask(cluster, "SELECT answer FROM kept") == 42


def test_another_port_is_tried_when_the_chosen_one_was_taken(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((embedded.LOOPBACK, 0)) as taken:
        ports = [embedded._free_port(), taken.getsockname()[1]]
        monkeypatch.setattr(embedded, "_free_port", lambda: ports.pop())
        with Cluster(data, durable=False) as cluster:
            assert ports == []
            assert ask(cluster, "SELECT answer FROM kept") == 42


def test_data_of_another_major_version_is_refused_untouched(data: Path) -> None:
    with pytest.raises(ClusterError, match=r"PostgreSQL 18 made .* 16 cannot read it"):
        Cluster(data, bindir(16), durable=False).start()
    with Cluster(data, durable=False) as cluster:
        assert ask(cluster, "SELECT answer FROM kept") == 42


def test_a_failed_start_shows_the_end_of_the_log(data: Path) -> None:
    with (data / "cluster/pgdata/postgresql.conf").open("a") as conf:
        conf.write("work_mem = plenty\n")
    with pytest.raises(ClusterError, match="work_mem"):
        Cluster(data, durable=False).start()


def test_a_missing_wheel_and_an_unknown_version_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ClusterError, match="16, 18"):
        bindir(9)
    monkeypatch.setattr(embedded, "find_spec", lambda _: None)
    with pytest.raises(ClusterError, match="TRIAL_DATABASE_URL"):
        bindir()


@as_root
def test_root_without_user_namespaces_hands_the_cluster_to_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(embedded, "OWN_NAMESPACE", ["false"])
    with tempfile.TemporaryDirectory() as reachable:
        Path(reachable).chmod(0o711)
        data = Path(reachable) / "data"
        for answer in (1, 2):
            with Cluster(data, durable=False) as cluster:
                assert Path(f"/proc/{postmaster(data)}").stat().st_uid == embedded.NOBODY
                assert ask(cluster, f"SELECT {answer}") == answer
        assert data.stat().st_mode & 0o777 == 0o700


@as_root
def test_root_that_cannot_give_up_its_rights_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setattr(embedded, "OWN_NAMESPACE", ["false"])
    with pytest.raises(ClusterError, match="TRIAL_DATABASE_URL"):
        Cluster(tmp_path / "data", durable=False).start()
    assert (tmp_path / "data").stat().st_uid == 0


@as_root
def test_root_leaves_its_files_and_the_directories_above_as_they_were(running: Cluster) -> None:
    assert {path.stat().st_uid for path in running.data.rglob("*")} == {0}
    assert running.data.stat().st_mode & 0o777 == 0o700
