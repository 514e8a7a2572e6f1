"""Messages become facts; what cannot be read becomes a letter to a person."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.intake import (
    INPUTS,
    LONGEST_LETTER,
    MOST_COPIED,
    MOST_LETTERS,
    Reading,
    Source,
    broker_time,
    read,
)
from schemas.facts import Connected, Deactivated, Disconnected, PublicationChanged, ResyncAsked, ShiftsChanged
from streams import codec
from tests.planning.build import NOW

ENVELOPE = {
    "event_id": "e1",
    "occurred_at": "2026-11-23T08:00:00Z",
    "agency_id": "metro",
    "calendar_id": "dec",
}
SHIFT = {
    "shift_id": "48213",
    "version": 7,
    "user_id": "u-17",
    "title": "Very private",
    "start": "2026-12-02T07:00:00-05:00",
    "end": "2026-12-02T19:00:00-05:00",
    "time_zone": "America/New_York",
}
COMMAND = {"event_id": "e", "occurred_at": "2026-11-23T08:00:00Z", "agency_id": "metro", "user_id": "u-17"}


def reading(name: str, value: Any) -> Reading:
    raw = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
    return read(Source(name, f"p.{name}", 3, 14, NOW, b"key", raw))


def upsert(**fields: Any) -> dict[str, Any]:
    """Return a change; a field of `...` is left out."""
    return {"op": "upsert", "shift": {k: v for k, v in (SHIFT | fields).items() if v is not ...}}


def schedule(*changes: Any, **fields: Any) -> dict[str, Any]:
    return ENVELOPE | {"changes": list(changes)} | fields


def test_a_schedule_change_becomes_one_fact_of_its_calendar() -> None:
    """All good changes of a message travel together, under the message's coordinates."""
    got = reading("schedule-changed", schedule(upsert(), {"op": "delete", "shift_id": "9", "version": 3}))
    (fact,) = got.calendar_facts
    assert isinstance(fact, ShiftsChanged)
    assert [change.shift_id for change in fact.changes] == ["48213", "9"]
    assert (
        fact.messages[0].cause.topic,
        fact.messages[0].cause.partition,
        fact.messages[0].cause.offset,
    ) == ("p.schedule-changed", 3, 14)
    assert (got.user_facts, got.letters) == ((), ())


def test_a_shift_says_little() -> None:
    """The kind is `shift` unless given, the user, the location and the notes may be absent, or null."""
    got = reading("schedule-changed", schedule(upsert(user_id=..., location=None)))
    (fact,) = got.calendar_facts
    assert isinstance(fact, ShiftsChanged)
    (change,) = fact.changes
    assert change.op == "upsert"
    assert (change.shift.kind, change.shift.user_id, change.shift.notes) == ("shift", None, None)


def test_no_change_at_all() -> None:
    """An empty list is valid and does nothing."""
    assert reading("schedule-changed", schedule()) == Reading(agency_id="metro", calendar_id="dec")


def test_a_newer_sender_adds_fields() -> None:
    """Fields that nobody here knows are ignored, in the envelope and in shifts."""
    got = reading("schedule-changed", schedule(upsert(colour="red"), trace_id="t"))
    assert (len(got.calendar_facts), got.letters) == (1, ())


@pytest.mark.parametrize(
    ("name", "value", "standing"),
    [
        ("calendar-published", {"published_through": "2026-12-31"}, "published"),
        (
            "calendar-published",
            {"published_through": "2026-12-31", "published_from": "2026-12-01"},
            "published",
        ),
        ("calendar-unpublished", {"reason": "unpublished"}, "unpublished"),
        ("calendar-unpublished", {"reason": "rolled_back"}, "rolled_back"),
        ("calendar-unpublished", {"reason": "rolled_back", "published_through": "2026-12-14"}, "rolled_back"),
    ],
)
def test_a_publication_becomes_a_fact_of_its_calendar(
    name: str, value: dict[str, Any], standing: str
) -> None:
    """Both topics give the same kind of fact, told apart by its standing."""
    (fact,) = reading(name, ENVELOPE | {"version": 4} | value).calendar_facts
    assert isinstance(fact, PublicationChanged)
    assert fact.standing == standing


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("sync-commands", {"command": "connect"}, Connected),
        ("sync-commands", {"command": "disconnect", "purge": True}, Disconnected),
        ("sync-commands", {"command": "resync"}, ResyncAsked),
        ("user-deactivated", {}, Deactivated),
    ],
)
def test_a_command_becomes_a_fact_of_its_user(name: str, value: dict[str, Any], kind: type) -> None:
    """Commands and deactivations go to the user that they name."""
    (fact,) = reading(name, COMMAND | value).user_facts
    assert isinstance(fact, kind)
    assert fact.user_id == "u-17"


