#!/usr/bin/env python3
"""Verify a trial's randomization without its service.

    verify_randomization.py COMMITMENT.json PROOFS.json ... [--complete]
    verify_randomization.py COMMITMENT.json [PROOFS.json ...] --opened SECRET.json [--list]

COMMITMENT.json is the answer of GET /v1/randomization/commitment. Use a copy saved before the first
allocation, or compare the root printed here with the one noted then. PROOFS.json holds one proof, a
page of GET /v1/randomization/proofs, a list, or several of these one after the other. SECRET.json
holds both contributions, opened after the trial.

When no fault is found, every allocation given is the one committed to for its slot; no slot,
subject or randomization number stands twice; time runs forward in each stratum. With --complete,
the slots of each stratum are 1 to n without a gap. With --opened, the whole list is what the two
contributions make, and every allocation given is of it.

What these files cannot show: which person a subject is, when the commitment was really published,
and whether allocations are kept back behind the last one of a stratum. Compare the numbers printed
here with the subjects randomized.

The last line is the verdict. Exit code 0: it holds; 1: faults, one a line; 2: a file is not what it
should be. Needs Python 3.8 or newer and no network. A section in quotes is one of
docs/randomization.md.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import hmac
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace as Record
from typing import Any, NamedTuple

ALGORITHM = "permuted-blocks-sp800-108-v1"
PARTIES = ("sponsor", "dmc")
MOST_SLOTS = 1_000_000
"""No trial has more, and a file that says so would only keep the machine busy."""


# The list


def u16(number: int) -> bytes:
    return number.to_bytes(2, "big")


def u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def sha256(message: bytes) -> bytes:
    """FIPS 180-4, section 6.2."""
    return hashlib.sha256(message).digest()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104."""
    return hmac.digest(key, message, "sha256")


def hkdf(input_key: bytes, salt: bytes, info: bytes) -> bytes:
    """32 bytes of RFC 5869: extract (section 2.2) and the first block of expand (section 2.3)."""
    return hmac_sha256(hmac_sha256(salt, input_key), info + b"\x01")


