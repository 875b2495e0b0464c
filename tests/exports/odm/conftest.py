"""The ODM export of a database in which everything has happened, written once in each version."""

from collections.abc import Mapping
from pathlib import Path

import odmlib
import pytest
from lxml import etree

from services.api.embedded import Cluster
from services.api.exports.extract import Options, opened
from services.api.exports.odm.writer import VERSIONS, write
from tests.conftest import Served, serving
from tests.exports.conftest import manager
from tests.exports.odm.reading import Document
from tests.lived import Lived

SCHEMAS = Path(str(odmlib.__file__)).parent / "schemas" / "odm"
FILES = {"1.3.2": "1.3.2/ODM1-3-2.xsd", "2.0": "2.0/ODM.xsd"}
"""CDISC's own schemas, as the package odmlib brings them."""


@pytest.fixture(scope="session")
def schemas() -> Mapping[str, etree.XMLSchema]:
    """The official schema of each version."""
    return {
        version: etree.XMLSchema(etree.parse(SCHEMAS / file)) for version, file in FILES.items()
    }


@pytest.fixture(scope="module")
def documents(lived: Lived, cluster: Cluster, served: Served) -> Mapping[str, Document]:
    """The export in each version."""
    state = served.app.state
    with (
        serving(cluster, served, "test_lived") as api,
        opened(state.database, manager(api), state.clock, state.loaded) as extract,
    ):
        return {
            version: Document.of(b"".join(write(extract, Options(version=version))))
            for version in VERSIONS
        }


@pytest.fixture(params=VERSIONS)
def document(request: pytest.FixtureRequest, documents: Mapping[str, Document]) -> Document:
    """The export, in one version after the other."""
    return documents[request.param]
