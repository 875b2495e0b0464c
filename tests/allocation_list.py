"""The randomization list of the tests' sandbox, and another one."""

from pathlib import Path

from services.api.protocol.load import load
from services.api.randomization.contributions import RandomizationSecret
from services.api.randomization.rules import Design
from services.api.randomization.secret import Opened, SecretFile, sandbox_secret
from services.api.settings import DOCUMENTS

DESIGN = Design.of(load(DOCUMENTS / "nct07312656-1.0.yaml").protocol.randomization)
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
