"""Google's stand-in in a browser: what the portal's tests rely on."""

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Route

from sandbox.google.scopes import EVENTS_OWNED
from tests.browser.conftest import NewTab
from tests.browser.google import allow, cancel, choose, tick_all
from tests.browser.tab import PHONE, Tab
from tests.e2e.google import Google

BACK = "http://127.0.0.1:9/back"


def visit(tab: Tab, google: Google) -> None:
    """Come from a client, which shows what it got back."""
    asked = {
        "client_id": "Shiftcal",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": f"openid email {EVENTS_OWNED}",
        "state": "s",
    }

    def answer(route: Route) -> None:
        route.fulfill(body="<!DOCTYPE html><title>back</title>", content_type="text/html")

    tab.page.route(f"{BACK}*", answer)
    tab.open(f"{google.url}/o/oauth2/v2/auth?{urlencode(asked)}")


def back(tab: Tab) -> dict[str, str]:
    """The parameters that came back to the client."""
    tab.page.wait_for_url(f"{BACK}*")
    return {name: values[0] for name, values in parse_qs(urlsplit(tab.page.url).query).items()}


def test_allow(tab: Tab, google: Google) -> None:
    """Account, boxes, Allow: the browser follows the redirect to the client, policy or not."""
    visit(tab, google)
    tab.fit("google-chooser")
    choose(tab.page, "allow@example.com")
    tab.fit("google-consent")
    tick_all(tab.page)
    allow(tab.page)
    got = back(tab)
    assert (set(got), EVENTS_OWNED in got["scope"]) == ({"state", "code", "scope"}, True)


@pytest.mark.parametrize("scripts", [True, False])
def test_cancel_on_a_phone(new_tab: NewTab, google: Google, scripts: bool) -> None:  # noqa: FBT001 - a parameter
    """Cancel: no code; a page needs no script."""
    tab = new_tab(viewport=PHONE, java_script_enabled=scripts)
    visit(tab, google)
    choose(tab.page, "cancel@example.com")
    cancel(tab.page)
    assert back(tab) == {"state": "s", "error": "access_denied"}
