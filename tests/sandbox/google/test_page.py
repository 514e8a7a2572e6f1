"""The page: its files, its week, its stream, its buttons."""

from __future__ import annotations

import re
from datetime import date

import aiohttp
import pytest

from sandbox.google import Control, StandIn
from sandbox.google.calendars import State
from sandbox.google.week import week
from tests.sandbox.google.client import ID, Client, all_day, read, timed, without_id
from tests.sandbox.google.conftest import ANNA, BEN

MONDAY = date(2026, 11, 30)


async def _get(session: aiohttp.ClientSession, url: str) -> tuple[aiohttp.typedefs.LooseHeaders, str]:
    async with session.get(url) as response:
        assert response.status == 200
        return response.headers, await response.text()


async def test_page_without_inline_script(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """Script and style are files of their own, and the policy allows nothing else."""
    async with session.get(standin.url) as response:
        html = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r"<script[^>]*>(.*?)</script>", html) == [""]
    assert not re.search(r"\son\w+=|<style|style=", html)
    for path in re.findall(r'(?:src|href)="(/[^"]+)"', html):
        _, text = await _get(session, standin.url + path)
        assert text


async def test_titles_never_become_html(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """The script sets texts only."""
    _, script = await _get(session, f"{standin.url}/page.js")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script)


async def test_three_users_side_by_side(standin: StandIn, anna: Client, ben: Client) -> None:
    """Every calendar is in the week, ours and foreign events told apart, deleted ones gone."""
    standin.connect("cy@metro.example")
    await anna.insert(timed(summary="<b>Medic</b>", location="Station 4"))
    await ben.insert(without_id(timed(summary="Dentist")))
    await ben.insert(timed(id="copied", extendedProperties={"private": {"bgsId": "BGS_1"}}))
    await ben.insert(timed(id="gone0"))
    await ben.delete("gone0")
    async with anna.session.get(f"{anna.url}/_standin/week", params={"start": "2026-12-02"}) as response:
        view = (await read(response)).json
    shown = {
        one["id"]: [(block["title"], block["ours"]) for block in one["blocks"]] for one in view["calendars"]
    }
    assert (view["start"], view["previous"], view["next"]) == ("2026-11-30", "2026-11-23", "2026-12-07")
    assert shown[ANNA] == [("<b>Medic</b>", True)]
    assert sorted(shown[BEN]) == [("Dentist", False), ("Medic 12 Day", False)]
    assert shown["cy@metro.example"] == []


async def test_week_that_is_none(standin: StandIn, session: aiohttp.ClientSession) -> None:
    """Without a date it is this week; with nonsense a sentence."""
    async with session.get(f"{standin.url}/_standin/week") as response:
        assert date.fromisoformat((await response.json())["start"]).weekday() == 0
    async with session.get(f"{standin.url}/_standin/week", params={"start": "x"}) as response:
        assert response.status == 400


def _state(time_zone: str = "America/New_York") -> State:
    state = State()
    state.add_account(ANNA, time_zone)
    return state


def test_shift_over_midnight() -> None:
    """It has a block on both days, in the calendar's own time."""
    state = _state()
    state.insert(state.calendars[ANNA], timed("2026-12-02T19:00:00-05:00", "2026-12-03T07:30:00-05:00"))
    blocks = week(state, MONDAY)["calendars"][0]["blocks"]
    assert [(b["day"], b["from"], b["to"]) for b in blocks] == [(2, 1140, 1440), (3, 0, 450)]
    assert blocks[0]["hours"] == "19:00-07:30"


def test_all_day_event_of_two_days() -> None:
    """It covers its days and not the exclusive end."""
    state = _state()
    state.insert(state.calendars[ANNA], all_day("2026-12-05", "2026-12-08"))
    blocks = week(state, MONDAY)["calendars"][0]["blocks"]
    assert [(b["day"], b["all_day"]) for b in blocks] == [(5, True), (6, True)]


def test_overlapping_shifts() -> None:
    """They stand side by side; what overlaps nothing has the whole width."""
    state = _state("UTC")
    spans = {"first": ("07", "12"), "later": ("08", "10"), "third": ("10", "12"), "alone": ("13", "14")}
    for event_id, (start, end) in spans.items():
        body = timed(f"2026-12-02T{start}:00:00Z", f"2026-12-02T{end}:00:00Z", id=event_id)
        state.insert(state.calendars[ANNA], body)
    blocks = {b["id"]: (b["lane"], b["lanes"]) for b in week(state, MONDAY)["calendars"][0]["blocks"]}
    assert blocks == {"first": (0, 2), "later": (1, 2), "third": (1, 2), "alone": (0, 1)}


async def test_stream_tells_of_changes_and_notes(standin: StandIn, anna: Client) -> None:
    """A burst of changes is one event; a note comes as it is."""
    async with anna.session.get(f"{anna.url}/_standin/stream") as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        await stream.content.readuntil(b"data: {}\n\n")
        for number in range(5):
            await anna.insert(timed(id=f"burst{number}"))
        assert await stream.content.readuntil(b"\n\n") == b"event: calendars\ndata: {}\n\n"
        standin.note("<i>87 ms</i> from Kafka to Google")
        note = await stream.content.readuntil(b"\n\n")
    assert note.startswith(b"event: note\n")
    assert b"<i>87 ms</i>" in note


async def test_stream_when_the_server_stops(session: aiohttp.ClientSession) -> None:
    """It ends, and the server does not wait for the page."""
    standin = StandIn()
    await standin.start()
    async with session.get(f"{standin.url}/_standin/stream") as stream:
        await stream.content.readuntil(b"data: {}\n\n")
        await standin.stop()
        assert await stream.content.read() == b""


async def test_buttons(session: aiohttp.ClientSession) -> None:
    """A button posts to its path and shows what the callback answers; other pages cannot press it."""

    async def on_control(path: str) -> str:
        return f"pressed {path}"

    controls = [Control("Publish December", "/demo/publish"), Control("Kill the worker", "/demo/kill")]
    async with StandIn(controls=controls, on_control=on_control) as standin:
        standin.note("started")
        async with session.get(f"{standin.url}/_standin/page") as response:
            page = await response.json()
        async with session.post(f"{standin.url}/demo/kill") as response:
            assert await response.text() == "pressed /demo/kill"
        async with session.post(
            f"{standin.url}/demo/kill", headers={"Origin": "https://evil.example"}
        ) as response:
            assert response.status == 403
        async with session.post(f"{standin.url}/demo/other") as response:
            assert response.status == 404
    assert page["controls"][0] == {"label": "Publish December", "path": "/demo/publish"}
    assert [note["text"] for note in page["notes"]] == ["started"]


@pytest.mark.parametrize("event_id", ["bgs" + "0" * 51, "bgs" + "0" * 53, "ags" + "0" * 52])
def test_id_that_only_looks_like_ours(event_id: str) -> None:
    """Only the full derived shape counts as ours."""
    state = _state()
    state.insert(state.calendars[ANNA], timed(id=event_id))
    state.insert(state.calendars[ANNA], timed(id=ID))
    ours = {block["id"]: block["ours"] for block in week(state, MONDAY)["calendars"][0]["blocks"]}
    assert ours == {event_id: False, ID: True}
