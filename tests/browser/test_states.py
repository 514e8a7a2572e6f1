"""What happens without the person, and how the page says so: by itself, and with what to do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Route, expect

from tests.browser.conftest import NewPerson
from tests.browser.deployment import Deployment
from tests.browser.person import AUTHORIZE, Person
from tests.browser.tab import Tab
from tests.e2e.google import Google
from tests.e2e.messages import in_days, shift


def add_a_shift(person: Person, number: int = 4) -> None:
    """The agency publishes one more."""
    user = person.user
    user.agency.schedule(
        shift(f"{user.id}-{number}", user=user.id, title=f"Medic {number} Day", start=in_days(number))
    )


def test_a_shift_that_comes_while_one_looks(connected: Person) -> None:
    """It appears without a click."""
    add_a_shift(connected)
    fresh = connected.page.locator(".shifts li", has_text="Medic 4 Day")
    expect(fresh.locator(".place")).to_have_text("in Google")
    connected.stands("In step")


def test_a_shift_that_changes_while_one_reads_why(connected: Person) -> None:
    """What is open stays open, and what has the focus keeps it, whatever is said anew around it."""
    user, page = connected.user, connected.page
    why = page.locator(".shifts li", has_text="Medic 2 Day").locator("summary")
    why.click()
    user.agency.schedule(
        shift(f"{user.id}-2", 2, user=user.id, title="Medic 2 Day", start=in_days(2), location="Station 12")
    )
    connected.tab.sees("Station 12")
    connected.tab.sees("From calendar ops, version 2 of the shift.")
    expect(why).to_be_focused()


def test_a_portal_that_restarts_behind_a_proxy(connected: Person) -> None:
    """The proxy's 502 ends no page's news: it is asked again."""
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            route.fallback()
        else:
            refused.append(route.request.url)
            route.fulfill(status=502)

    connected.page.route("**/live", once)
    connected.page.reload()
    connected.tab.expects("502")
    add_a_shift(connected)
    expect(connected.page.locator(".shifts li", has_text="Medic 4 Day")).to_be_visible()
    assert len(refused) == 1


def test_a_visit_that_ends_while_one_looks(connected: Person) -> None:
    """The page does not stand there for the next one at this desk."""
    connected.page.route("**/live", lambda route: route.fulfill(status=401))
    connected.page.context.clear_cookies()
    connected.page.evaluate("stream.close(); follow();")
    connected.tab.sees("You cannot come in this way")


def test_revoked_at_google_then_reconnected(connected: Person, google: Google) -> None:
    """The page asks for it with one button, and says why; afterwards what was missed stands there."""
    google.ask("POST", f"accounts/{connected.user.account}/invalidate", {})
    add_a_shift(connected)
    connected.stands("Needs you to reconnect")
    connected.tab.sees("Our access to your Google Calendar was taken back, or has expired.")
    connected.tab.fit("needs-you-to-reconnect")
    connected.tab.press(AUTHORIZE)
    connected.allow()  # for the account that it was: there is nothing to choose
    connected.stands("In step")
    connected.user.shows("Medic 1 Day", "Medic 2 Day", "Medic 3 Day", "Medic 4 Day")


def test_deactivated_user(connected: Person) -> None:
    """Who left is told that it is over, and by whom; the events stay."""
    connected.user.deactivate()
    connected.stands("Stopped")
    connected.tab.sees("Metro EMS has told us that you left, so nothing is synced any more.")
    connected.tab.fit("deactivated")
    connected.user.keeps("Medic 1 Day", "Medic 2 Day", "Medic 3 Day")


def test_googles_limit(connected: Person, google: Google) -> None:
    """It says until when, and goes on by itself."""
    fault = google.fault(
        "status",
        account=connected.user.account,
        method="events.*",
        status=403,
        reason="quotaExceeded",
        message="Calendar usage limits exceeded.",
    )
    try:
        add_a_shift(connected)
        expect(connected.how).to_have_text(re.compile(r"^Waiting for Google's limit until about "))
        connected.tab.sees("Google takes no more changes of your calendar for some hours.")
        connected.tab.fit("waiting-for-googles-limit")
    finally:
        google.mend(fault)


def test_markup_in_a_title(connected: Person) -> None:
    """What an agency writes is text."""
    user, evil = connected.user, "<img src=x onerror=alert(1)><b>Medic"
    user.agency.schedule(shift(f"{user.id}-4", user=user.id, title=evil, start=in_days(4), location=evil))
    expect(connected.page.get_by_role("heading", name=evil)).to_be_visible()
    assert connected.page.locator(".shifts img, .shifts b").count() == 0


def test_long_words(deployment: Deployment, tab: Tab) -> None:
    """Names and titles without a space break, and nothing sticks out of the screen."""
    user, long = deployment.newcomer(shifts=0), "Donaudampfschifffahrtsgesellschaft" * 5
    user.agency.schedule(
        shift(f"{user.id}-1", user=user.id, title=long, location=long, start=in_days(1)),
    )
    person = Person(deployment, user, tab)
    tab.open(deployment.link(user, name=long, agency_name=long))
    person.connect(f"Authorize {long} To Sync")
    tab.fit("long-words")


def test_link_that_was_used(new_person: NewPerson, deployment: Deployment, tab: Tab) -> None:
    """It works once; the page says what to do."""
    person = new_person(shifts=0)
    link = deployment.link(person.user)
    assert tab.open(link) == 200
    assert tab.open(link) == 401
    tab.sees("This link was used before. Each one works once.")
    tab.sees("Open the tab “Google Calendar Sync” in your agency's application once more.")
    tab.fit("link-used")


def test_link_that_is_too_old(new_person: NewPerson, deployment: Deployment, tab: Tab) -> None:
    """It says so."""
    past = datetime.now(UTC) - timedelta(minutes=10)
    issued = int(past.timestamp())
    assert tab.open(deployment.link(new_person(shifts=0).user, iat=issued, exp=issued + 120)) == 401
    tab.sees("This link has expired.")


def test_no_link_at_all(deployment: Deployment, tab: Tab) -> None:
    """Nobody comes in; the page says from where one does."""
    assert tab.open(deployment.portal.url) == 401
    tab.sees("This page opens from your agency's application only")
    tab.fit("no-link")


def test_leaving(connected: Person) -> None:
    """The visit ends; history brings nothing of it back."""
    connected.tab.press("Leave this page")
    connected.tab.sees("Your visit has ended")
    connected.page.go_back()
    connected.tab.sees(re.compile("Your visit has ended|This page opens from"))
    expect(connected.page.get_by_text("Medic 1 Day")).to_have_count(0)


def test_link_made_by_the_command(deployment: Deployment, tab: Tab) -> None:
    """`shiftcal portal link` lets its user in."""
    user = deployment.newcomer(shifts=0)
    said = deployment.world.must("portal", "link", user.agency.id, user.id, "--name", "Ben Ode").out
    link = next(word for word in said.split() if word.startswith("http"))
    assert tab.open(link) == 200
    tab.sees("Ben Ode, metro-ems")
