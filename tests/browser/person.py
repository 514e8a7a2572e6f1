"""A person with a browser: comes in by the host application's link, and does what the page offers.

In: a deployment, a user, a tab. Out: steps in the person's words. Asserts look at the page first, then at Google.
"""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser import google
from tests.browser.deployment import Deployment
from tests.browser.tab import PATIENCE_MS, Tab
from tests.e2e.world import User

AUTHORIZE = "Authorize Metro EMS To Sync To Your Google Calendar"
STOP = "Stop Syncing Events To Your Google Calendar"
RESYNC = "Re-Sync All Of Your Events"
EVERYTHING = PATIENCE_MS / 1000


class Person:
    """One user in front of one tab."""

    def __init__(self, deployment: Deployment, user: User, tab: Tab) -> None:
        self.deployment, self.user, self.tab = deployment, user, tab
        self.page = tab.page

    @property
    def how(self) -> Locator:
        """The line that says how it stands."""
        return self.page.locator(".state .big")

    def enter(self) -> None:
        """Open the tab in the host application."""
        assert self.tab.open(self.deployment.link(self.user)) == 200

    def stands(self, text: str, *, seconds: float = EVERYTHING) -> None:
        """Wait until the page says that it stands like this."""
        expect(self.how).to_have_text(text, timeout=seconds * 1000)

    def is_told(self, text: str) -> None:
        """The page answers the last thing that was done."""
        expect(self.page.locator(".said")).to_contain_text(text)

    def go_to_google(self, button: str = AUTHORIZE) -> None:
        """Press Authorize and pick the account."""
        self.tab.press(button)
        google.choose(self.page, self.user.account)

    def allow(self) -> None:
        """Tick everything and allow it."""
        google.tick_all(self.page)
        google.allow(self.page)

    def connect(self, button: str = AUTHORIZE, in_step: str = "In step") -> None:
        """From the page to Google and back, until everything stands there."""
        self.go_to_google(button)
        self.allow()
        self.stands(in_step)
