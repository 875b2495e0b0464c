"""Two implementations that share no code make the same lists, and the lists are uniform."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from services.api.randomization.contributions import RandomizationSecret
from services.api.randomization.rules import ALGORITHM, AllocationList, Design
from tests.allocation_list import SECRET
from tests.make import Api, Json, ok, path
from tools import verify_randomization as tool

VECTORS = Path(__file__).parents[2] / "docs" / "randomization-vectors.json"
KNOWN: list[Json] = json.loads(VECTORS.read_text())["vectors"]

ARMS = [
    {"experimental": 1, "control": 1},
    {"experimental": 2, "control": 1},
    {"high": 1, "low": 1, "none": 1},
    {"high": 1, "low": 2, "none": 3},
]
MULTIPLES = [(1,), (2, 3), (1, 2), (3, 1, 2), (1, 1, 4)]
"""Block sizes, as multiples of the sum of the shares."""


def contribution(party: str, design: str, sizes: Iterable[int], secret: bytes) -> Json:
    return {"party": party, "design": design, "block_sizes": list(sizes), "secret": secret.hex()}


def trial(random: Random, shares: Mapping[str, int], sizes: Iterable[int], slots: int) -> Json:
    """A design of one to three strata, and contributions to its list."""
    design = {
        "arms": [{"code": code, "share": share} for code, share in shares.items()],
        "slots_per_stratum": slots,
        "strata": ["NN-C", "NN-N", "LZ-C"][: random.randint(1, 3)],
    }
    digest = service_design(design).digest()
    return {
        "design": design,
        "contributions": [
            contribution("sponsor", digest, sizes, random.randbytes(32)),
            contribution("dmc", digest, [], random.randbytes(32)),
        ],
    }


def any_trial(random: Random) -> Json:
    shares = random.choice(ARMS)
    sizes = [one * sum(shares.values()) for one in random.choice(MULTIPLES)]
    return trial(random, shares, sizes, random.randint(1, 7))


def service_design(design: Json) -> Design:
    arms = tuple((arm["code"], arm["share"]) for arm in design["arms"])
    return Design(arms, tuple(design["strata"]), design["slots_per_stratum"])


def by_the_service(trial: Json) -> Json:
    """Everything that the service makes of a design and two contributions."""
    design = service_design(trial["design"])
    secret = RandomizationSecret.model_validate_json(
        json.dumps({"contributions": trial["contributions"]})
    )
    made = secret.list_for(design)
    slots = [(code, seq) for code, arms in made.arms.items() for seq in range(1, len(arms) + 1)]
    return {
        "design_digest": design.digest(),
        "commitments": secret.commitments(),
        "seed": secret.seed().hex(),
        "arms": {code: list(arms) for code, arms in made.arms.items()},
        "salts": [made.salt(*slot).hex() for slot in slots],
        "leaves": [leaf.hex() for leaf in made.leaves],
        "root": made.root.hex(),
    }


def by_the_tool(trial: Json) -> Json:
    """The same, by the auditor's tool."""
    design = tool.read(trial["design"], tool.COMMITMENT["design"], "design")
    contributions = tool.read(trial, tool.OPENED, "trial").contributions
    slots = list(tool.allocation_list(design, contributions))
    arms: dict[str, list[str]] = {}
    for slot in slots:
        arms.setdefault(slot.stratum_code, []).append(slot.arm)
    return {
        "design_digest": tool.design_digest(design).hex(),
        "commitments": {one.party: tool.commitment_to(one).hex() for one in contributions},
        "seed": tool.seed_of(*contributions).hex(),
        "arms": arms,
        "salts": [slot.salt.hex() for slot in slots],
        "leaves": [slot.leaf.hex() for slot in slots],
        "root": tool.tree_root([slot.leaf for slot in slots]).hex(),
    }


# The same lists


def test_both_make_the_same_list_of_10_000_seeds() -> None:
    random = Random(20260105)
    seeds = set()
    for _ in range(10_000):
        given = any_trial(random)
        made = by_the_service(given)
        assert made == by_the_tool(given), given
        seeds.add(made["seed"])
    assert len(seeds) == 10_000


@pytest.mark.parametrize(
    ("shares", "sizes"),
    [
        ({"experimental": 1, "control": 1}, [256]),
        ({"experimental": 127, "control": 1}, [128]),
        ({"experimental": 2, "control": 1}, [255, 129]),
        ({f"arm{place}": 1 for place in range(129)}, [129]),
        ({"experimental": 1, "control": 1}, [2 + place % 128 * 2 for place in range(255)]),
    ],
    ids=["256", "128", "255 and 129", "129 arms", "255 sizes"],
)
def test_both_make_the_same_list_of_the_largest_blocks(
    shares: dict[str, int], sizes: list[int]
) -> None:
    random = Random(256)
    for _ in range(5):
        given = trial(random, shares, sizes, 300)
        assert by_the_service(given) == by_the_tool(given)


def test_every_path_of_the_service_leads_the_tool_to_the_root() -> None:
    random = Random(6962)
    for _ in range(100):
        given = any_trial(random)
        design = service_design(given["design"])
        made = AllocationList(design, random.randbytes(32), (12,))
        size = len(made.leaves)
        for code in design.strata:
            for seq in range(1, design.slots_per_stratum + 1):
                leaf, m = made.leaf(code, seq), design.index(code, seq)
                assert tool.root_by_path(leaf, m, size, list(made.path(code, seq))) == made.root


# The published vectors


