"""One browser and one deployment for all tests here; each test has a user of its own, in windows of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.deployment import Deployment
from tests.browser.person import Person
from tests.browser.tab import DESK, Tab
from tests.e2e.google import Google
from tests.e2e.world import Agency
from tests.kafka import Kafka

NewTab = Callable[..., Tab]
NewPerson = Callable[..., Person]

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


@pytest.fixture(scope="package")
def deployment(
    kafka: Kafka, browser: Browser, google: Google, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """A worker and a portal. The browser comes first: without one nothing else need be started."""
    if "mock" in kafka.name:
        pytest.skip("whole deployments need a real Kafka")
    deployment = Deployment(kafka.bootstrap, google, tmp_path_factory.mktemp("browser"))
    try:
        yield deployment.start()
        deployment.stop()
    finally:
        deployment.close()


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


@pytest.fixture
def new_person(deployment: Deployment, new_tab: NewTab) -> NewPerson:
    """Somebody new, who has opened the page. Options are those of Playwright's contexts."""

    def make(shifts: int = 3, agency: Agency | None = None, **options: object) -> Person:
        person = Person(deployment, deployment.newcomer(shifts, agency), new_tab(**options))
        person.enter()
        return person

    return make


@pytest.fixture
def anna(new_person: NewPerson) -> Person:
    """Somebody on a desk with three published shifts, not connected yet."""
    return new_person()


@pytest.fixture
def connected(anna: Person) -> Person:
    """Somebody whose three shifts stand in Google."""
    anna.connect()
    return anna


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say aloud that no browser was there."""
    if config.stash.get(_missing, False):
        terminalreporter.write_line(f"Browser: {chromium.MISSING}")