def test_a_disconnect_gives_a_reason_of_its_own() -> None:
    """A reason that is not the product's is a field like any other unknown one."""
    (fact,) = reading("sync-commands", COMMAND | {"command": "disconnect", "reason": "holiday"}).user_facts
    assert isinstance(fact, Disconnected)
    assert fact.reason is None


@pytest.mark.parametrize("name", ["sync-commands", "user-deactivated"])
def test_a_command_from_the_future(name: str) -> None:
    """Five minutes ahead of the broker's clock are forgiven, more would win over everything until then."""
    in_time = COMMAND | {"command": "connect", "occurred_at": (NOW + timedelta(minutes=5)).isoformat()}
    too_far = in_time | {"occurred_at": (NOW + timedelta(minutes=5, seconds=1)).isoformat()}
    assert len(reading(name, in_time).user_facts) == 1
    (letter,) = reading(name, too_far).letters
    assert letter.reason == "from_the_future"


def test_one_bad_change_among_good_ones() -> None:
    """The bad one goes alone, in a copy of its envelope; the good ones count."""
    message = schedule(
        upsert(), upsert(version="7"), {"op": "delete", "shift_id": "9", "version": 1}, trace="t"
    )
    got = reading("schedule-changed", message)
    (letter,) = got.letters
    assert json.loads(letter.value or b"") == message | {"changes": [upsert(version="7")]}
    assert letter.error == 'changes.1.shift.version: expected a whole number; came "7".'
    (fact,) = got.calendar_facts
    assert isinstance(fact, ShiftsChanged)
    assert len(fact.changes) == 2


def test_half_an_emoji_in_one_title() -> None:
    """A sender that cuts a text in the middle of an emoji spoils that shift, not the thousands beside it."""
    got = reading("schedule-changed", schedule(upsert(title="Day \ud83d"), upsert(shift_id="2")))
    assert len(got.calendar_facts) == 1
    (letter,) = got.letters
    assert json.loads(letter.value or b"")["changes"] == [upsert(title="Day \ud83d")]
    assert letter.error.startswith("changes.0.shift.title: expected a text of whole characters")
    assert dict(letter.headers())["error"]


def test_half_an_emoji_in_an_id() -> None:
    """The letter's headers are UTF-8 whatever came."""
    (letter,) = reading("sync-commands", COMMAND | {"command": "resync", "user_id": "\ud83d"}).letters
    assert dict(letter.headers())["reason"] == b"bad_envelope"


def test_half_an_emoji_in_an_event_id() -> None:
    """What no UTF-8 can carry is refused here, or the fact could not be sent on, now or ever."""
    for name, value in (
        ("sync-commands", COMMAND | {"command": "resync"}),
        ("schedule-changed", schedule(upsert())),
    ):
        got = reading(name, value | {"event_id": "\ud83d"})
        assert [letter.reason for letter in got.letters] == ["bad_envelope"]
        assert (got.calendar_facts, got.user_facts) == ((), ())


@pytest.mark.parametrize(
    "odd", ["1e999", "1.10", "9" * 5_000, '{"op":"x",  "op": "\\u0079"}', "[ 1,2 ]", '"é"']
)
def test_a_letter_holds_the_bytes_that_came(odd: str) -> None:
    """Nothing is written anew: neither numbers, nor escapes, nor blanks; and the neighbours are read."""
    good = json.dumps(upsert())
    message = json.dumps(schedule("@", trace="é", more={"changes": [1]}), ensure_ascii=False)
    for before, after in (("", ""), (good + " , ", ""), ("", f",{good}"), (good + ",", "\n, " + good)):
        value = message.replace('"@"', before + odd + after).encode()
        got = reading("schedule-changed", value)
        assert [letter.value for letter in got.letters] == [message.replace('"@"', odd).encode()]
        assert sum(len(fact.changes) for fact in got.calendar_facts if isinstance(fact, ShiftsChanged)) == (
            bool(before) + bool(after)
        )


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have(word: str) -> None:
    """What some libraries write all the same is no JSON: the message goes whole."""
    value = json.dumps(schedule(upsert(), "@")).replace('"@"', word).encode()
    (letter,) = reading("schedule-changed", value).letters
    assert (letter.reason, letter.value) == ("not_json", value)


