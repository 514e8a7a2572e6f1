"""Every way to the same end: a phone, no scripts, a keyboard alone, Spanish, a slow line."""

from __future__ import annotations

from html import escape
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser import google as at_google
from tests.browser.conftest import NewPerson
from tests.browser.deployment import HOST, LIBERAL_NAME, OWN_NAME, Deployment
from tests.browser.person import AUTHORIZE, RESYNC, STOP, Person
from tests.browser.tab import PHONE, Tab
from tests.e2e.google import Google
from tests.e2e.waiting import eventually

LIGHT_BYTES = 50_000
_TABS = 40


def test_a_phone(new_person: NewPerson) -> None:
    """Everything is within reach of a thumb: connect, look, re-sync, stop."""
    person = new_person(viewport=PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    for button in person.page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 24, button.inner_text()  # WCAG 2.2, 2.5.8
    expect(person.tab.button(AUTHORIZE)).to_be_in_viewport(ratio=1)
    person.connect()
    person.tab.press(RESYNC)
    person.tab.sees("everything was in place")
    person.tab.press(STOP)
    person.stands("Stopped")
    person.tab.holds("stopped")


def test_without_scripts(new_person: NewPerson) -> None:
    """The page looks again by itself while something is under way, and every button works."""
    person = new_person(java_script_enabled=False)
    person.connect()
    person.tab.press(RESYNC)
    person.tab.sees("We looked at your Google Calendar: everything was in place.")
    person.tab.press(STOP)
    person.stands("Stopped")
    expect(person.tab.button(AUTHORIZE)).to_be_visible()


def test_a_keyboard_alone(new_person: NewPerson) -> None:
    """Connect and stop without a pointer; where one is can always be seen, and the page can be skipped to."""
    person = new_person()
    page = person.page
    page.keyboard.press("Tab")
    assert _focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    _go_to(page, AUTHORIZE)
    page.keyboard.press("Enter")
    page.get_by_label("Use another account").wait_for()
    _go_to(page, "Use another account")
    page.keyboard.type(person.user.account)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Allow").wait_for()
    _go_to(page, "See, create, change, and delete events")
    page.keyboard.press("Space")
    _go_to(page, "Allow")
    page.keyboard.press("Enter")
    person.stands("In step")
    _go_to(page, "Why is this here?")
    page.keyboard.press("Enter")
    person.tab.sees("From calendar ops, version 1 of the shift.")
    _go_to(page, "Leave them in my calendar")
    page.keyboard.press("ArrowDown")
    _go_to(page, STOP)
    page.keyboard.press("Enter")
    person.stands("Stopped")
    person.user.shows()


def test_spanish(new_person: NewPerson) -> None:
    """The browser's language is spoken from the start; the other one is a click away, and is remembered."""
    person = new_person(locale="es-ES")
    html = person.page.locator("html")
    expect(html).to_have_attribute("lang", "es")
    person.tab.fit("spanish-not-connected")
    button = person.page.locator("button.main").inner_text()
    person.connect(button, "Al día")
    person.tab.fit("spanish-in-step")
    person.tab.press("English")
    expect(html).to_have_attribute("lang", "en")
    person.page.reload()
    person.stands("In step")


def test_a_calendar_of_its_own(new_person: NewPerson, deployment: Deployment, google: Google) -> None:
    """An agency may want one: it is made once, named after the agency, and nothing else is touched."""
    person = new_person(agency=deployment.own_agency)
    button = f"Authorize {OWN_NAME} To Sync To Your Google Calendar"
    person.connect(button)
    person.tab.sees(f"Its own calendar, {OWN_NAME}")
    person.tab.fit("own-calendar")
    assert google.events(person.user.account) == []
    person.tab.press(STOP)
    person.stands("Stopped")
    person.connect(button)
    assert _calls(google, person, "calendars.insert") == 1


def test_inside_the_host_application(deployment: Deployment, tab: Tab) -> None:
    """The page works in its frame; Google, which lets nobody frame it, gets the whole window."""
    person = Person(deployment, deployment.newcomer(), tab)
    _framed(tab, HOST, deployment.link(person.user))
    inside = tab.page.frame_locator("iframe")
    expect(inside.locator(".state .big")).to_have_text("Not connected")
    inside.get_by_role("button", name=AUTHORIZE).click()
    at_google.choose(tab.page, person.user.account)
    person.allow()
    person.stands("In step")


def test_inside_somebody_elses_page(deployment: Deployment, tab: Tab) -> None:
    """The browser shows nothing of it."""
    _framed(tab, HOST.replace("127.0.0.1", "localhost"), deployment.link(deployment.newcomer(shifts=0)))
    tab.expects("frame-ancestors")
    expect(tab.page.frame_locator("iframe").get_by_text("Google Calendar Sync")).to_have_count(0)


def test_how_events_look(new_person: NewPerson, deployment: Deployment, google: Google) -> None:
    """Where the agency leaves it to people, they choose, and what stands in Google follows."""
    person = new_person(agency=deployment.liberal)
    expect(person.page.get_by_label("Your main calendar")).to_be_checked()
    person.tab.fit("which-calendar")
    person.connect(f"Authorize {LIBERAL_NAME} To Sync To Your Google Calendar")
    person.page.get_by_label("Colour").select_option("Tangerine")
    person.page.get_by_label("What they tell").select_option("The title alone")
    person.page.get_by_label("Show me as").select_option("Free")
    person.tab.press("Save")
    expect(person.page.get_by_label("Colour")).to_have_value("tangerine")

    def seen() -> list[tuple[object, ...]]:
        events = google.events(person.user.account)
        return [tuple(one.get(name) for name in ("colorId", "location", "transparency")) for one in events]

    wanted = [("6", None, "transparent")] * 3
    assert eventually(seen, lambda found: found == wanted) == wanted
    person.stands("In step")
    person.tab.fit("how-events-look")


def test_a_slow_line(new_person: NewPerson) -> None:
    """The whole page, live part and all, weighs less than a small picture."""
    person = new_person(shifts=60)
    person.connect()
    network = person.page.context.new_cdp_session(person.page)
    weight = {"bytes": 0}
    network.on("Network.dataReceived", lambda seen: weight.update(bytes=weight["bytes"] + seen["dataLength"]))
    network.on("Network.responseReceived", lambda seen: weight.update(bytes=weight["bytes"] + _head(seen)))
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    person.page.reload()
    person.stands("In step")
    person.page.wait_for_timeout(500)  # the stream's first event
    print(f"the page with everything it loads: {weight['bytes']:,} bytes")
    assert 5_000 < weight["bytes"] < LIGHT_BYTES


def _framed(tab: Tab, host: str, link: str) -> None:
    page = (
        f'<!DOCTYPE html><title>Host</title><iframe src="{escape(link)}" width="900" height="700"></iframe>'
    )
    tab.page.route(f"{host}/*", lambda route: route.fulfill(body=page, content_type="text/html"))
    tab.open(f"{host}/")


def _head(seen: dict[str, Any]) -> int:
    return sum(len(f"{name}: {value}\r\n") for name, value in seen["response"]["headers"].items())


def _calls(google: Google, person: Person, method: str) -> int:
    mine = [one for one in google.journal() if one["account"] == person.user.account]
    return sum(one["method"] == method for one in mine)


def _focused(page: Page) -> str:
    """The text, or the label, of what has the focus; it has a visible outline."""
    found = page.evaluate(
        """() => {
            const at = document.activeElement;
            const label = at.labels && at.labels.length ? at.labels[0].innerText : at.innerText;
            return [label.trim(), getComputedStyle(at).outlineStyle];
        }"""
    )
    assert found[1] != "none", f"nobody sees that {found[0]!r} has the focus"
    return str(found[0])


def _go_to(page: Page, name: str) -> None:
    """Press Tab until this has the focus."""
    for _ in range(_TABS):
        page.keyboard.press("Tab")
        if name in _focused(page):
            return
    raise AssertionError(f"no Tab leads to {name!r}")
