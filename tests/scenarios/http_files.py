"""A reader of `.http` files, and the sending of what they hold."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

DEFINED = re.compile(r"^@(\w+) = (.*)$", re.MULTILINE)
USED = re.compile(r"\{\{(.+?)\}\}")
TITLE = re.compile(r"(.*) → (\d{3})")
OF_ANSWER = re.compile(r"(\w+)\.response\.body\.\$(.*)")
STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


@dataclass(frozen=True)
class Part:
    """What stands between two lines of `###`: a request, or definitions alone."""

    title: str
    text: str

    @property
    def name(self) -> str | None:
        """What the request is called by those that use its answer."""
        found = re.search(r"^# @name (\w+)$", self.text, re.MULTILINE)
        return found[1] if found else None


def parts(text: str) -> Iterator[Part]:
    """The parts of a file in their order."""
    for section in re.split(r"^###", text, flags=re.MULTILINE):
        title, _, rest = section.partition("\n")
        yield Part(title.strip(), rest)


class Sender:
    """Sends the requests of one file as an editor would."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._values: dict[str, str] = {}
        self._answers: dict[str, Any] = {}

    def send(self, text: str) -> list[str]:
        """Send every request; what had another status than its title says."""
        unexpected = []
        sent = 0
        for part in parts(text):
            for name, value in DEFINED.findall(part.text):
                self._values.setdefault(name, value if name != "api" else "")
                if name != "api":
                    self._values[name] = self._filled(value)
            if (titled := TITLE.fullmatch(part.title)) is None:
                continue
            answer = self._request(part)
            sent += 1
            if answer.status_code != int(titled[2]):
                unexpected.append(f"{part.title}: {answer.status_code} {answer.text[:600]}")
            if part.name is not None:
                self._answers[part.name] = answer.json()
        assert sent == len(re.findall(r"^(?:GET|POST|PUT|PATCH|DELETE) ", text, re.MULTILINE))
        return unexpected

    def _request(self, part: Part) -> httpx.Response:
        head, _, body = self._filled(part.text).partition("\n\n")
        lines = [line for line in head.splitlines() if line and not line.startswith(("#", "@"))]
        method, url = lines[0].split(" ", 1)
        headers = dict(line.split(": ", 1) for line in lines[1:])
        return self._client.request(method, url, headers=headers, content=body.strip())

    def _filled(self, text: str) -> str:
        return USED.sub(lambda found: self._value(found[1]), text)

    def _value(self, wanted: str) -> str:
        chained = OF_ANSWER.fullmatch(wanted)
        if chained is None:
            return self._values[wanted]
        value = self._answers[chained[1]]
        for member, place in STEP.findall(chained[2]):
            value = value[member] if member else value[int(place)]
        return value if isinstance(value, str) else json.dumps(value)
