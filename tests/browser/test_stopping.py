"""Stop and re-sync: the two other buttons, what they leave at Google, and what they say of it."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.person import AUTHORIZE, RESYNC, STOP, Person
from tests.e2e.google import Google
from tests.e2e.messages import in_days, timed

PERMISSIONS = "https://myaccount.google.com/permissions"


def test_stop_and_leave_the_events(connected: Person, google: Google) -> None:
    """Nothing moves in the calendar; the grant is gone at Google, which the page says and lets one look at. History
    brings nothing back that is over.
    """
    connected.tab.press(STOP)
    connected.stands("Stopped")
    connected.tab.sees("Our access is erased here and revoked at Google.")
    link = connected.page.get_by_role("link", name="Google's permission page").first
    assert link.get_attribute("href") == PERMISSIONS
    connected.tab.fit("stopped")
    assert google.grants(connected.user.account) == 0
    connected.page.go_back()
    connected.page.go_forward()
    connected.stands("Stopped")
    expect(connected.tab.button(AUTHORIZE)).to_be_visible()
    expect(connected.page.get_by_role("button", name=STOP)).to_have_count(0)
    connected.user.keeps("Medic 1 Day", "Medic 2 Day", "Medic 3 Day")


def test_stop_and_remove_ours(connected: Person, google: Google) -> None:
    """Ours go, what the person made stays, and so does the way back."""
    google.add(connected.user.account, {"summary": "Dentist", **timed(in_days(1), hours=1)})
    connected.page.get_by_label("Remove them").check()
    connected.tab.press(STOP)
    connected.is_told("You asked us to stop and to remove our events.")
    connected.stands("Stopped")
    connected.tab.sees("Our access is erased here and revoked at Google.")
    connected.user.shows("Dentist")
    connected.tab.fit("stopped-and-removed")
    assert google.grants(connected.user.account) == 0
    connected.connect()
    connected.user.shows("Dentist", "Medic 1 Day", "Medic 2 Day", "Medic 3 Day")


def test_resync(connected: Person, google: Google) -> None:
    """What was deleted by hand comes back, and the page says so; asked again at once it says when, and is no error."""
    user = connected.user
    google.delete(user.account, user.id_of(f"{user.id}-2"))
    google.alter(user.account, user.id_of(f"{user.id}-3"), {"summary": "Something else"})
    connected.tab.press(RESYNC)
    connected.tab.sees(
        "We looked at your Google Calendar and repaired it: 1 event was put back, 1 was put right."
    )
    connected.stands("In step")
    connected.tab.fit("re-synced")
    user.keeps("Medic 1 Day", "Medic 2 Day", "Medic 3 Day")
    connected.tab.press(RESYNC)
    connected.is_told("We looked at your calendar a moment ago. You can ask again in")
    connected.stands("In step")
    connected.tab.fit("cool-down")