def kdf(seed: bytes, label: bytes, context: bytes, bits: int) -> Iterator[int]:
    """The bytes of NIST SP 800-108r1, section 4.1, for a multiple of 256 bits. "Bytes"."""
    for i in range(1, bits // 256 + 1):
        yield from hmac_sha256(seed, u32(i) + label + b"\0" + context + u32(bits))


def plain(design: Record) -> dict[str, Any]:
    """The design as JSON has it."""
    return {**vars(design), "arms": [vars(arm) for arm in design.arms]}


def design_digest(design: Record) -> bytes:
    """D of "Design". For ASCII texts and integers, RFC 8785 asks for no more than this."""
    return sha256(json.dumps(plain(design), sort_keys=True, separators=(",", ":")).encode("ascii"))


def commitment_to(contribution: Record) -> bytes:
    """C of "Contributions and seed"."""
    head = b"trial-randomization-contribution-v1\0" + contribution.party.encode("ascii") + b"\0"
    sizes = b"".join(u16(n) for n in [len(contribution.block_sizes), *contribution.block_sizes])
    return sha256(head + contribution.design + sizes + contribution.secret)


def seed_of(sponsor: Record, dmc: Record) -> bytes:
    """The seed of "Contributions and seed"."""
    salt = commitment_to(sponsor) + commitment_to(dmc)
    return hkdf(sponsor.secret + dmc.secret, salt, ALGORITHM.encode("ascii"))


def below(n: int, source: Iterator[int]) -> int:
    """A uniform integer from 0 to n - 1. NIST SP 800-90A Rev. 1, appendix A.5.1; "Arms"."""
    if n == 1:
        return 0
    mask = (1 << (n - 1).bit_length()) - 1
    while True:
        number = next(source) & mask
        if number < n:
            return number


def block(seed: bytes, design: Record, block_sizes: list[int], stratum: str, b: int) -> list[str]:
    """The arms of block b, by the Fisher-Yates shuffle (Knuth, algorithm P). "Arms"."""
    source = kdf(seed, b"block", stratum.encode("ascii") + b"\0" + u32(b), 8192)
    size = block_sizes[below(len(block_sizes), source)]
    repeats = size // sum(arm.share for arm in design.arms)
    arms = [arm.code for arm in design.arms for _ in range(arm.share * repeats)]
    for i in range(size - 1, 0, -1):
        j = below(i + 1, source)
        arms[i], arms[j] = arms[j], arms[i]
    return arms


def leaf_of(design: Record, stratum: str, seq: int, arm: str, salt: bytes) -> bytes:
    """The leaf of "Commitment"."""
    codes = [arm.code for arm in design.arms]
    arms = ",".join(codes).encode("ascii")
    slot = u16(len(stratum)) + stratum.encode("ascii") + u32(seq)
    return sha256(b"\x00" + slot + u16(len(arms)) + arms + bytes([codes.index(arm)]) + salt)


class Slot(NamedTuple):
    stratum_code: str
    seq: int
    arm: str
    salt: bytes
    leaf: bytes


def allocation_list(design: Record, contributions: list[Record]) -> Iterator[Slot]:
    """Every slot, in the order of the leaves. "Arms" and "Commitment"."""
    sponsor, dmc = contributions
    seed = seed_of(sponsor, dmc)
    for stratum in design.strata:
        arms: list[str] = []
        b = 0
        while len(arms) < design.slots_per_stratum:
            arms += block(seed, design, sponsor.block_sizes, stratum, b)
            b += 1
        for seq, arm in enumerate(arms[: design.slots_per_stratum], start=1):
            salt = bytes(kdf(seed, b"salt", stratum.encode("ascii") + b"\0" + u32(seq), 256))
            yield Slot(stratum, seq, arm, salt, leaf_of(design, stratum, seq, arm, salt))


# The tree of RFC 6962, section 2.1


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def split(n: int) -> int:
    """k, the largest power of two smaller than n."""
    return 1 << ((n - 1).bit_length() - 1)


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH over leaves that are hashed already."""
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node(tree_root(leaves[:k]), tree_root(leaves[k:]))


def root_by_path(leaf: bytes, m: int, n: int, path: list[bytes]) -> bytes | None:
    """The root over n leaves, by leaf m and its PATH (section 2.1.1); None for a wrong length."""
    if n == 1 or not path:
        return leaf if n == 1 and not path else None
    k = split(n)
    if m < k:
        inner = root_by_path(leaf, m, k, path[:-1])
        return inner and node(inner, path[-1])
    inner = root_by_path(leaf, m - k, n - k, path[:-1])
    return inner and node(path[-1], inner)


# The files


class Malformed(Exception):
    """A file is not what the specification says; the message tells which and why."""


class Text(NamedTuple):
    pattern: str
    meaning: str
    made: Callable[[str], Any] = str


def instant(text: str) -> str:
    """A time with nine decimals, so that the order of texts is the order of times."""
    second, _, decimals = text[:-1].partition(".")
    datetime.strptime(second + "+0000", "%Y-%m-%dT%H:%M:%S%z")  # refuses what no calendar has
    return f"{second}.{decimals:0<9}Z"


WORDS = Text("[ -~]{1,200}", "1 to 200 printable ASCII characters")
CODE = Text("[!-+.-~-]{1,64}", "1 to 64 printable ASCII characters, no blank, no comma")
HASH = Text("[0-9a-f]{64}", "64 lower-case hexadecimal digits", bytes.fromhex)
TIME = Text(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z",
    "a time in UTC such as 2026-01-05T01:00:00Z",
    instant,
)
U16, U32 = range(2**16), range(2**32)
COMMITMENT = {
    "root": HASH,
    "algorithm": Text(re.escape(ALGORITHM), ALGORITHM + ", the only one known here"),
    "slots": U32,
    "design": {
        "arms": [{"code": CODE, "share": range(1, 257)}, 1, 256],
        "slots_per_stratum": range(1, MOST_SLOTS + 1),
        "strata": [CODE, 1, MOST_SLOTS],
    },
    "contributions": {"sponsor": HASH, "dmc": HASH},
    "protocol_version": WORDS,
    "published_at": TIME,
}
UUID = Text("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "a UUID in lower case")
PROOF = {
    "subject_id": UUID,
    "randomization_number": WORDS,
    "randomized_at": TIME,
    "stratum_code": CODE,
    "seq": U32,
    "arm": CODE,
    "salt": HASH,
    "leaf_index": U32,
    "path": [HASH, 0, 64],
    "root": HASH,
}
CONTRIBUTION = {"party": WORDS, "design": HASH, "block_sizes": [U16, 0, 65535], "secret": HASH}
OPENED = {"contributions": [CONTRIBUTION, 2, 2]}


def read(value: Any, shape: Any, name: str) -> Any:
    """The value if it has the shape: a Text, a range of integers, [shape, least, most], or fields.

    Other fields may stand beside those of the shape; nothing is made of them.
    """
    if isinstance(shape, Text):
        meaning = shape.meaning
        if isinstance(value, str) and re.fullmatch(shape.pattern, value):
            with suppress(ValueError):
                return shape.made(value)
    elif isinstance(shape, range):
        meaning = f"an integer from {shape[0]} to {shape[-1]}"
        if type(value) is int and value in shape:  # True is an int to Python
            return value
    elif isinstance(shape, list):
        one, least, most = shape
        meaning = f"a list of {least} to {most}"
        if isinstance(value, list) and least <= len(value) <= most:
            return [read(element, one, f"{name}, {n}") for n, element in enumerate(value, start=1)]
    else:
        meaning = "an object with " + ", ".join(shape)
        if isinstance(value, dict) and shape.keys() <= value.keys():
            return Record(**{key: read(value[key], shape[key], f"{name}, {key}") for key in shape})
    raise Malformed(f"{name}: should be {meaning}.")


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a field stands twice in one object")
    return dict(pairs)


def documents(path: str) -> list[Any]:
    """The JSON documents that stand one after the other in a file."""
    # Twenty digits are beyond every range here, so the rest of a longer number does not matter.
    decoder = json.JSONDecoder(object_pairs_hook=each_once, parse_int=lambda text: int(text[:20]))
    found = []
    try:
        rest = Path(path).read_text(encoding="utf-8-sig").strip()
        while rest:
            document, end = decoder.raw_decode(rest)
            found.append(document)
            rest = rest[end:].lstrip()
    except OSError as error:
        raise Malformed(f"{path}: cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise Malformed(f"{path}: is not JSON: {error}.") from error
    return found


def only(path: str) -> Any:
    """The one document of a file."""
    found = documents(path)
    if len(found) != 1:
        raise Malformed(f"{path}: should hold one JSON document, and holds {len(found)}.")
    return found[0]


def read_commitment(path: str) -> Record:
    value = only(path)
    commitment: Record = read(value, COMMITMENT, path)
    design = commitment.design
    codes = [arm.code for arm in design.arms]
    if value["design"] != plain(design):
        raise Malformed(f"{path}: design: holds a field that is not specified, and D covers it.")
    if len(set(codes)) < len(codes) or len(set(design.strata)) < len(design.strata):
        raise Malformed(f"{path}: design: holds one code twice.")
    if len(design.strata) * design.slots_per_stratum > MOST_SLOTS:
        raise Malformed(f"{path}: design: has more than {MOST_SLOTS} slots.")
    return commitment


def read_proofs(paths: list[str], complete: bool) -> list[Record]:
    """The proofs of all files. If they should be complete, the last page must be there."""
    items, cursors = [], []
    for path in paths:
        for document in documents(path):
            for page in document if isinstance(document, list) else [document]:
                if isinstance(page, dict) and isinstance(page.get("items"), list):
                    items += [(path, item) for item in page["items"]]
                    cursors.append(page.get("next_cursor"))
                else:
                    items.append((path, page))
    if complete and cursors and None not in cursors:
        raise Malformed("Every page names a next one: the last is not given.")
    if paths and not items and not complete:
        raise Malformed("The files hold no proof. If there is none yet, say --complete.")
    return [read(item, PROOF, f"{path}, proof {n}") for n, (path, item) in enumerate(items, 1)]


def read_opened(path: str) -> list[Record]:
    opened: list[Record] = read(only(path), OPENED, path).contributions
    return opened


# The faults, each a sentence


def slot_of(proof: Record) -> str:
    return f"slot {proof.seq} of {proof.stratum_code}"


def proof_faults(commitment: Record, proof: Record) -> Iterator[str]:
    """One allocation by itself. "Commitment" and "What the service publishes"."""
    design, stratum, seq = commitment.design, proof.stratum_code, proof.seq
    if proof.root != commitment.root:
        yield "the proof names another root than the commitment."
    if proof.randomized_at < commitment.published_at:
        yield "randomized before the commitment was published."
    if stratum not in design.strata or not 1 <= seq <= design.slots_per_stratum:
        yield "the design has no such slot."
    elif proof.arm not in [arm.code for arm in design.arms]:
        yield f"the design has no arm {proof.arm}."
    else:
        if proof.randomization_number != f"{stratum}-{seq:03}":
            yield "its randomization number is that of another slot."
        slots = len(design.strata) * design.slots_per_stratum
        m = design.strata.index(stratum) * design.slots_per_stratum + seq - 1
        leaf = leaf_of(design, stratum, seq, proof.arm, proof.salt)
        if proof.leaf_index != m:
            yield f"it is leaf {m} of the tree, and the proof says {proof.leaf_index}."
        if root_by_path(leaf, m, slots, proof.path) != commitment.root:
            yield "arm, salt and path do not lead to the committed root."


def repetition_faults(proofs: list[Record]) -> Iterator[str]:
    """What may stand only once."""
    where: dict[str, list[str]] = defaultdict(list)
    for proof in proofs:
        slot = slot_of(proof)
        where[slot].append(slot)
        where[f"subject {proof.subject_id}"].append(slot)
    for name, slots in where.items():
        if len(slots) > 1:
            yield f"{name} stands {len(slots)} times: {', '.join(slots)}."


def stratum_faults(stratum: str, proofs: list[Record], complete: bool) -> Iterator[str]:
    """Time that runs backwards, or slots left out, in the proofs of a stratum sorted by slot."""
    latest = proofs[0]
    for proof in proofs:
        if proof.randomized_at < latest.randomized_at:
            yield f"{slot_of(proof)} was randomized before {slot_of(latest)}."
        else:
            latest = proof
    last = min(proofs[-1].seq, MOST_SLOTS)
    missing = sorted(set(range(1, last)) - {proof.seq for proof in proofs})
    if complete and missing:
        first, more = ", ".join(map(str, missing[:5])), " and more" if missing[5:] else ""
        yield f"stratum {stratum} has slot {last}, but not {first}{more}."


def contribution_faults(commitment: Record, contributions: list[Record]) -> Iterator[str]:
    """The opened contributions against what was published. "Contributions and seed"."""
    for place, party in enumerate(PARTIES):
        given = contributions[place]
        if given.party != party:
            yield f"the contribution of {party} says that it is of {given.party}."
        if given.design != design_digest(commitment.design):
            yield f"the contribution of {party} is for another design."
        if commitment_to(given) != getattr(commitment.contributions, party):
            yield f"the contribution of {party} is not the one committed to."
    if contributions[1].block_sizes:
        yield "the contribution of dmc holds block sizes."


def size_faults(design: Record, block_sizes: list[int]) -> Iterator[str]:
    """Block sizes that make no list. "Contributions and seed"."""
    total = sum(arm.share for arm in design.arms)
    if not 1 <= len(block_sizes) <= 255:
        yield f"there are {len(block_sizes)} block sizes, not 1 to 255."
    for size in block_sizes:
        if size not in range(total, 257, total):
            yield f"block size {size} is not a multiple of {total} from {total} to 256."


def list_faults(
    commitment: Record, proofs: list[Record], contributions: list[Record]
) -> Iterator[str]:
    """The opened list against the root and the allocations. "Commitment"."""
    slots = list(allocation_list(commitment.design, contributions))
    root = tree_root([slot.leaf for slot in slots])
    if root != commitment.root:
        yield f"the contributions make another list than the committed one: root {root.hex()}."
        return
    listed = {(slot.stratum_code, slot.seq): slot for slot in slots}
    for proof in proofs:
        slot = listed.get((proof.stratum_code, proof.seq))
        if slot and (slot.arm, slot.salt) != (proof.arm, proof.salt):
            yield f"{slot_of(proof)}: the list has {slot.arm} with salt {slot.salt.hex()}."


def faults(
    commitment: Record, proofs: list[Record], contributions: list[Record], complete: bool
) -> Iterator[str]:
    design = commitment.design
    slots = len(design.strata) * design.slots_per_stratum
    if commitment.slots != slots:
        yield f"the commitment says {commitment.slots} slots, and its design has {slots}."
    for proof in proofs:
        for fault in proof_faults(commitment, proof):
            yield f"{slot_of(proof)}: {fault}"
    yield from repetition_faults(proofs)
    for stratum, here in by_stratum(proofs).items():
        yield from stratum_faults(stratum, here, complete)
    if contributions:
        yield from contribution_faults(commitment, contributions)
        unusable = list(size_faults(design, contributions[0].block_sizes))
        yield from unusable or list_faults(commitment, proofs, contributions)


# The report


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def by_stratum(proofs: list[Record]) -> dict[str, list[Record]]:
    """The proofs of each stratum, sorted by slot."""
    found: dict[str, list[Record]] = defaultdict(list)
    for proof in sorted(proofs, key=lambda proof: (proof.stratum_code, proof.seq)):
        found[proof.stratum_code].append(proof)
    return found


def summary(commitment: Record, proofs: list[Record]) -> Iterator[str]:
    design = commitment.design
    arms = ", ".join(f"{arm.code} {arm.share}" for arm in design.arms)
    yield f"Committed root: {commitment.root.hex()}"
    yield f"Published: {commitment.published_at[:19]}Z. Protocol: {commitment.protocol_version}."
    yield f"Design: {len(design.strata)} strata of {design.slots_per_stratum} slots. Arms: {arms}."
    for stratum, here in by_stratum(proofs).items():
        given = Counter(proof.arm for proof in here)
        arms = ", ".join(f"{given[arm]} {arm}" for arm in sorted(given))
        count = counted(len(here), "allocation")
        yield f"Stratum {stratum}: {count} up to slot {here[-1].seq}: {arms}."


def verdict(proofs: list[Record], opened: bool, complete: bool) -> str:
    """What holds when nothing is wrong."""
    holds = []
    if proofs or complete:
        holds.append(f"{counted(len(proofs), 'allocation')} proved against the committed root")
    if complete:
        holds.append("no slot is left out before the last of its stratum")
    if opened:
        holds.append("the contributions make the committed list")
    return f"The randomization holds: {', and '.join(holds)}."


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commitment", metavar="COMMITMENT.json")
    parser.add_argument("proofs", metavar="PROOFS.json", nargs="*")
    parser.add_argument("--complete", action="store_true", help="these are all allocations so far")
    parser.add_argument("--opened", metavar="SECRET.json", help="both contributions")
    parser.add_argument("--list", action="store_true", help="print the opened list as CSV")
    chosen = parser.parse_args(arguments)
    if chosen.list and not chosen.opened:
        parser.error("--list needs --opened")
    if not (chosen.proofs or chosen.opened):
        parser.error("nothing to verify: give PROOFS.json or --opened")
    return chosen


def main(arguments: list[str]) -> int:
    chosen = options(arguments)
    out = sys.stderr if chosen.list else sys.stdout

    def say(sentence: str) -> None:
        out.write(sentence.encode(out.encoding, "backslashreplace").decode(out.encoding) + "\n")

    try:
        commitment = read_commitment(chosen.commitment)
        proofs = read_proofs(chosen.proofs, chosen.complete)
        contributions = read_opened(chosen.opened) if chosen.opened else []
    except Malformed as error:
        say(f"Nothing was verified. {error}")
        return 2
    for sentence in summary(commitment, proofs):
        say(sentence)
    found = list(faults(commitment, proofs, contributions, chosen.complete))
    for fault in found:
        say(f"Fault: {fault}")
    if found:
        say(f"{counted(len(found), 'fault')}.")
        return 1
    if chosen.list:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(Slot._fields)
        for slot in allocation_list(commitment.design, contributions):
            table.writerow([*slot[:3], slot.salt.hex(), slot.leaf.hex()])
    say(verdict(proofs, bool(contributions), chosen.complete))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
