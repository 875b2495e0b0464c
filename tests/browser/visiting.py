"""A visit to a page, in which every request, complaint and error is noticed."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page, Request

PHONE, DESKTOP = (390, 844), (1280, 900)


@dataclass
class Visit:
    """A page, and what was noticed while it was visited."""

    page: Page
    host: str
    elsewhere: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    foreseen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", self._requested)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _requested(self, request: Request) -> None:
        if not request.url.startswith((self.host + "/", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def expect_refusal(self, status: int, phrase: str) -> None:
        """Foresee what Chromium says on its console of an answer that is no success."""
        self.foreseen.append(
            f"Failed to load resource: the server responded with a status of {status} ({phrase})"
        )

    def overflow(self, size: tuple[int, int]) -> int:
        """By how many pixels the page is wider than a window of that size."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        width: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return width
