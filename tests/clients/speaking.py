"""The two clients, each told to play a scene."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.clients.scenes import SCENES

HERE = Path(__file__).parent
NODE = Path(sys.executable).with_name("node")

Play = Callable[..., Any]
"""Takes the scene's name, the client's line and what the scene needs; tells what came of it."""


def node(script: Path, *arguments: str) -> str:
    """What a TypeScript file prints; Node runs the client as it stands in its sources."""
    command = [str(NODE), "--conditions=source", str(script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def python(scene: str, line: str, **given: Any) -> Any:
    """Play a scene with the Python client."""
    return json.loads(json.dumps(SCENES[scene](line, given)))


def typescript(scene: str, line: str, **given: Any) -> Any:
    """Play a scene with the TypeScript client."""
    return json.loads(node(HERE / "scenes.ts", scene, line, json.dumps(given)))


CLIENTS: dict[str, Play] = {"python": python, "typescript": typescript}
