"""The OpenAPI document as committed: the sandbox's app, so that its clock is described too."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from services.api.core.keys import new_signing_key
from services.api.main import create_app
from services.api.settings import Settings


def openapi_text() -> str:
    """The document as indented JSON; no database and no secret of an installation is needed."""
    with TemporaryDirectory() as scratch:
        key = Path(scratch) / "key.pem"
        key.write_text(new_signing_key())
        settings = Settings(
            sandbox=True,
            database_url=SecretStr("postgresql+psycopg://nobody@127.0.0.1/none"),
            signing_key_file=key,
            randomization_secret_file=key,  # never read
            issuer="http://127.0.0.1:8000",
        )
        app = create_app(settings)
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"
