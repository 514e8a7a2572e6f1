"""What operators see: who stands how, what waits, and nobody's schedule."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition
from pydantic import SecretStr

from portal.operators.routes import routes
from sandbox.google import StandIn
from schemas.outputs import SyncStatus
from schemas.views import NextShift, View
from streams.cluster import Cluster
from streams.reach import broker_of
from tests.kafka import Kafka
from tests.portal.operators.office import AGENCY, Office, held_status, opened
from tests.portal.operators.world import now, result, status
from tests.postgres import Postgres
from vault import NewConnection

PAGES = [
    "/operators", "/operators/users", "/operators/user?agency=metro&user=ann", "/operators/lag", "/operators/held",
    "/operators/release?agency=metro&user=ann", "/operators/letters", "/operators/letter?number=0:0",
    "/operators/redrive?number=0:0", "/operators/audit",
]  # fmt: skip


def shift(title: str = "Medic 12 Day") -> NextShift:
    return NextShift(
        calendar_id="ops",
        shift_id="1",
        version=3,
        title=title,
        start=now() + timedelta(days=1),
        end=now() + timedelta(days=1, hours=8),
        time_zone="America/New_York",
        place="in_google",
    )


async def connected(office: Office, user: str = "ann") -> None:
    new = NewConnection(AGENCY, user, f"{user}@example.com", SecretStr("token"), ("calendar.events",))
    await office.world.vault.store(new, now())


async def test_agencies(office: Office) -> None:
    """How many users in which state, by agency, and what waits longest."""
    since = office.world.clock() - timedelta(minutes=7)
    await office.say(
        status("ann"),
        status("bob", "syncing", pending=3, oldest_pending_at=since),
        status("eve", "stopped", agency="lake"),
    )
    page = await office.get("")
    assert page.status == 200
    assert "metro 2 1 1 0 0 0 0 0 7 min" in page.said
    assert "lake 1 0 0 0 0 1 0 0 -" in page.said
    assert "Oldest waiting change 7 min metro/bob , syncing" in page.said
    assert "lake" not in (await office.get("", q="MET")).said
    assert "There is no such agency." in (await office.get("", q="nobody")).said


async def test_nobody_yet(office: Office) -> None:
    """An empty deployment has pages, too."""
    said = (await office.get("")).said
    assert "Nothing waits" in said
    assert "Nothing reached Google in the last hour." in said
    assert "SHIFTCAL_PORTAL_WORKERS names no workers" in said
    for path in ("/users", "/held", "/letters", "/audit", "/lag"):
        assert (await office.get(path)).status == 200


async def test_users_by_state_and_text(office: Office) -> None:
    """By agency, by state, by part of id or account, in any case of letters."""
    await connected(office)
    await office.say(status("ann"), status("bob", "paused"), status("ann", agency="lake"))

    async def users(**query: str) -> list[str]:
        said = (await office.get("/users", **query)).said
        return [name for name in ("metro/ann", "metro/bob", "lake/ann") if name in said]

    assert await users() == ["metro/ann", "metro/bob", "lake/ann"]
    assert await users(agency="metro") == ["metro/ann", "metro/bob"]
    assert await users(state="paused") == ["metro/bob"]
    assert await users(q="ANN@exam") == ["metro/ann"]
    assert await users(q="%") == []
    assert (await office.get("/users", state="happy")).status == 400


async def test_page_after_page(office: Office) -> None:
    """Every user comes once, fifty at a time."""
    await office.say(*(status(f"u{n:03}") for n in range(120)))
    seen: list[str] = []
    page = await office.get("/users", q="u")
    while True:
        seen += [word.removeprefix("metro/") for word in page.said.split() if word.startswith("metro/u")]
        if 'rel="next"' not in page.text:
            break
        link = page.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        page = await office.browser.get(link)
    assert seen == [f"u{n:03}" for n in range(120)]


async def test_a_user(office: Office) -> None:
    """State, problem, numbers, connection; no shift."""
    await connected(office)
    await office.say(held_status("ann"))
    await office.view(
        "ann", View(wanted=5, in_google=3, ahead=1, shifts=(shift(),), held={"ops": 3}, kept={"old": 1})
    )
    await office.tell(result(latency_ms=420))
    page = await office.get("/user", agency="metro", user="ann")
    for text in (
        "paused", "held: 3 removals wait.", "Should stand in Google 5", "Stand there 3", "3 events of ops",
        "1 event of old", "inserted", "420 ms", "ann@example.com", "live", "Release this user ...",
    ):  # fmt: skip
        assert text in page.said, text
    assert "Medic" not in page.text
    assert (await office.get("/user", agency="metro", user="nobody")).status == 404
    assert (await office.get("/user", agency="metro")).status == 400


async def test_no_list_shows_a_schedule(office: Office) -> None:
    """Titles stand in views, and on no page of an operator."""
    await office.say(held_status("ann"))
    await office.view("ann", View(ahead=1, shifts=(shift("Secret shift"),), held={"ops": 3}))
    for path in PAGES:
        assert "Secret shift" not in (await office.browser.get(path)).text, path


async def test_lag_by_partition(office: Office) -> None:
    """Committed against ends: what the group has not read is counted, what retention took is not."""
    topic, group = office.names.inputs[0], office.names.app_id
    for number in range(6):
        await office.sender.deliver(topic, b"metro/ops", str(number).encode())
    said = (await office.get("/lag")).said
    assert f"{topic}: 6" in said
    async with Cluster(broker_of(office.settings)) as cluster:
        tps = [TopicPartition(topic, number) for number in range(2)]
        ends = await cluster.ends(tps)
        full = next(tp for tp in tps if ends[tp] == 6)
        await _commit(office, group, full, 4)
    page = await office.get("/lag")
    assert f"{topic}: 2" in page.said
    assert f"{full.partition} 4 6 2" in page.said
    assert "Records not yet processed 2" in (await office.get("")).said


async def test_the_last_hour(office: Office) -> None:
    """Latency as a plot: shapes without style or script, and the same numbers in a table."""
    clock = office.world.clock()
    for minutes, latency in ((50, 100), (50, 180), (49, 400), (10, 90_000), (70, 5)):
        at = clock - timedelta(minutes=minutes)
        await office.tell(result(latency_ms=latency, at=at))
    page = await office.get("")
    assert "4 changes reached Google" in page.said
    assert page.text.count('<polyline class="median"') == 1
    assert page.text.count('<circle class="median"') == 1
    assert "style=" not in page.text
    assert "<style" not in page.text
    assert page.text.count("<script") == 1
    minute = (clock - timedelta(minutes=50)).strftime("%H:%M")
    assert f"{minute} 2" in page.said


async def test_a_portal_that_is_late(office: Office) -> None:
    """It is said on the first page."""
    assert "These pages are late" not in (await office.get("")).said
    freshness = office.world.parts.freshness
    office.world.clock.ahead = timedelta(0)
    freshness._fresh_at -= timedelta(minutes=5)
    assert "These pages are late" in (await office.get("")).said
    freshness.failed("no Kafka answers")
    assert "These pages have no news for now: no Kafka answers" in (await office.get("")).said


async def test_kafka_is_away(deaf: Office) -> None:
    """Pages come up with what the database holds, and say what they do not know."""
    await deaf.say(status("ann"))
    page = await deaf.get("")
    assert page.status == 200
    assert "metro 1 1" in page.said
    assert "no Kafka answers at 127.0.0.1:1" in page.said
    for path in ("/lag", "/letters"):
        page = await deaf.get(path)
        assert (page.status, "127.0.0.1:1" in page.said) == (200, True)
    assert (await deaf.get("/letter", number="0:0")).status == 503


@pytest.mark.parametrize("path", PAGES)
async def test_who_is_no_operator(office: Office, path: str) -> None:
    """A user is shown none of it, and somebody without a session neither."""
    await office.say(held_status("ann"))
    async with office.world.browser() as nobody:
        answer = await nobody.get(path)
        assert (answer.status, "metro/" in answer.said) == (401, False)
        await nobody.enter(agency="metro", user="ann")
        answer = await nobody.get(path)
        assert (answer.status, "metro/ann" in answer.said) == (403, False)
        assert "This page is for operators." in answer.said


@pytest.mark.parametrize("path", ["/operators/release", "/operators/redrive", "/operators/leave"])
async def test_forms_of_somebody_else(office: Office, path: str) -> None:
    """Without the token, with a stolen one, from another site, by a user: nothing is done."""
    await office.say(held_status("ann"))
    fields = {"agency": "metro", "user": "ann", "number": "0:0"}
    own = {"Origin": office.world.url}
    for headers, csrf in ((own, ""), (own, "guess"), ({"Origin": "https://evil.example"}, "")):
        answer = await office.browser.ask("POST", path, headers=headers, data=fields | {"csrf": csrf})
        assert answer.status == 403
    async with office.world.browser() as user:
        await user.enter(agency="metro", user="ann")
        page = await user.get("/")
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        assert (await user.ask("POST", path, headers=own, data=fields | {"csrf": csrf})).status == 403
    assert await office.audit() == []
    assert (await office.get("")).status == 200


async def test_markup_in_ids(office: Office) -> None:
    """Ids, errors and names are shown as what they are."""
    evil = "<img src=x onerror=alert(1)>"
    shown = SyncStatus(agency_id="a<b>&'\"", user_id=evil, state="paused")
    await office.say(shown, held_status(evil, "a<b>&'\""))
    for path in ("", "/users", "/held"):
        page = await office.get(path)
        assert (page.status, "<img" in page.text, "a<b>" in page.text) == (200, False, False)
    page = await office.get("/user", agency="a<b>&'\"", user=evil)
    assert (page.status, evil in page.said) == (200, True)
    assert "<img" not in page.text
    assert "<img" not in (await office.get("", q=evil)).text


async def test_another_language(office: Office) -> None:
    """Every page there is comes in Spanish, too."""
    await office.say(held_status("ann"))
    await office.view("ann", View(held={"ops": 3}))
    await office.tell(result())
    for path in PAGES:
        page = await office.browser.get(f"{path}{'&' if '?' in path else '?'}lang=es")
        assert 'lang="es"' in page.text
        assert "Shiftcal para operadores" in page.said


async def test_leaving(office: Office) -> None:
    """The session is over."""
    page = await office.get("")
    assert 'action="/operators/leave"' in page.text
    await office.post("/leave", page)
    assert (await office.get("")).status == 401


def test_nothing_is_missing() -> None:
    """Every address of the operators is for operators: each is among those that were tried above."""
    paths = {route.path for route in routes()}  # type: ignore[attr-defined]
    assert paths - {"/operators/leave"} == {path.partition("?")[0] for path in PAGES}


ODD = (
    "%00", "\x00", "..", "a/b", "a\x00/b", "/", "\ud7ff", "x" * 3000, "'; DROP TABLE audit; --", "🦀", "0:0", "\u0663:\u0661",
    "99999999999999999999:1", "999999999999999999:999999999999999999",
)  # fmt: skip
FIELDS = ("agency", "user", "q", "after", "number", "calendar", "state")


@pytest.mark.parametrize("database", [pytest.param("sqlite", marks=pytest.mark.long), "postgres"])
async def test_odd_addresses_and_forms(
    google: StandIn, kafka: Kafka, prefix: str, tmp_path: Path, request: pytest.FixtureRequest, database: str
) -> None:
    """Whatever stands in an address or a form, the answer is a page, and nothing is done."""
    with ExitStack() as stack:
        url = None
        if database == "postgres":
            server: Postgres = request.getfixturevalue("postgres")
            url = stack.enter_context(server.database())
        async with opened(google, kafka, prefix, tmp_path, database=url) as office:
            home = await office.enter()
            for path in ("", "/users", "/user", "/release", "/letter", "/redrive", "/audit"):
                for text in ODD:
                    query = dict.fromkeys(FIELDS[:-1], text)
                    assert (await office.get(path, **query)).status in {200, 400, 404, 409}, (path, text)
            for path in ("/release", "/redrive"):
                for text in ODD:
                    for names in (FIELDS, ("agency", "user"), ("agency", "calendar")):
                        answer = await office.post(path, home, **dict.fromkeys(names, text))
                        assert answer.status in {400, 403, 404, 409, 429}, (path, text)
            assert await office.audit() == []


async def _commit(office: Office, group: str, tp: TopicPartition, offset: int) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=office.settings.kafka_bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([tp])
        await consumer.commit({tp: offset})
    finally:
        await consumer.stop()
