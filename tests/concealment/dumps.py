"""A database as pg_dump writes it, and what of it is a salted hash by design."""

import json
import subprocess
from collections.abc import Iterator, Mapping

from services.api.embedded import bindir
from tests.concealment.answers import Reader, checkpoint, without_hash
from tests.concealment.worlds import World
from tests.lived import plain

Row = dict[str, str]
Bare = tuple[str, dict[str, list[str]]]
"""The definitions, and each table's rows without what is a hash by design."""


def dumped(world: World) -> str:
    """The whole database as text."""
    command = [str(bindir() / "pg_dump"), "--restrict-key=concealment"]
    command.append(plain(world.api.admin_url))
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def parted(dump: str) -> tuple[str, dict[str, list[Row]]]:
    """The definitions, and each table's rows by column."""
    definitions: list[str] = []
    tables: dict[str, list[Row]] = {}
    lines = iter(dump.split("\n"))
    for line in lines:
        definitions.append(line)
        if line.startswith("COPY public."):
            table, _, columns = line.removeprefix("COPY public.").partition(" (")
            names = columns.partition(")")[0].split(", ")
            tables[table] = [
                dict(zip(names, row.replace("\\\\", "\\").split("\t"), strict=True))
                for row in _until_the_end(lines)
            ]
    return "\n".join(definitions), tables


def _until_the_end(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        if line == r"\.":
            return
        yield line


def bare(dump: str, past: Mapping[str, int], reader: Reader) -> Bare:
    """The dump without the leaves of the future, the root, and the hashes that cover the root."""
    definitions, tables = parted(dump)
    future = [
        row for row in tables["randomization_slot"] if int(row["seq"]) > past.get(row["stratum"], 0)
    ]
    events = [row for row in tables["audit_event"] if row["chain"] == "trial"]
    (committed,) = [row for row in events if row["record"] == "randomization_commitment"]
    chained = [row for row in events if int(row["seq"]) >= int(committed["seq"])]
    covering = {row["id"] for row in chained}
    heads = [row for row in tables["audit_chain"] if row["chain"] == "trial"]
    sealed = [row for row in tables["audit_leaf"] if row["event_id"] in covering]
    for rows, column in (
        (future, "leaf"),
        (tables["randomization_commitment"], "root"),
        (chained, "hash"),
        (heads, "hash"),
        (sealed, "hash"),
    ):
        for row in rows:
            row[column] = without_hash(row[column])
    told = json.loads(committed["new"])
    committed["new"] = json.dumps({**told, "root": without_hash(told["root"])})
    for row in tables["audit_checkpoint"]:
        checkpoint(reader, row)
    # PostgreSQL writes rows as they lie on its pages, which depends on what was updated.
    return definitions, {table: sorted(map(str, rows)) for table, rows in tables.items()}