@pytest.mark.parametrize("vector", KNOWN, ids=[vector["name"] for vector in KNOWN])
def test_both_make_the_published_lists(vector: Json) -> None:
    for made in (by_the_service(vector), by_the_tool(vector)):
        assert made == {name: vector[name] for name in made}


@pytest.mark.parametrize("vector", KNOWN, ids=[vector["name"] for vector in KNOWN])
def test_the_published_path_is_that_of_the_service(vector: Json) -> None:
    slot = (vector["proof"]["stratum_code"], vector["proof"]["seq"])
    design = service_design(vector["design"])
    sizes = tuple(vector["contributions"][0]["block_sizes"])
    made = AllocationList(design, bytes.fromhex(vector["seed"]), sizes)
    assert vector["proof"]["leaf_index"] == design.index(*slot)
    assert vector["proof"]["path"] == [one.hex() for one in made.path(*slot)]


def test_the_vectors_are_those_of_the_algorithm_and_cover_its_edges() -> None:
    assert json.loads(VECTORS.read_text())["algorithm"] == ALGORITHM == tool.ALGORITHM
    sizes = [vector["contributions"][0]["block_sizes"] for vector in KNOWN]
    assert any(len(some) == 1 for some in sizes)
    assert any(len(vector["design"]["arms"]) == 3 for vector in KNOWN)
    assert {1} < {len(vector["leaves"]) for vector in KNOWN}
    assert any(len(vector["leaves"]).bit_count() > 1 for vector in KNOWN)
    assert any(
        vector["design"]["slots_per_stratum"] < min(vector["contributions"][0]["block_sizes"])
        for vector in KNOWN
    )


# What the service answers


def kept(folder: Path, *answers: httpx.Response) -> str:
    """The answers, one after the other, in a file."""
    file = folder / f"{answers[0].url.path.rsplit('/', 1)[-1]}.json"
    file.write_text("\n".join(answer.text for answer in answers))
    return str(file)


def pages_of_proofs(auditor: Api) -> list[httpx.Response]:
    """All pages, two proofs to a page."""
    pages = [auditor.get("/v1/randomization/proofs?limit=2")]
    while cursor := ok(pages[-1])["next_cursor"]:
        pages.append(auditor.get(f"/v1/randomization/proofs?limit=2&cursor={cursor}"))
    return pages


def test_the_tool_verifies_what_the_service_answers(
    api: Api, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    investigator, auditor = api.as_("investigator"), api.as_("auditor")
    subjects = [
        investigator.randomized(concurrent_chemotherapy=chemotherapy)
        for chemotherapy in (True, False, True)
    ]
    commitment = kept(tmp_path, api.get("/v1/randomization/commitment"))
    one = kept(tmp_path, auditor.get(path(subjects[0], "randomization", "proof")))
    proofs = kept(tmp_path, *pages_of_proofs(auditor))
    secret = tmp_path / "secret.json"
    secret.write_text(SECRET.model_dump_json())
    assert tool.main([commitment, one]) == 0
    assert tool.main([commitment, proofs, "--complete", f"--opened={secret}"]) == 0
    said = capsys.readouterr().out
    assert "The randomization holds: 1 allocation proved against the committed root." in said
    assert "Stratum NN-C: 2 allocations up to slot 2:" in said
    assert (
        "The randomization holds: 3 allocations proved against the committed root, and no" in said
    )


# Chance

LIMITS = {1: (1.6e-6, 10.828), 5: (0.2102, 20.515), 19: (5.4068, 43.820), 35: (14.688, 66.619)}
"""Degrees of freedom: the 0.1 % and the 99.9 % quantile of chi-square."""

BLOCKS = 200_000
STRATA = [f"S{number}" for number in range(10)]


def blocks(sizes: tuple[int, ...], number: int) -> Iterable[tuple[str, ...]]:
    """So many blocks of two arms, from ten strata of one fixed seed."""
    seed = sha256(b"blocks of %a" % (sizes,)).digest()
    design = Design((("e", 1), ("c", 1)), tuple(STRATA), 1)
    made = AllocationList(design, seed, sizes)
    for stratum in STRATA:
        yield from map(tuple, islice(made.blocks(stratum), number // len(STRATA)))


def chi_square(counts: Counter[Any], cells: int) -> float:
    """Pearson's statistic against equal frequencies."""
    expected = counts.total() / cells
    seen = sum((count - expected) ** 2 / expected for count in counts.values())
    return seen + expected * (cells - len(counts))


def assert_uniform(counts: Counter[Any], cells: int) -> None:
    """Neither further from equal frequencies than chance brings, nor closer."""
    low, high = LIMITS[cells - 1]
    assert low < chi_square(counts, cells) < high


def test_all_orders_of_blocks_of_4_are_equally_frequent_and_do_not_follow_each_other() -> None:
    made = [*blocks((4,), BLOCKS)]
    assert len(made) == BLOCKS
    assert_uniform(Counter(made), 6)
    assert_uniform(Counter(zip(made[::2], made[1::2], strict=True)), 36)


def test_all_orders_of_blocks_of_6_are_equally_frequent() -> None:
    counts = Counter(blocks((6,), BLOCKS))
    assert counts.total() == BLOCKS
    assert_uniform(counts, 20)


def test_both_block_sizes_are_equally_frequent_and_their_blocks_uniform() -> None:
    counts = Counter(blocks((4, 6), BLOCKS // 10))
    assert_uniform(Counter(map(len, counts.elements())), 2)
    assert_uniform(Counter({block: count for block, count in counts.items() if len(block) == 4}), 6)
    assert_uniform(
        Counter({block: count for block, count in counts.items() if len(block) == 6}), 20
    )
