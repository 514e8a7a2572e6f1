"""What other processes may do through the admin routes."""

from __future__ import annotations

from urllib.parse import quote

import aiohttp
import pytest

from sandbox.google import StandIn
from tests.sandbox.google.client import ID, Client, all_day, read, timed, without_id
from tests.sandbox.google.conftest import ANNA

EVENTS = f"calendars/{quote(ANNA)}/events"


@pytest.fixture
async def outside(standin: StandIn, session: aiohttp.ClientSession) -> Client:
    """A client that knows only the address."""
    client = Client(session, standin.url, "")
    made = (await client.admin("POST", "accounts", {"account": ANNA, "time_zone": "America/New_York"})).json
    client.token = made["access_token"]
    return client


async def test_new_account(outside: Client) -> None:
    """Its tokens work at once, its zone is that of its calendar."""
    reply = await outside.admin("POST", "accounts", {"account": "cy@metro.example", "scopes": ["s1", "s2"]})
    assert (reply.json["calendar_id"], reply.json["scope"]) == ("cy@metro.example", "s1 s2")
    assert (await outside.listing()).json["timeZone"] == "America/New_York"
    form = {
        "grant_type": "refresh_token",
        "refresh_token": reply.json["refresh_token"],
        "client_id": "any",
        "client_secret": "any",
    }
    async with outside.session.post(f"{outside.url}/token", data=form) as response:
        assert (await read(response)).json["scope"] == "s1 s2"


async def test_users_own_hand(outside: Client) -> None:
    """The user makes, alters, recolours and deletes events; etags move, the journal stays empty."""
    foreign = (await outside.admin("POST", EVENTS, without_id(all_day(summary="Dentist")))).json
    ours = (await outside.insert(timed())).json
    coloured = (await outside.admin("PATCH", f"{EVENTS}/{ID}", {"colorId": "5"})).json
    assert (coloured["colorId"], coloured["etag"] != ours["etag"]) == ("5", True)
    assert (await outside.patch({}, headers={"If-Match": ours["etag"]})).status == 412
    assert (await outside.admin("DELETE", f"{EVENTS}/{ID}")).status == 200
    assert (await outside.get()).json["status"] == "cancelled"
    standing = (await outside.admin("GET", EVENTS)).json["items"]
    everything = (await outside.admin("GET", EVENTS, params={"deleted": "1"})).json["items"]
    assert [item["id"] for item in standing] == [foreign["id"]]
    assert [item["id"] for item in everything] == [foreign["id"], ID]
    methods = (await outside.admin("GET", "stats")).json["committed"]
    assert methods == {"events.insert": 1}


async def test_user_puts_an_event(outside: Client) -> None:
    """PUT makes it, or replaces it, and brings a cancelled one back."""
    made = await outside.admin("PUT", f"{EVENTS}/{ID}", without_id(timed(colorId="5")))
    await outside.admin("DELETE", f"{EVENTS}/{ID}")
    again = await outside.admin("PUT", f"{EVENTS}/{ID}", without_id(timed()))
    assert (made.json["colorId"], again.json["status"], "colorId" in again.json) == ("5", "confirmed", False)
    assert (await outside.admin("GET", f"{EVENTS}/{ID}")).json == again.json


async def test_burnt_and_purged(outside: Client) -> None:
    """Ids can be burnt, freed, and wiped from outside."""
    await outside.admin("PUT", f"calendars/{quote(ANNA)}/burnt/{ID}", {"how": "gone"})
    assert (await outside.insert(timed())).status == 409
    await outside.admin("PUT", f"calendars/{quote(ANNA)}/burnt/{ID}", {"how": None})
    assert (await outside.insert(timed())).status == 200
    await outside.admin("DELETE", f"{EVENTS}/{ID}", params={"purge": "1"})
    assert (await outside.insert(timed())).status == 200


