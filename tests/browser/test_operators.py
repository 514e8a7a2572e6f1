"""The operators' pages in a browser: what a user sees while an operator decides, and every page fit to be seen."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NewPerson
from tests.browser.deployment import WARY_NAME, Deployment
from tests.browser.tab import DESK, PHONE, Tab
from tests.e2e.world import User


@pytest.fixture
def office(deployment: Deployment, tab: Tab) -> Tab:
    """An operator's tab."""
    operator = User(deployment.agency, "operator")
    assert tab.open(deployment.link(operator, "Olga Reyes", role="operator")) == 200
    expect(tab.page.get_by_role("heading", name="How it stands")).to_be_visible()
    return tab


def test_removals_that_wait_for_an_operator(
    new_person: NewPerson, office: Tab, deployment: Deployment
) -> None:
    """The user is told why nothing is removed; the operator is asked once, releases, and the log names who did."""
    person = new_person(agency=deployment.wary)
    person.connect(f"Authorize {WARY_NAME} To Sync To Your Google Calendar")
    deployment.wary.unpublish(2)
    person.stands("Waiting")
    person.tab.sees("Many of your events would be removed at once, so your agency has to confirm that first.")
    person.tab.fit("held")
    person.user.shows("Medic 1 Day", "Medic 2 Day", "Medic 3 Day")

    office.press("Held removals")
    expect(office.page.get_by_text("county-ems/ops")).to_be_visible()
    office.fit("operators-held", DESK, PHONE)
    office.press("Release everybody ...")
    office.sees("Events that will be removed from Google calendars: 3. Users who have them: 1.")
    office.fit("operators-release", DESK, PHONE)
    office.page.get_by_role("button", name="Release", exact=True).click()
    office.sees("Everybody is being released from the un-publish of county-ems/ops.")

    person.stands("In step")
    person.user.shows()
    office.press("Audit log")
    expect(office.page.get_by_role("row", name="county-ems")).to_contain_text("operator")
    office.fit("operators-audit", DESK, PHONE)


def test_overview_and_a_user(new_person: NewPerson, office: Tab) -> None:
    """From the numbers of everybody to one person, in two clicks, and no shift on the way."""
    person = new_person()
    person.connect()
    office.page.reload()
    expect(office.page.get_by_role("img", name="Latency of the last hour")).to_be_visible()
    office.sees("changes reached Google.")
    office.fit("operators-overview", DESK, PHONE)
    office.press("Users")
    office.page.get_by_label("Part of the user's id or Google account").fill(person.user.account)
    office.press("Search")
    office.fit("operators-users", DESK, PHONE)
    office.press(f"metro-ems/{person.user.id}")
    expect(office.page.locator(".big")).to_have_text("in step")
    office.fit("operators-user", DESK, PHONE)
    expect(office.page.get_by_text("Medic")).to_have_count(0)
    office.press("Lag")
    office.fit("operators-lag", DESK, PHONE)


def test_dead_letter(office: Tab, deployment: Deployment) -> None:
    """What could not be read, why, and once more: asked before it is sent again."""
    deployment.world.send("user-deactivated", b'{"agency_id": "metro-ems", "user_id": 7}')
    office.press("Dead letters")
    _reload_until(office, "user-deactivated")
    office.fit("operators-letters", DESK, PHONE)
    office.page.locator("tbody a").first.click()
    office.sees("What is wrong")
    office.fit("operators-letter", DESK, PHONE)
    office.press("Send it again ...")
    office.fit("operators-redrive", DESK, PHONE)
    office.page.get_by_role("button", name="Send again").click()
    office.sees("was sent again.")


def test_user_who_knows_the_operators_address(new_person: NewPerson) -> None:
    """It is no page of theirs."""
    person = new_person(shifts=0)
    assert person.tab.open(f"{person.deployment.portal.url}/operators") == 403
    person.tab.sees("This page is for operators.")


def _reload_until(tab: Tab, text: str) -> None:
    for _ in range(50):
        if tab.page.get_by_text(text).count():
            return
        tab.page.reload()
    pytest.fail(f"{text!r} never stood there")
