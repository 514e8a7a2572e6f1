"""One browser and one deployment for all tests here; each test has a user of its own, in windows of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.tab import DESK, Tab
from tests.e2e.google import Google

NewTab = Callable[..., Tab]

_missing = pytest.StashKey[bool]()


# Of the package, not of the session: Playwright's loop must be gone before coroutines are tested elsewhere.
@pytest.fixture(scope="package")
def browser(pytestconfig: pytest.Config) -> Iterator[Browser]:
    """The system's Chromium."""
    executable = chromium.find()
    if executable is None:
        pytestconfig.stash[_missing] = True
        pytest.skip(chromium.MISSING)
    with chromium.running(executable) as browser:
        yield browser


@pytest.fixture(scope="package")
def google() -> Iterator[Google]:
    """The stand-in, which asks people in their browser."""
    with Google("--consent-page") as google:
        yield google


@pytest.fixture
def new_tab(browser: Browser) -> Iterator[NewTab]:
    """A window with no past: no cookies, nothing cached. Options are those of Playwright's contexts."""
    tabs: list[Tab] = []

    def make(**options: object) -> Tab:
        context = browser.new_context(**{"viewport": DESK, "locale": "en-US", **options})  # type: ignore[arg-type]
        tab = Tab(context.new_page())
        tabs.append(tab)
        return tab

    yield make
    for tab in tabs:
        tab.page.context.close()
    complaints = [said for tab in tabs for said in tab.complaints]
    assert complaints == [], "the browser complained"


@pytest.fixture
def tab(new_tab: NewTab) -> Tab:
    """A window on a desk."""
    return new_tab()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say aloud that no browser was there."""
    if config.stash.get(_missing, False):
        terminalreporter.write_line(f"Browser: {chromium.MISSING}")