async def test_secondary_calendar(outside: Client) -> None:
    """A calendar of the user's own making, shared with another account."""
    body = {"account": ANNA, "summary": "Team", "id": "team", "shared_with": ["ben@metro.example"]}
    assert (await outside.admin("POST", "calendars", body)).json == {"id": "team"}
    assert (await outside.insert(timed(), calendar="team")).status == 200
    ben = (await outside.admin("POST", "accounts", {"account": "ben@metro.example"})).json
    other = Client(outside.session, outside.url, ben["access_token"])
    assert len((await other.listing(calendar="team")).json["items"]) == 1


async def test_journal_in_portions(outside: Client) -> None:
    """`next` is where to go on; method and account narrow it down."""
    for _ in range(3):
        await outside.listing()
    await outside.insert(timed())
    first = (await outside.admin("GET", "journal", params={"limit": "2"})).json
    rest = (await outside.admin("GET", "journal", params={"since": str(first["next"])})).json
    assert [entry["index"] for entry in first["entries"] + rest["entries"]] == [0, 1, 2, 3]
    assert rest["next"] == 4
    inserts = (
        await outside.admin("GET", "journal", params={"method": "events.insert", "account": ANNA})
    ).json
    assert [(entry["event_id"], entry["status"]) for entry in inserts["entries"]] == [(ID, 200)]


async def test_stats(outside: Client) -> None:
    """Calls, commits, violations, load."""
    await outside.insert(timed())
    await outside.insert({**timed(), "sumary": "typo"})
    stats = (await outside.admin("GET", "stats")).json
    assert stats["calls"] == {"events.insert": {"200": 1, "400": 1}}
    assert (stats["committed"], stats["duplicate_inserts"]) == ({"events.insert": 1}, [])
    assert (len(stats["violations"]), stats["overlaps"], stats["entries"]) == (1, [], 2)
    assert stats["quota"]["user_peaks"] == {ANNA: 2}


async def test_event_inserted_twice_for_good(outside: Client) -> None:
    """An id that was purged and inserted again shows as a duplicate insert."""
    await outside.insert(timed())
    await outside.admin("DELETE", f"{EVENTS}/{ID}", params={"purge": "1"})
    await outside.insert(timed())
    assert (await outside.admin("GET", "stats")).json["duplicate_inserts"] == [[ANNA, ID]]


async def test_faults_from_outside(outside: Client) -> None:
    """Set one or several, watch their hits, lift one or all."""
    rules = [{"kind": "status", "status": 500, "times": 1}, {"kind": "html", "method": "events.get"}]
    first, second = (await outside.admin("POST", "faults", rules)).json["faults"]
    assert [(await outside.listing()).status for _ in range(2)] == [500, 200]
    assert (await outside.admin("GET", "faults")).json["faults"][0]["hits"] == 1
    left = (await outside.admin("DELETE", f"faults/{first['id']}")).json["faults"]
    assert [fault["id"] for fault in left] == [second["id"]]
    assert (await outside.admin("DELETE", "faults")).json == {"faults": []}


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"kind": "meteor"},
        {"kind": "drop", "tiems": 1},
        {"kind": "drop", "times": "1"},
        {"kind": "drop", "hits": 1},
    ],
)
async def test_fault_that_is_none(outside: Client, rule: dict[str, object]) -> None:
    """A misspelt rule is refused: a test must not pass because its fault never happened."""
    assert (await outside.admin("POST", "faults", rule)).status == 400
    assert (await outside.admin("GET", "faults")).json == {"faults": []}


async def test_quota_from_outside(outside: Client) -> None:
    """Limits can be set and lifted."""
    reply = await outside.admin("PUT", "quota", {"user_per_minute": 1, "shape": "429"})
    assert (reply.json["user_per_minute"], reply.json["project_per_minute"]) == (1, None)
    assert [(await outside.listing()).status for _ in range(2)] == [200, 429]
    await outside.admin("PUT", "quota", {"user_per_minute": None})
    assert (await outside.listing()).status == 200


