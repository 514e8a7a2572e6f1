"""Our discovery document says nothing that Google's own does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import googleapiclient
import orjson
import pytest

from gcal.discovery import document
from gcal.port import EVENT_SCOPES, SCOPE_APP_CREATED, SCOPE_EVENTS
from gcal.requests import Requests
from schemas.mutations import EventBody
from tests.gcal.contract import LONG_AGO, get, insert, patch, remove

URL = "http://127.0.0.1:1"
RESOURCES = document(URL)["resources"]
OURS = RESOURCES["events"]["methods"]
ALL = [(resource, name) for resource in RESOURCES for name in RESOURCES[resource]["methods"]]


def _google() -> EventBody:
    folder = Path(str(googleapiclient.__file__)).parent / "discovery_cache" / "documents"
    whole: EventBody = orjson.loads((folder / "calendar.v3.json").read_bytes())
    return whole


GOOGLES = _google()


@pytest.mark.parametrize(("resource", "name"), ALL)
def test_a_method(resource: str, name: str) -> None:
    """Path, verb, order and parameters are Google's; scopes are some of Google's."""
    ours = RESOURCES[resource]["methods"][name]
    googles = GOOGLES["resources"][resource]["methods"][name]
    for field in ("id", "httpMethod", "path"):
        assert ours[field] == googles[field]
    assert ours["parameterOrder"] == googles.get("parameterOrder", [])
    assert set(ours["scopes"]) <= set(googles["scopes"])
    for word, described in ours["parameters"].items():
        googles_own = googles["parameters"][word]
        assert {key: googles_own.get(key) for key in described} == described
        assert described.get("required") == googles_own.get("required")
        assert described.get("repeated") == googles_own.get("repeated")


def test_the_place_of_the_api() -> None:
    """Below the root everything is where Google has it, and the root is ours to choose."""
    ours = document(URL)
    assert ours["servicePath"] == GOOGLES["servicePath"]
    assert ours["rootUrl"] == URL + "/"
    assert document(URL + "/")["rootUrl"] == URL + "/"


def test_the_scopes_that_allow_every_call() -> None:
    """Each of them allows every method about events."""
    for name in OURS:
        assert set(GOOGLES["resources"]["events"]["methods"][name]["scopes"]) >= EVENT_SCOPES
    assert {SCOPE_EVENTS, SCOPE_APP_CREATED} < EVENT_SCOPES


def test_two_documents() -> None:
    """They share nothing, since aiogoogle writes into the one that it is given."""
    Requests(URL).of("primary", insert())
    assert document(URL) == document(URL)
    assert document(URL)["resources"]["events"]["methods"] == OURS


@pytest.mark.parametrize(
    ("call", "verb", "query"),
    [
        (insert(), "POST", [("sendUpdates", "none")]),
        (get(), "GET", []),
        (patch('"7"', {"location": None}), "PATCH", [("sendUpdates", "none")]),
        (remove('"7"'), "DELETE", [("sendUpdates", "none")]),
    ],
)
def test_a_request(call: Any, verb: str, query: list[tuple[str, str]]) -> None:
    """Writes are silent, what stands is written only if it is what we think, and bodies go out as they are."""
    request = Requests(URL).of("a/b@c#d", call)
    parts = urlsplit(request.url)
    assert request.method == verb
    assert parts.path.startswith("/calendar/v3/calendars/a%2Fb%40c%23d/events")
    assert parse_qsl(parts.query) == query
    assert request.headers == ({"If-Match": '"7"'} if verb in {"PATCH", "DELETE"} else {})
    assert request.json == getattr(call, "body", None)


def test_a_request_for_a_listing() -> None:
    """There is one constraint, the longest page, and no expansion; a first page has no token."""
    first = urlsplit(Requests(URL).listing("primary", "metro & ems", LONG_AGO, None).url)
    expected = [
        ("privateExtendedProperty", "bgsAgency=metro & ems"),
        ("timeMin", "2026-01-01T00:00:00Z"),
        ("maxResults", "2500"),
        ("showDeleted", "false"),
    ]
    assert first.path == "/calendar/v3/calendars/primary/events"
    assert parse_qsl(first.query) == expected
    following = urlsplit(Requests(URL).listing("primary", "metro & ems", LONG_AGO, "a/b+c=").url)
    assert parse_qsl(following.query) == [*expected, ("pageToken", "a/b+c=")]
