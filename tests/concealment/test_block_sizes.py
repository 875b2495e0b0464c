"""The block sizes, the seed and what it comes from are told nowhere, and no salt of the future.

The trial's blocks hold 226 and 254: nothing else in it has such a number. (`test_permutation.py`
shows that they make no difference either: the other worlds' lists know other sizes and no seed.)
"""

import base64
import json
import re
import struct
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import psycopg

from services.api.embedded import Cluster
from tests.concealment.conversation import Conversation
from tests.concealment.dumps import parted
from tests.concealment.logs import HOW_LONG
from tests.concealment.worlds import LIST, SECRET, SIZES, Trial
from tests.conftest import admin_url
from tests.lived import plain

HEX, BASE64 = re.compile(r"[0-9a-f]{64,}"), re.compile(r"[A-Za-z0-9+/_-]{43,}")
CODES = (base64.b64encode, base64.urlsafe_b64encode)
A_NUMBER = re.compile(r"(?<![\w.:+-])\d+(?![\w.:-])")


# --- what is looked for --------------------------------------------------------------------


def secrets() -> dict[str, bytes]:
    """What opens the list."""
    found = {"the seed": SECRET.seed()}
    for one in SECRET.contributions:
        found[one.party] = bytes.fromhex(one.secret)
    return found


def salts(past: dict[str, int]) -> dict[str, bytes]:
    """What opens the leaves of the future."""
    design = LIST.design
    return {
        f"the salt of {code} {seq}": LIST.salt(code, seq)
        for code in design.strata
        for seq in range(past.get(code, 0) + 1, design.slots_per_stratum + 1)
    }


def opened(text: str, hidden: dict[str, bytes]) -> list[str]:
    """Which 32 bytes a text holds, in hexadecimal digits or base64 of either alphabet."""
    shown = {*windows(HEX, text.lower(), 64), *windows(BASE64, text, 43)}
    return [
        name
        for name, value in hidden.items()
        if shown & {value.hex(), *(code(value).decode()[:43] for code in CODES)}
    ]


def windows(run: re.Pattern[str], text: str, length: int) -> Iterator[str]:
    """Every part of that length of every run of such letters."""
    for found in {*run.findall(text)}:
        for begin in range(len(found) - length + 1):
            yield found[begin : begin + length]


def paired(text: str) -> list[str]:
    """Where a text names both block sizes one after the other, in digits or as they are hashed."""
    found = []
    for one, other in permutations(SIZES):
        found += re.findall(rf"\b{one}\b\D{{1,12}}\b{other}\b", text)
        packed = struct.pack(">3H", len(SIZES), one, other).hex()
        found += re.findall(packed, text.lower())
    return found


def numbers(read: Any) -> Iterator[float | str]:
    """Every number of a JSON document, and every text that is one."""
    if isinstance(read, dict):
        yield from numbers([*read, *read.values()])
    elif isinstance(read, list):
        for one in read:
            yield from numbers(one)
    elif isinstance(read, str):
        yield from (float(one) for one in A_NUMBER.findall(read))
    elif isinstance(read, int | float):
        yield float(read)


def sizes(read: Any) -> list[float | str]:
    """The block sizes among the numbers of a document."""
    return [one for one in numbers(read) if one in SIZES]


# --- where it is looked for ----------------------------------------------------------------


def test_no_answer_shows_them(real: Conversation) -> None:
    """To nobody and to no role, the OpenAPI document included."""
    texts = {answer.text: asked for asked, answer in real.answers}
    hidden = {**secrets(), **salts(real.past)}
    assert any("openapi" in text[:20] for text in texts)
    for text, asked in texts.items():
        assert opened(text, hidden) == [], asked
        assert paired(text) == [], asked
        if text.startswith(("{", "[")):
            assert sizes(json.loads(text)) == [], asked


def test_no_log_shows_them(real: Conversation) -> None:
    said = real.written.everything()
    assert len(real.written.ours) >= len(real.answers)
    assert opened(said, {**secrets(), **salts(real.past)}) == []
    assert paired(said) == []
    assert sizes([{**line, HOW_LONG: None} for line in real.written.ours]) == []


def test_no_dump_shows_them(real: Conversation) -> None:
    assert opened(real.dump, {**secrets(), **salts(real.past)}) == []
    assert paired(real.dump) == []
    _, tables = parted(real.dump)
    for table, rows in tables.items():
        assert sizes([*map(columns, rows)]) == [], table


def columns(row: dict[str, str]) -> list[Any]:
    """The row's values; what is a JSON document in it is read."""
    return [json.loads(value) if value.startswith(('{"', "[")) else value for value in row.values()]


def test_no_file_of_the_database_holds_them(cluster: Cluster, trial: Trial) -> None:
    """Neither its pages nor the write-ahead log, from which a copy of the files is restored."""
    address = plain(admin_url(cluster, trial.database))
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute("CHECKPOINT")
        (oid,) = (
            superuser.execute(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).fetchone()
            or ()
        )
    files = cluster.data / "cluster" / "pgdata"
    following = {code: LIST.salt(code, trial.past.get(code, 0) + 1) for code in LIST.design.strata}
    hidden = {**secrets(), **following}
    pages = [*contents(files / "base" / str(oid))]
    for held in (*pages, *contents(files / "pg_wal")):
        for name, value in hidden.items():
            assert value not in held, name
            assert value.hex().encode() not in held, name
    assert any(LIST.leaf("NN-C", 200) in page for page in pages), "what is stored is found"


def contents(directory: Path) -> Iterator[bytes]:
    for path in directory.iterdir():
        if path.is_file():
            yield path.read_bytes()


def test_what_is_shown_would_be_found(real: Conversation) -> None:
    """In the secret's own file, and of the salts in the proofs of the past."""
    text = SECRET.model_dump_json()
    assert opened(text, secrets()) == ["sponsor", "dmc"]
    assert paired(text) == ["226,254"]
    assert sizes(json.loads(text)) == [*SIZES]
    assert opened(f"x{SECRET.seed().hex().upper()}", secrets()) == ["the seed"]
    assert opened(base64.b64encode(SECRET.seed()).decode(), secrets()) == ["the seed"]
    proofs = [answer.text for asked, answer in real.answers if asked.operation == "list_proofs"]
    future = salts(real.past)
    shown = {slot: salt for slot, salt in salts({}).items() if slot not in future}
    assert opened("".join(proofs), shown) == [*shown]
