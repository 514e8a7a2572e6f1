"""What operators do: asked once, written down first, done."""

from __future__ import annotations

import asyncio
import json
import sqlite3

import pytest

from planning.intake import Source, read
from schemas.facts import CalendarReleased, UserReleased
from schemas.views import View
from streams.codec import calendar_fact, user_record
from tests.portal.operators.office import AGENCY, OLGA, Office, held_status
from tests.portal.operators.world import now, status
from tests.portal.world import csrf_of

GOOD = {
    "event_id": "e1",
    "occurred_at": "2026-11-01T08:00:00Z",
    "agency_id": "lake",
    "user_id": "u-17",
    "command": "resync",
}
SECRET = "Night shift at the hospital"


async def held(office: Office) -> None:
    """An un-publish of `ops` is held for two users, and one of `lake/ops` for another."""
    await office.say(
        held_status("ann"), held_status("bob"), held_status("eve", "lake"), status("joe", "paused")
    )
    await office.view("ann", View(held={"ops": 3}))
    await office.view("bob", View(held={"ops": 2, "day": 1}))
    await office.view("eve", View(held={"ops": 9}), "lake")


async def letter(office: Office, topic: str, value: bytes | None, *, key: bytes | None = b"k") -> str:
    """A dead letter as workers write them; its number."""
    source = Source(topic, office.names.topic(topic), 1, 42, now(), key, value)
    reading = read(source).letters
    reasons = reading[0].headers() if reading else [("reason", b"from_the_future"), ("error", b"too early")]
    if not reading:
        reasons += [
            ("source-topic", source.topic.encode()),
            ("source-partition", b"1"),
            ("source-offset", b"42"),
        ]
    found = await office.sender.deliver(office.names.dead_letters, key, value, reasons)
    return f"{found.partition}:{found.offset}"


async def deeds(office: Office) -> list[tuple[str, str, str]]:
    return [(entry.actor, entry.action, entry.subject) for entry in await office.audit()]


async def test_the_list_of_what_is_held(office: Office) -> None:
    """By calendar with numbers, and by user; who is paused for another reason is not in it."""
    await held(office)
    said = (await office.get("/held")).said
    assert "lake/ops 1 9" in said
    assert "metro/ops 2 5" in said
    assert "metro/day 1 1" in said
    assert "metro/ann 3" in said
    assert "joe" not in said
    assert "Held removals 15 of 3 users" in (await office.get("")).said


async def test_releasing_a_calendar(office: Office) -> None:
    """The question says how much it is; then one fact is sent, and the log says who did it."""
    await held(office)
    question = await office.get("/release", agency="metro", calendar="ops")
    assert "removed from Google calendars: 5. Users who have them: 2." in question.said
    assert await office.audit() == []
    after = await office.confirm("/release", agency="metro", calendar="ops")
    assert after.url.endswith("/operators/held")
    assert "Everybody is being released from the un-publish of metro/ops." in after.said
    assert "Everybody is being released" not in (await office.get("/held")).said
    (record,) = await office.read(office.names.calendar_facts)
    fact = calendar_fact(record.value or b"")
    assert isinstance(fact, CalendarReleased)
    assert (record.key, fact.agency_id, fact.calendar_id) == (b"metro/ops", "metro", "ops")
    assert await deeds(office) == [(f"{AGENCY}/{OLGA}", "release calendar", "metro/ops")]


async def test_releasing_a_user(office: Office) -> None:
    """The same for one user; in the log the person is named so that it can be forgotten."""
    await held(office)
    assert "2 events of ops" in (await office.get("/release", agency="metro", user="bob")).said
    after = await office.confirm("/release", agency="metro", user="bob")
    assert "What was held of metro/bob is being released." in after.said
    (record,) = await office.read(office.names.user_facts)
    fact = user_record(record.value or b"")
    assert isinstance(fact, UserReleased)
    assert (record.key, fact.user_id) == (b"metro/bob", "bob")
    (entry,) = await office.audit()
    assert (entry.action, entry.agency_id, entry.user_id) == ("release user", "metro", "bob")
    assert "metro/olga release user metro metro/bob" in (await office.get("/audit")).said


async def test_what_is_not_held_any_more(office: Office) -> None:
    """Between question and answer somebody else did it: nothing is sent, nothing is written down."""
    await held(office)
    page = await office.get("/release", agency="metro", user="ann")
    await office.say(status("ann"))
    answer = await office.post("/release", page, agency="metro", user="ann")
    assert (answer.status, "Nothing of metro/ann is held any more." in answer.said) == (409, True)
    assert (await office.get("/release", agency="metro", user="ann")).status == 409
    assert (await office.get("/release", agency="metro", calendar="none")).status == 409
    assert await office.audit() == []
    assert await office.read(office.names.user_facts) == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"agency": "metro"},
        {"agency": "metro", "user": "ann", "calendar": "ops"},
        {"agency": "a/b", "user": "ann"},
    ],
)
async def test_a_release_of_nothing(office: Office, fields: dict[str, str]) -> None:
    """Neither a question nor a release."""
    await held(office)
    page = await office.get("")
    assert (await office.get("/release", **fields)).status == 400
    assert (await office.post("/release", page, **fields)).status == 400
    assert await office.audit() == []