def test_more_bad_changes_than_letters() -> None:
    """They stay together in one copy of their envelope, and the good ones count."""
    for padding, count in (("", MOST_LETTERS + 1), ("p" * (MOST_COPIED // 100), 101)):
        message = schedule(*([0] * count), upsert(), padding=padding)
        got = reading("schedule-changed", message)
        (letter,) = got.letters
        assert json.loads(letter.value or b"") == message | {"changes": [0] * count}
        assert letter.error.startswith(
            f"{count:,} bad changes, too many for a letter each. The first: changes.0:"
        )
        assert len(got.calendar_facts) == 1


def test_a_value_too_long_for_any_letter() -> None:
    """The letter says so, and where the value stands; input topics keep it."""
    (letter,) = reading("schedule-changed", b"0" * (LONGEST_LETTER + 1)).letters
    assert (letter.value, letter.source_offset) == (None, 14)
    assert letter.error.endswith("bytes are too many for a letter; they stand where it came from.")
    (letter,) = reading("schedule-changed", b"x" * LONGEST_LETTER).letters
    assert letter.value is not None


@pytest.mark.parametrize("milliseconds", [-1, -(2**63), 1_790_000_000_000_000, 2**63 - 1])
def test_a_timestamp_of_no_year_there_is(milliseconds: int) -> None:
    """A producer may set what it likes, microseconds for instance; the message is read all the same."""
    at = broker_time(milliseconds / 1000)
    value = json.dumps(schedule(upsert())).encode()
    (fact,) = read(Source("schedule-changed", "t", 0, 0, at, None, value)).calendar_facts
    assert codec.calendar_fact(codec.encode(fact)) == fact


@pytest.mark.parametrize("value", [b"{", b"", b"\xff", b"[]", b"null", b'"text"', b"1", b"[" * 5_000])
def test_a_value_that_is_no_json_object(value: bytes) -> None:
    """It goes to the dead letters whole, with its key and place."""
    (letter,) = reading("sync-commands", value).letters
    assert (letter.reason, letter.value, letter.key) == ("not_json", value, b"key")
    assert dict(letter.headers()) == {
        "reason": b"not_json",
        "error": letter.error.encode(),
        "source-topic": b"p.sync-commands",
        "source-partition": b"3",
        "source-offset": b"14",
    }


@pytest.mark.parametrize("name", INPUTS)
def test_a_null_value(name: str) -> None:
    """A null on an input topic is a dead letter too, its value null."""
    (letter,) = reading(name, None).letters
    assert (letter.reason, letter.value) == ("null_value", None)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"op": "x"}, "changes.0.op: expected 'upsert' or 'delete'; came \"x\"."),
        ({}, "changes.0.op: expected 'upsert' or 'delete'; came nothing."),
        (5, "changes.0: expected an object; came the number 5."),
        ({"op": "upsert"}, "changes.0.shift: expected a value; came nothing."),
        ({"op": "delete", "shift_id": "1"}, "changes.0.version: expected a value; came nothing."),
        (upsert(title=...), "changes.0.shift.title: expected a value; came nothing."),
        (upsert(title=5), "changes.0.shift.title: expected a text; came the number 5."),
        (upsert(title="x" * 4_097), "changes.0.shift.title: expected at most 4,096 characters; came a text of 4,097 characters."),
        (upsert(location="x" * 4_097), "changes.0.shift.location: expected at most 4,096 characters; came a text of 4,097 characters."),
        (upsert(notes="x" * 32_769), "changes.0.shift.notes: expected at most 32,768 characters; came a text of 32,769 characters."),
        (upsert(shift_id="a/b"), 'changes.0.shift.shift_id: expected an id without `/` and without control characters; came "a/b".'),
        (upsert(shift_id="a\n"), 'changes.0.shift.shift_id: expected an id without `/` and without control characters; came "a\\n".'),
        (upsert(shift_id=""), 'changes.0.shift.shift_id: expected at least one character; came "".'),
        (upsert(user_id="x" * 201), "changes.0.shift.user_id: expected at most 200 characters; came a text of 201 characters."),
        (upsert(version=True), "changes.0.shift.version: expected a whole number; came true."),
        (upsert(version=7.0), "changes.0.shift.version: expected a whole number; came the number 7.0."),
        (upsert(time_zone=...), "changes.0.shift: expected a time_zone, since the shift has times; came an object."),
        (upsert(time_zone="Mars/X"), 'changes.0.shift.time_zone: expected an IANA time zone name such as America/New_York; came "Mars/X".'),
        (upsert(end="2026-12-02T07:00:00-05:00"), "changes.0.shift: expected an end after its start; came an object."),
        (upsert(end="2026-12-03"), "changes.0.shift: expected start and end both as times with an offset, or both as days; came an object."),
    ],
)  # fmt: skip
def test_what_a_person_is_told(change: Any, error: str) -> None:
    """The error names the field, what was expected, and what came."""
    (letter,) = reading("schedule-changed", schedule(change)).letters
    assert (letter.reason, letter.error) == ("bad_change", error)


