"""What the clients' READMEs show runs, with the packages as callers install them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.speaking import HERE, NODE
from tests.conftest import Served
from tests.make import Api

ROOT = HERE.parents[1]
CLIENTS = ROOT / "openapi" / "clients"
PRINTED = ["nn-0001 screening", "not_ready", "true", "nn-0001", "subject.screened"]
"""How each line begins that a sample prints, in small letters."""


def sample(ending: str, language: str, address: str) -> str:
    """The sample of a README, against a service of the test."""
    text = (HERE / f"sample.{ending}").read_text()
    readme = (CLIENTS / language / "README.md").read_text()
    assert text in readme
    return text.replace("http://127.0.0.1:8000", address)


def output(command: list[str]) -> str:
    """What a command prints."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CLIENTS / "python" / "src")}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def check(printed: str) -> None:
    """The sample ran to its end, and told what the README promises."""
    lines = printed.lower().splitlines()
    assert all(line.startswith(begun) for line, begun in zip(lines, PRINTED, strict=True)), lines


def test_the_python_sample_runs(served: Served, api: Api) -> None:
    check(output([sys.executable, "-c", sample("py", "python", served.address)]))


def test_the_typescript_sample_runs_on_the_package_that_is_handed_out(
    served: Served, api: Api, tmp_path: Path
) -> None:
    package = tmp_path / "node_modules" / "trial-api-client"
    source = CLIENTS / "typescript"
    package.mkdir(parents=True)
    (package / "package.json").write_text((source / "package.json").read_text())
    for library in ("openapi-fetch", "openapi-typescript-helpers"):
        (tmp_path / "node_modules" / library).symlink_to(ROOT / "node_modules" / library)
    compiler = ROOT / "node_modules" / "typescript" / "bin" / "tsc"
    project = source / "tsconfig.build.json"
    output([str(NODE), str(compiler), "-p", str(project), "--outDir", str(package / "dist")])
    script = tmp_path / "sample.ts"
    script.write_text(sample("ts", "typescript", served.address))
    check(output([str(NODE), str(script)]))


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_the_problems_that_no_operation_names_are_named_once(language: str) -> None:
    readme = (CLIENTS / language / "README.md").read_text()
    untold = json.loads((ROOT / "tools" / "untold_problems.json").read_text())
    assert [code for code in untold if f"`{code}`" not in readme] == []
