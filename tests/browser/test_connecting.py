"""Authorize: to Google and back, whatever the person does there."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from tests.browser import google as at_google
from tests.browser.conftest import NewPerson, NewTab
from tests.browser.deployment import Deployment
from tests.browser.person import STOP, Person
from tests.browser.tab import DESK, PHONE
from tests.e2e.google import Google

#: From the click on Allow until the page says "In step".
QUICK_S = 3.0


def test_from_the_link_to_in_step(anna: Person) -> None:
    """The page promises, Google asks, the test of the calendar goes well, and the shifts stand there with their why."""
    anna.stands("Not connected")
    anna.tab.sees("We never see your Google password.")
    anna.tab.sees("Classes and training are not synced.")
    anna.tab.fit("not-connected", DESK, PHONE)
    anna.go_to_google()
    anna.allow()
    anna.is_told(f"You are connected as {anna.user.account}. The test of your calendar went well.")
    anna.stands("In step")
    anna.user.shows("Medic 1 Day", "Medic 2 Day", "Medic 3 Day")
    shifts = anna.page.locator(".shifts li")
    expect(shifts.locator(".place")).to_have_text(["in Google"] * 3)
    shifts.first.get_by_text("Why is this here?").click()
    expect(shifts.first.get_by_text("From calendar ops, version 1 of the shift.")).to_be_visible()
    expect(anna.page.get_by_text("It took")).to_be_visible()
    anna.tab.fit("in-step", DESK, PHONE)


def test_sixty_published_shifts(new_person: NewPerson, deployment: Deployment) -> None:
    """All of them stand in Google, and the page says so, within three seconds of Allow."""
    person = new_person(shifts=60)
    deployment.world.settle()
    person.go_to_google()
    at_google.tick_all(person.page)
    began = time.monotonic()
    at_google.allow(person.page)
    person.how.filter(has_text="In step").wait_for()
    took = time.monotonic() - began
    print(f"60 shifts, from Allow to In step: {took:.2f} s")
    assert len(person.user.titles()) == 60
    assert took < QUICK_S


def test_progress_on_a_phone(new_tab: NewTab, deployment: Deployment) -> None:
    """While Google is slow the page counts."""
    tab = new_tab(viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    person = Person(deployment, deployment.newcomer(40, account="anna.berg@example.com"), tab)
    person.enter()
    tab.picture("readme-connect")
    with person.user.slow(150):
        person.go_to_google()
        person.allow()
        expect(person.how).to_have_text(re.compile(r"^Syncing ([1-9]|[123]\d) of 40$"))
        tab.picture("readme-syncing")
        tab.fit("syncing")
    person.stands("In step")
    tab.page.evaluate("document.querySelector('.state').scrollIntoView()")
    tab.picture("readme-in-step")


def test_refusal(anna: Person, google: Google) -> None:
    """Cancel at Google: nothing is connected, and the page says so without blame."""
    anna.go_to_google()
    at_google.cancel(anna.page)
    anna.is_told("You did not allow it at Google, so nothing was connected and nothing has changed.")
    anna.stands("Not connected")
    anna.tab.fit("refused")
    assert google.grants(anna.user.account) == 0


def test_a_box_that_was_not_ticked(anna: Person, google: Google) -> None:
    """Nothing is half-connected: the page explains the box, the grant is given back, and the second try works."""
    anna.go_to_google()
    at_google.allow(anna.page)
    anna.is_told("its box was not ticked. Nothing was connected.")
    anna.stands("Not connected")
    anna.tab.fit("partial-consent")
    assert google.grants(anna.user.account) == 0
    anna.connect()


def test_two_tabs(anna: Person) -> None:
    """One is authorized, the other follows by itself; what was begun in both ends well in both."""
    other = Person(anna.deployment, anna.user, type(anna.tab)(anna.page.context.new_page()))
    third = Person(anna.deployment, anna.user, type(anna.tab)(anna.page.context.new_page()))
    for each in (other, third):
        each.tab.open(anna.deployment.portal.url)
        each.stands("Not connected")
    third.go_to_google()
    anna.connect()
    other.stands("In step")
    expect(other.tab.button(STOP)).to_be_visible()
    third.allow()
    third.is_told("You are connected as")
    for each in (anna, other, third):
        each.stands("In step")
        assert each.tab.complaints == []
    anna.user.keeps("Medic 1 Day", "Medic 2 Day", "Medic 3 Day")


def test_back_button(connected: Person) -> None:
    """The answer of Google's works once: coming back to it changes nothing, and the page stands as it stood."""
    connected.page.go_back()
    expect(connected.page.get_by_role("button", name="Allow")).to_be_visible()
    connected.allow()
    connected.tab.sees("This answer of Google's belongs to no authorization that is under way here")
    connected.tab.fit("used-answer")
    connected.tab.press("Back to Google Calendar Sync")
    connected.stands("In step")
    assert connected.deployment.google.grants(connected.user.account) > 0
