"""The randomization list of the tests' sandbox, another one, and whether a proof holds."""

from collections.abc import Sequence
from pathlib import Path

from services.api.randomization.contributions import RandomizationSecret
from services.api.randomization.merkle import parent
from services.api.randomization.rules import Design
from services.api.randomization.secret import Opened, SecretFile, sandbox_secret
from tests.first_trial import FIRST_TRIAL

DESIGN = Design.of(FIRST_TRIAL.protocol.randomization)
SECRET = sandbox_secret(DESIGN)
LIST = SECRET.list_for(DESIGN)


def another_secret(number: int = 0) -> RandomizationSecret:
    """A secret of the sandbox's design, whose list has nothing in common with it."""
    sponsor, dmc = (
        one.model_copy(update={"secret": (2 * number + place).to_bytes(32).hex()})
        for place, one in enumerate(SECRET.contributions)
    )
    return RandomizationSecret(contributions=(sponsor, dmc))


def opened(secret: RandomizationSecret = SECRET) -> Opened:
    """What a file with the secret gives."""
    return Opened(secret.list_for(DESIGN), secret.commitments())


def secret_file(
    directory: Path, secret: RandomizationSecret = SECRET, design: Design = DESIGN
) -> SecretFile:
    """A file with the secret."""
    path = directory / "randomization-secret.json"
    path.write_text(secret.model_dump_json())
    return SecretFile(path, design, sandbox=True)


def proves(leaf: bytes, index: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    """Whether `path` leads from the leaf hash at `index` of `size` leaves to `head`."""
    if not 0 <= index < size:
        return False
    node, siblings = leaf, list(reversed(path))
    while size > 1:
        sibling = index ^ 1
        if sibling < size:
            if not siblings:
                return False
            other = siblings.pop()
            node = parent(node, other) if index < sibling else parent(other, node)
        size, index = (size + 1) // 2, index // 2
    return not siblings and node == head