async def test_dead_letters(office: Office) -> None:
    """Number, reason, source and error, the newest first; what they say stands on their own pages."""
    bad = json.dumps(GOOD | {"command": SECRET}).encode()
    number = await letter(office, "sync-commands", bad)
    other = await letter(office, "user-deactivated", None)
    page = await office.get("/letters")
    for text in (
        number,
        other,
        "bad_envelope",
        "1:42",
        "command",
    ):
        assert text in page.said, text
    assert SECRET not in page.text
    assert page.said.index(other) < page.said.index(number)
    one = await office.get("/letter", number=number)
    assert SECRET in one.said
    assert SECRET not in (await office.get("/redrive", number=number)).text


async def test_redriving(office: Office) -> None:
    """It goes back as it came, under its own key, and the log says who sent it; not what it says."""
    number = await letter(office, "sync-commands", json.dumps(GOOD).encode())
    question = await office.get("/redrive", number=number)
    assert "It can be read by now." in question.said
    after = await office.confirm("/redrive", number=number)
    assert f"Dead letter {number} was sent again." in after.said
    (record,) = await office.read(office.names.topic("sync-commands"))
    assert (record.key, json.loads(record.value or b"")) == (b"k", GOOD)
    assert dict(record.headers) == {"redriven-from": f"{office.names.dead_letters}/{number}".encode()}
    (entry,) = await office.audit()
    assert (entry.actor, entry.action, entry.agency_id, entry.subject) == (
        "metro/olga",
        "redrive",
        "lake",
        number,
    )
    assert "u-17" not in entry.detail


async def test_redriving_what_would_come_back(office: Office) -> None:
    """It is said before it is asked, and done all the same where it is meant."""
    number = await letter(office, "sync-commands", b"{}")
    assert (
        "It would come back as a dead letter: command" in (await office.get("/redrive", number=number)).said
    )
    await office.confirm("/redrive", number=number)
    assert len(await office.read(office.names.topic("sync-commands"))) == 1


async def test_redriving_what_cannot_be_sent(office: Office) -> None:
    """A null says nothing, and a letter of nobody knows where goes nowhere."""
    null = await letter(office, "user-deactivated", None)
    found = await office.sender.deliver(
        office.names.dead_letters, b"k", b"{}", [("source-topic", b"elsewhere")]
    )
    stray = f"{found.partition}:{found.offset}"
    page = await office.get("")
    for number in (null, stray):
        question = await office.get("/redrive", number=number)
        assert "It cannot be sent again" in question.said
        assert "<button" not in question.text.partition("<main")[2].partition("</main")[0]
        assert (await office.post("/redrive", page, number=number)).status == 409
    assert await office.audit() == []


@pytest.mark.parametrize("number", ["7:0", "0:99", "x", "1:", "-1:0", ""])
async def test_a_letter_that_is_not_there(office: Office, number: str) -> None:
    """Said so, whatever the address."""
    for path in ("/letter", "/redrive"):
        assert (await office.get(path, number=number)).status in {400, 404}


async def test_payloads_of_every_kind(office: Office) -> None:
    """Bytes that are no text, markup, a megabyte: a page all the same."""
    for value in (b"\xff\xfe\x00", b"<script>alert(1)</script>", b'{"notes": "' + b"x" * 900_000 + b'"}'):
        number = await letter(office, "sync-commands", value)
        page = await office.get("/letter", number=number)
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert len(page.text) < 300_000


async def test_kafka_is_away(deaf: Office) -> None:
    """What was asked for is in the log, and that it failed; the operator is told."""
    await held(deaf)
    question = await deaf.get("/release", agency="metro", user="ann")
    answer = await deaf.post("/release", question, agency="metro", user="ann")
    assert answer.status == 503
    assert "It was not done" in answer.said
    assert "127.0.0.1:1" in answer.said
    assert await deeds(deaf) == [
        (f"{AGENCY}/{OLGA}", "release user failed", "metro/ann"),
        (f"{AGENCY}/{OLGA}", "release user", "metro/ann"),
    ]


async def test_a_log_that_cannot_be_written(office: Office) -> None:
    """Nothing is done that nobody could see afterwards."""
    await held(office)
    question = await office.get("/release", agency="metro", user="ann")
    url = str(office.world.vault._database._url.database)
    await asyncio.to_thread(_drop_audit, url)
    answer = await office.post("/release", question, agency="metro", user="ann")
    assert answer.status >= 500
    assert await office.read(office.names.user_facts) == []


async def test_pressed_twice(office: Office) -> None:
    """Two of one form at once: each is in the log, and released is released."""
    await held(office)
    page = await office.get("/release", agency="metro", user="ann")
    form = {"csrf": csrf_of(page), "agency": "metro", "user": "ann"}
    headers = {"Origin": office.world.url}
    answers = await asyncio.gather(
        *(office.browser.ask("POST", "/operators/release", headers=headers, data=form) for _ in range(2))
    )
    assert {answer.status for answer in answers} == {303}
    assert len(await office.audit()) == len(await office.read(office.names.user_facts)) == 2


async def test_the_log(office: Office) -> None:
    """The newest first, of one agency where it is asked for; a person who is forgotten is not named any more."""
    await held(office)
    await office.confirm("/release", agency="metro", user="ann")
    await office.confirm("/release", agency="lake", user="eve")
    said = (await office.get("/audit")).said
    assert said.index("lake/eve") < said.index("metro/ann")
    assert "metro/ann" not in (await office.get("/audit", agency="lake")).said
    await office.world.vault.forget("metro", "ann")
    assert "metro/ann" not in (await office.get("/audit")).said


def _drop_audit(file: str) -> None:
    with sqlite3.connect(file) as other:
        other.execute("DROP TABLE audit")
    other.close()
