"""What comes back: a body with its headers' meaning, or a file piece by piece."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

import httpx

from trial_client.problems import Unreachable

Body = TypeVar("Body", covariant=True)

NEW = '"0"'
"""The `if_match` of a record that does not exist yet."""


@dataclass(frozen=True)
class Answer(Generic[Body]):
    """A success.

    `etag` names the version in `body`: give it as `if_match` to change that.
    `replayed` tells that an earlier attempt had done it already, so this
    is the answer of then.
    """

    body: Body
    etag: str
    replayed: bool
    request_id: str


class Versioned(Protocol):
    """An item of a list, which tells its version."""

    def __getitem__(self, name: str, /) -> object: ...


def etag_of(item: Versioned) -> str:
    """The `if_match` of an item of a list: its page has no ETag for each."""
    return f'"{item["version"]}"'


class Download:
    """A file, which is asked for when it is entered, and read piece by piece.

    with trial.read_consort_report_as_file("pdf") as report:
        for piece in report:
            ...
    """

    def __init__(self, ask: Callable[[], httpx.Response]) -> None:
        self._ask = ask
        self._response: httpx.Response | None = None

    def __enter__(self) -> Self:
        self._response = self._ask()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._response is not None:
            self._response.close()

    def __iter__(self) -> Iterator[bytes]:
        """The pieces as they come.

        Raises:
            Unreachable: the line was cut; what came until then is not the whole file.
        """
        if self._response is None:
            raise ValueError("read a download inside `with`")
        request = self._response.request
        try:
            yield from self._response.iter_bytes()
        except httpx.TransportError as error:
            raise Unreachable(request.method, request.url.path) from error

    def save(self, path: Path) -> None:
        """Write it to a file, which is there only when it is whole."""
        part = path.with_name(f"{path.name}.part")
        with self, part.open("wb") as file:
            for piece in self:
                file.write(piece)
        part.replace(path)