@pytest.mark.parametrize(
    "start", ["2026-12-02T07:00:00", 1_700_000_000, "1700000000", "20261202", "tomorrow"]
)
def test_a_start_that_is_no_moment(start: Any) -> None:
    """No number passes for a time, nor does a time without its offset."""
    (letter,) = reading("schedule-changed", schedule(upsert(start=start))).letters
    assert (
        "expected a time with its offset such as 2026-12-02T07:00:00-05:00, or a day such as" in letter.error
    )


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"agency_id": ...}, "agency_id: expected a value; came nothing."),
        ({"agency_id": None}, "agency_id: expected a text; came null."),
        ({"schema_version": 2}, "schema_version: expected 1; came the number 2."),
        ({"schema_version": True}, "schema_version: expected 1; came true."),
        ({"event_id": 5}, "event_id: expected a text; came the number 5."),
        ({"changes": 5}, "changes: expected a list; came the number 5."),
        ({"occurred_at": "2026-11-23T08:00:00"}, "occurred_at: expected a time with its offset"),
    ],
)
def test_an_envelope_that_is_wrong(fields: dict[str, Any], error: str) -> None:
    """The message goes to the dead letters whole, good changes too."""
    message = {k: v for k, v in (schedule(upsert()) | fields).items() if v is not ...}
    got = reading("schedule-changed", message)
    assert got.calendar_facts == ()
    (letter,) = got.letters
    assert (letter.reason, json.loads(letter.value or b"")) == ("bad_envelope", message)
    assert letter.error.startswith(error)


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": "unpublished", "published_through": "2026-12-31"},
        {"reason": "unpublished", "published_from": "2026-12-01"},
        {"reason": "rolled_back", "published_from": "2026-12-01"},
        {"reason": "other"},
        {},
    ],
)
def test_an_unpublish_that_contradicts_itself(fields: dict[str, Any]) -> None:
    """Days go only with a roll-back, and a first day only with a last one."""
    (letter,) = reading("calendar-unpublished", ENVELOPE | {"version": 1} | fields).letters
    assert letter.reason == "bad_envelope"


def test_a_command_that_nobody_knows() -> None:
    """The field is named, and what it may be."""
    (letter,) = reading("sync-commands", COMMAND | {"command": "x"}).letters
    assert letter.error == "command: expected 'connect', 'disconnect' or 'resync'; came \"x\"."


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    name=st.sampled_from(INPUTS), value=st.binary(max_size=60) | _json.map(lambda v: json.dumps(v).encode())
)
def test_any_bytes_at_all(name: str, value: bytes) -> None:
    """Nothing that comes stops the stream, and nothing is lost."""
    got = reading(name, value)
    assert [letter.value for letter in got.letters] == [value]


@given(
    field=st.sampled_from((*SHIFT, "kind", "location", "notes")),
    wrong=_json,
    secret=st.sampled_from(("title", "location", "notes")),
)
def test_a_shift_with_one_field_of_another_kind(field: str, wrong: Any, secret: str) -> None:
    """Whatever is wrong, the letter's error holds no text of the schedule."""
    change = upsert(**({secret: "Very private"} | {field: wrong}))
    for letter in reading("schedule-changed", schedule(change, upsert(title=["Very private"]))).letters:
        assert "private" not in letter.error
        assert all(value is not None for _, value in letter.headers())


@pytest.mark.parametrize("canary", ["Nachtdienst Müller", "1//0gAbCdEf-GhIjKlMnOpQrStUvWxYz012345"])
def test_a_text_in_any_wrong_place(canary: str) -> None:
    """Columns get mixed up: neither a title, a name nor a token in another field comes into the error."""
    odd: list[Any] = [canary, [canary], {"op": canary}, {"op": "upsert", "shift": canary}]
    odd += [upsert(**{field: value}) for field in (*SHIFT, "kind") for value in (canary + "/\n", [canary])]
    odd += [{"op": "delete", "shift_id": canary + "\n", "version": canary}]
    values: list[tuple[str, Any]] = [("schedule-changed", schedule(*odd))]
    for name in INPUTS:
        whole = ENVELOPE | COMMAND | {"command": "resync", "version": 1, "published_through": "2026-12-31"}
        values += [
            (name, whole | {field: canary + "/\n"}) for field in (*whole, "reason", "changes", "purge")
        ]
        values += [(name, part + canary.encode()) for part in (b"", b'"', b'{"', b'["', b'{"a": "')]
        values += [(name, f'["{canary}"]'.encode()), (name, f'"{canary}"'.encode())]
    letters = [letter for name, value in values for letter in reading(name, value).letters]
    assert len(letters) > len(odd) + 20
    for letter in letters:
        assert canary not in letter.error
        assert canary[:12] not in letter.error
