"""One tab of a person's browser: what is seen and pressed in it, and whether what it shows is fit to be seen.

In: a page of Playwright. Out: waits, clicks, and for each state a picture, axe-core's verdict and the page's width.
Pictures go to `build/pictures/`, which is no part of the repository; those named `readme-...` stand in `docs/pictures/`,
made smaller by `pngquant 32`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, ViewportSize, expect

PICTURES = Path(__file__).parent.parent.parent / "build" / "pictures"
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1024, "height": 768}
PATIENCE_MS = 15_000

_axe = Axe()
expect.set_options(timeout=PATIENCE_MS)
Text = str | re.Pattern[str]


class Tab:
    """A page, and the complaints that the browser made about it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda said: self._heard(said.type, said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, kind: str, text: str) -> None:
        # A page that is refused on purpose has a status of 4xx, which the console calls an error.
        if kind in {"error", "warning"} and not re.search("the server responded with a status of 4", text):
            self.complaints.append(text)

    def expects(self, complaint: str) -> None:
        """Wait until the browser complains of this, as it should."""
        while not any(complaint in said for said in self.complaints):
            self.page.wait_for_event("console")
        self.complaints.clear()

    def open(self, url: str) -> int:
        """Go there; the status of the answer."""
        answer = self.page.goto(url)
        assert answer is not None
        return answer.status

    def sees(self, text: Text, *, seconds: float = PATIENCE_MS / 1000) -> Locator:
        """Wait until this stands on the page."""
        found = self.page.get_by_text(text).first
        expect(found).to_be_visible(timeout=seconds * 1000)
        return found

    def button(self, name: Text) -> Locator:
        """A button, or a link that does something, by its name."""
        page = self.page
        return page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).first

    def press(self, name: Text) -> None:
        """Press a button."""
        self.button(name).click()

    def fit(self, name: str, *sizes: ViewportSize) -> None:
        """Take a picture of this state at each width, a phone's unless said otherwise; it is accessible, and nothing
        sticks out of the screen.
        """
        # A click waits for the answer to come, not for its page to be there: between the two, the document has no element.
        self.page.wait_for_load_state()
        before = self.page.viewport_size
        for size in sizes or (PHONE,):
            self.page.set_viewport_size(size)
            self.holds(name)
            self.picture(f"{name}-{size['width']}", full_page=True)
        found = violations(self.page)
        assert not found, f"{name}:\n" + "\n".join(found)
        if before is not None:
            self.page.set_viewport_size(before)

    def picture(self, name: str, *, full_page: bool = False) -> None:
        """Take a picture, of what stands on the screen or of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=full_page)

    def holds(self, name: str) -> None:
        """Nothing sticks out of the screen to the right."""
        width, has = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width <= has, f"{name}: {width} px wide on a screen of {has} px"


def violations(page: Page) -> list[str]:
    """What axe-core holds against the page: all of its rules, one line for each element."""
    found: list[dict[str, Any]] = _axe.run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}: {node['html']} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]