async def test_settings_from_outside(standin: StandIn, outside: Client) -> None:
    """Every switch is within reach, and a misspelt one is refused."""
    settings = {
        "latency_ms": 5.0,
        "check": False,
        "keep_bodies": True,
        "consent_page": True,
        "access_token_lifetime_s": 60,
        "forbid_blind_revival": True,
        "bare_cancelled": True,
        "page_cap": 2,
        "empty_pages": True,
    }
    assert (await outside.admin("PUT", "settings", settings)).json == settings
    assert (standin.latency_ms, standin.state.switches.page_cap, standin.core.discovery) == (5.0, 2, None)
    for wrong in ({"page_cpa": 2}, {"page_cap": "2"}, {"empty_pages": 1}, {"consent_page": 1}):
        assert (await outside.admin("PUT", "settings", wrong)).status == 400


async def test_account_in_trouble(outside: Client) -> None:
    """Properties stripped, consent narrowed, tokens expired, grant taken back."""
    path = f"accounts/{quote(ANNA)}"
    change = {"strip_extended_properties": True, "granted_scopes": ["s1"]}
    altered = (await outside.admin("PATCH", path, change)).json
    assert (altered["strip_extended_properties"], altered["granted_scopes"]) == (True, ["s1"])
    await outside.insert(timed(extendedProperties={"private": {"a": "b"}}))
    assert "extendedProperties" not in (await outside.get()).json
    await outside.admin("POST", f"{path}/expire")
    assert (await outside.listing()).status == 401
    await outside.admin("POST", f"{path}/invalidate")
    assert (await outside.admin("GET", "accounts")).json["accounts"][0]["refresh_tokens"] == 0
    assert (await outside.admin("POST", "accounts/nobody/expire")).status == 404


async def test_invalid_grant_with_a_living_access_token(outside: Client) -> None:
    """Google may let the access token live on for a while."""
    await outside.admin("POST", f"accounts/{quote(ANNA)}/invalidate", {"access_tokens": False})
    assert (await outside.listing()).status == 200


async def test_consent_decided_from_outside(standin: StandIn, outside: Client) -> None:
    """The next visit of the consent page goes as queued; clients can be made known."""
    assert (await outside.admin("POST", "consents", {"account": ANNA, "deny": True})).json == {"queued": 1}
    await outside.admin("PUT", "clients", {"shiftcal": "secret"})
    assert (standin.core.choices[0].deny, standin.grants.clients) == (True, {"shiftcal": "secret"})


async def test_sync_tokens_expired_from_outside(outside: Client) -> None:
    """Tokens given so far are 410."""
    token = (await outside.listing()).json["nextSyncToken"]
    await outside.admin("POST", "sync-tokens/expire")
    assert (await outside.listing(syncToken=token)).status == 410


async def test_reset(outside: Client) -> None:
    """Of the journal alone, or of everything."""
    await outside.insert(timed())
    await outside.admin("POST", "reset", {"journal_only": True})
    assert (await outside.admin("GET", "journal")).json == {"next": 0, "entries": []}
    assert await outside.ids() == [ID]
    await outside.admin("POST", "faults", {"kind": "drop"})
    await outside.admin("POST", "reset")
    assert (await outside.admin("GET", "accounts")).json == {"accounts": []}
    assert (await outside.listing()).status == 401
    assert (await outside.admin("GET", "faults")).json == {"faults": []}


@pytest.mark.parametrize(
    "body", [{}, {"account": "no address"}, {"account": "a@b", "time_zone": "Mars/Base"}, [1]]
)
async def test_admin_body_of_no_use(outside: Client, body: object) -> None:
    """A sentence says what was wrong."""
    reply = await outside.admin("POST", "accounts", body)
    assert (reply.status, bool(reply.json["error"]["message"])) == (400, True)


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_admin_route_called_by_a_foreign_page(outside: Client, headers: dict[str, str]) -> None:
    """Neither another site nor a re-bound name gets in."""
    assert (await outside.admin("POST", "reset", headers=headers)).status == 403
    assert (await outside.listing()).status == 200
