"""CloudEvents become the same facts as the plain messages in them; what is wrong with one is one letter."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planning.intake import LONGEST_LETTER, MOST_COPIED, Reading, Source, read
from schemas.outputs import DeadLetter
from tests.planning import messages
from tests.planning.build import NOW
from tests.planning.wrapped import HEADER, Headers, attributes, binary, data, raw, structured

COMMAND = {
    "event_id": "e1",
    "occurred_at": "2026-11-23T08:00:00Z",
    "agency_id": "metro",
    "user_id": "u-17",
    "command": "resync",
}
SCHEDULE = {
    "event_id": "e1",
    "occurred_at": "2026-11-23T08:00:00Z",
    "agency_id": "metro",
    "calendar_id": "dec",
    "changes": [
        {"op": "delete", "shift_id": "9", "version": "3"},
        {"op": "delete", "shift_id": "10", "version": 3},
    ],
}


def reading(name: str, value: Any, headers: Headers = ()) -> Reading:
    encoded = value if isinstance(value, bytes) or value is None else raw(value)
    return read(Source(name, f"p.{name}", 3, 14, NOW, b"key", encoded, headers))


def refused(value: Any, headers: Headers = ()) -> DeadLetter:
    """The one letter of a command that cannot be read, with all that came."""
    got = reading("sync-commands", value, headers)
    assert (got.calendar_facts, got.user_facts) == ((), ())
    (letter,) = got.letters
    assert letter.value == (value if isinstance(value, bytes) or value is None else raw(value))
    return letter


@st.composite
def anything(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A topic and a message of it, some with changes that are bad."""
    match draw(st.integers(0, 3)):
        case 0:
            return draw(messages.publications())
        case 1:
            name = draw(st.sampled_from(("connect", "disconnect", "resync", "explode")))
            return "sync-commands", COMMAND | {"command": name}
        case 2:
            return "user-deactivated", COMMAND
        case _:
            topic, message = draw(messages.schedules())
            for change in message["changes"]:
                if draw(st.integers(0, 3)) == 0:
                    change["op"] = draw(st.sampled_from(("upsert", "delete", "move", 7)))
            return topic, message


@given(anything(), st.sampled_from(("once", "twice")), st.text(max_size=10), st.sampled_from((-11, 0, 5.5)))
def test_any_message_in_either_mode(
    case: tuple[str, dict[str, Any]], told: str, event_id: str, offset: float
) -> None:
    """The same facts and as many letters for the same reasons, whether or not data says id and time again."""
    topic, message = case[0], case[1] | {"event_id": event_id or "e"}
    at = datetime.fromisoformat(message["occurred_at"]).astimezone(timezone(timedelta(hours=offset)))
    inner = message | {"occurred_at": at.isoformat()} if told == "twice" else data(message)
    plain = reading(topic, message)
    for value, headers in (
        (structured(message, data=inner), HEADER),
        (structured(message, data=inner), ()),
        (structured(message, data=inner, subject="s", datacontenttype="application/json", traceid="t"), ()),
        (inner, binary(message)),
        (inner, binary(message)[1:]),
    ):
        got = reading(topic, value, headers)
        assert (got.calendar_facts, got.user_facts) == (plain.calendar_facts, plain.user_facts)
        assert [one.reason for one in got.letters] == [one.reason for one in plain.letters]
        for letter in got.letters:
            again = reading(topic, letter.value, letter.carried)
            assert [(one.reason, one.value) for one in again.letters] == [(letter.reason, letter.value)]
            assert (again.calendar_facts, again.user_facts) == ((), ())


@given(anything(), st.sampled_from(("0.3", "1.0", 1, None)))
def test_a_plain_message_with_a_specversion(case: tuple[str, dict[str, Any]], version: Any) -> None:
    """It has an event_id: an unknown field more, and as good or bad as before."""
    topic, message = case
    plain, got = reading(topic, message), reading(topic, message | {"specversion": version, "type": "t"})
    assert (got.calendar_facts, got.user_facts) == (plain.calendar_facts, plain.user_facts)
    assert [(one.reason, one.error) for one in got.letters] == [
        (one.reason, one.error) for one in plain.letters
    ]


@given(
    anything(),
    st.lists(
        st.tuples(
            st.sampled_from(("content-type", "ce_id", "ce_source", "traceparent", "Content-Type")),
            st.sampled_from((b"application/json", b"text/plain", b"\xff", None)),
        )
    ),
)
def test_a_plain_message_with_headers(
    case: tuple[str, dict[str, Any]], headers: list[tuple[str, bytes | None]]
) -> None:
    """Headers that make no CloudEvent of it say nothing."""
    topic, message = case
    plain, got = reading(topic, message), reading(topic, message, tuple(headers))
    assert got._replace(letters=()) == plain._replace(letters=())
    assert [one.model_copy(update={"carried": ()}) for one in got.letters] == list(plain.letters)


#: What may stand in any place of an event, texts that no UTF-8 can carry among them.
ODD = st.recursive(
    st.sampled_from((None, True, 1.0, 7, 10**400, "", "1.0", "2026-11-23T08:00:00Z", "\ud83d", "é")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(("changes", "data", "event_id", "\ud83d")), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = (*attributes(COMMAND), "datacontenttype", "data", "data_base64", "event_id")
TEXTS = st.sampled_from((b"", b"1.0", b"\xff", None, b"application/json", b"application/cloudevents+json"))


@given(
    st.sampled_from((COMMAND, SCHEDULE)),
    st.dictionaries(st.sampled_from(NAMES), ODD, max_size=3),
    st.lists(st.tuples(st.sampled_from(("content-type", "ce_specversion", "ce_id", "ce_time")), TEXTS)),
)
def test_anything_at_all(message: dict[str, Any], spoiled: dict[str, Any], headers: Any) -> None:
    """Nothing stops the reader, and whatever is no fact is a letter that can be sent."""
    topic = "schedule-changed" if "changes" in message else "sync-commands"
    for value, said in (
        (structured(message) | spoiled, tuple(headers)),
        (data(message) | spoiled, (*binary(message), *headers)),
        (structured(message, data=data(message) | spoiled), tuple(headers)),
    ):
        got = reading(topic, value, said)
        facts = len(got.calendar_facts) + len(got.user_facts)
        if topic == "sync-commands" or any(letter.reason != "bad_change" for letter in got.letters):
            assert facts + len(got.letters) == 1
        for letter in got.letters:
            assert all(isinstance(text, bytes) for _, text in letter.headers())
            assert letter.reason == "bad_change" or letter.value == raw(value)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"specversion": "0.3"}, "specversion: expected '1.0'; came \"0.3\"."),
        ({"specversion": ...}, "specversion: expected a value; came nothing."),
        ({"id": ...}, "id: expected a value; came nothing."),
        ({"id": ""}, "id: expected at least one character; came a text of 0 characters."),
        ({"source": ...}, "source: expected a value; came nothing."),
        ({"type": ...}, "type: expected a value; came nothing."),
        ({"time": "yesterday"}, "time: expected a time with its offset"),
        ({"time": ...}, "time: expected a time with its offset"),
        ({"datacontenttype": "application/xml"}, "datacontenttype: expected a media type of JSON"),
    ],
)
def test_a_wrong_attribute_in_either_mode(fields: dict[str, Any], error: str) -> None:
    """One letter, whole, that names the attribute as its sender wrote it."""
    letter = refused(structured(COMMAND, **fields), HEADER)
    assert letter.reason == "bad_cloudevent"
    assert letter.error.startswith(error)
    renamed = {"content_type": fields["datacontenttype"]} if "datacontenttype" in fields else fields
    headers = binary(COMMAND, **renamed)
    if "content_type" in renamed:
        headers = (("content-type", b"application/xml"), *headers[1:-1])
        error = error.replace("datacontenttype", "content-type")
    letter = refused(data(COMMAND), headers)
    assert letter.reason == "bad_cloudevent"
    assert letter.error.startswith(error if error.startswith("content") else f"ce_{error}")
    assert dict(letter.headers()).items() >= dict(headers).items()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"data": ...}, "data: expected the message, a JSON object; came nothing."),
        ({"data": None}, "data: expected the message, a JSON object; came nothing."),
        ({"data": "{}"}, "data: expected the message, a JSON object; came a text of 2 characters."),
        ({"data": ..., "data_base64": "e30="}, "data_base64: expected nothing, the message as JSON in data"),
        ({"data_base64": "e30="}, "data_base64: expected nothing, the message as JSON in data"),
    ],
)
def test_data_that_is_no_message(fields: dict[str, Any], error: str) -> None:
    """A structured event has a JSON object as its data."""
    letter = refused(structured(COMMAND, **fields))
    assert (letter.reason, letter.error.startswith(error)) == ("bad_cloudevent", True)


@pytest.mark.parametrize(
    ("twice", "error"),
    [
        ({"event_id": "e2"}, "event_id: expected the same as {}id, or nothing; came another."),
        ({"event_id": None}, "event_id: expected the same as {}id, or nothing; came another."),
        (
            {"occurred_at": "2026-11-23T08:00:01Z"},
            "occurred_at: expected the same moment as {}time, or nothing; came another.",
        ),
        ({"occurred_at": 7}, "occurred_at: expected the same moment as {}time, or nothing; came another."),
    ],
)
def test_data_that_disagrees_with_its_attributes(twice: dict[str, Any], error: str) -> None:
    """Nobody can tell which was meant."""
    inner = data(COMMAND) | twice
    letter = refused(structured(COMMAND, data=inner))
    assert (letter.reason, letter.error) == ("bad_cloudevent", "data." + error.format(""))
    letter = refused(inner, binary(COMMAND))
    assert (letter.reason, letter.error) == ("bad_cloudevent", error.format("ce_"))


def test_an_event_without_a_time() -> None:
    """The time that stands in its data counts."""
    plain = reading("sync-commands", COMMAND)
    inner = data(COMMAND) | {"occurred_at": COMMAND["occurred_at"]}
    assert reading("sync-commands", structured(COMMAND, time=..., data=inner)) == plain
    assert reading("sync-commands", structured(COMMAND, time=None, data=inner)) == plain
    assert reading("sync-commands", inner, binary(COMMAND, time=...)) == plain
    wrong = refused(structured(COMMAND, time=..., data=inner | {"occurred_at": "noon"}))
    assert (wrong.reason, wrong.error[:16]) == ("bad_envelope", "data.occurred_at")


@pytest.mark.parametrize(
    "name", ["application/cloudevents-batch+json", "Application/CloudEvents-Batch+JSON; x=y"]
)
def test_a_batch(name: str) -> None:
    """The binding has none, and says so."""
    letter = refused([structured(COMMAND)], (("content-type", name.encode()),))
    assert letter.reason == "bad_cloudevent"
    assert letter.error.endswith("came a batch. Send each event in a record of its own.")


@pytest.mark.parametrize(
    "name", [b"application/cloudevents+avro", b"application/cloudevents", b"application/cloudevents+\xff"]
)
def test_a_format_other_than_json(name: bytes) -> None:
    """Only JSON is read."""
    letter = refused(b"\x00\x01", (("content-type", name),))
    assert letter.error == (
        "content-type: expected application/cloudevents+json; came another format of events."
    )
    assert letter.carried == (("content-type", name),)


def test_a_plain_message_that_is_declared_an_event() -> None:
    """Who says that it is an event is taken at the word."""
    assert refused(COMMAND, HEADER).reason == "bad_cloudevent"
    assert refused(COMMAND, (("ce_specversion", b"1.0"),)).reason == "bad_cloudevent"


def test_binary_headers_without_a_version() -> None:
    """Told as what it was meant to be, not as a plain message that lacks its event_id."""
    letter = refused(data(COMMAND), (("ce_id", b"e1"), ("ce_type", b"t")))
    assert letter.error.startswith("ce_specversion: expected a value; came nothing.")
    assert "ce_source" in letter.error


def test_a_header_that_is_no_text() -> None:
    """Headers are UTF-8."""
    letter = refused(data(COMMAND), (*binary(COMMAND), ("ce_source", b"\xff")))
    assert letter.error == "ce_source: expected UTF-8; came other bytes."


@pytest.mark.parametrize("value", [b"", b"{", b"[1]", b"7", b"\xff"])
def test_no_json(value: bytes) -> None:
    """As for plain messages."""
    for headers in (HEADER, binary(COMMAND), ()):
        assert refused(value, headers).reason == "not_json"


@pytest.mark.parametrize(
    "headers", [HEADER, binary(COMMAND), (("content-type", b"application/cloudevents-batch+json"),)]
)
def test_an_event_without_a_value(headers: Headers) -> None:
    """A null is a null, with what it came with."""
    letter = refused(None, headers)
    assert (letter.reason, letter.value, letter.carried) == ("null_value", None, headers)


def test_a_field_of_the_message_in_an_event() -> None:
    """It is named where it stands."""
    wrong = COMMAND | {"user_id": 7}
    letter = refused(structured(wrong))
    assert (letter.reason, letter.error) == (
        "bad_envelope",
        "data.user_id: expected a text; came the number 7.",
    )
    assert refused(data(wrong), binary(wrong)).error == "user_id: expected a text; came the number 7."


def test_one_bad_change_in_a_structured_event() -> None:
    """It goes alone in a copy of the event, byte for byte; its neighbour counts."""
    event = structured(SCHEDULE, data={"changes": 1, "data": {"changes": []}} | data(SCHEDULE))
    value = json.dumps(event, indent=1).replace('"3"', '"\\u0033"').encode()
    got = reading("schedule-changed", value)
    (letter,) = got.letters
    assert letter.error == 'data.changes.0.version: expected a whole number; came "3".'
    assert b'"\\u0033"' in (letter.value or b"")
    copy = json.loads(letter.value or b"")
    assert copy == event | {"data": event["data"] | {"changes": SCHEDULE["changes"][:1]}}
    assert len(got.calendar_facts) == 1


def test_one_bad_change_in_a_binary_event() -> None:
    """Its letter has the event's headers, or nobody could read it again."""
    got = reading("schedule-changed", data(SCHEDULE), binary(SCHEDULE))
    (letter,) = got.letters
    assert letter.error == 'changes.0.version: expected a whole number; came "3".'
    assert json.loads(letter.value or b"") == data(SCHEDULE) | {"changes": SCHEDULE["changes"][:1]}
    assert letter.headers()[5:] == list(binary(SCHEDULE))


def test_a_command_from_the_future_in_an_event() -> None:
    """The attribute that says when is named."""
    at = (NOW + timedelta(minutes=6)).astimezone(UTC).isoformat()
    message = COMMAND | {"occurred_at": at}
    for value, headers, field in (
        (structured(message), (), "time"),
        (data(message), binary(message), "ce_time"),
        (structured(message, time=..., data=data(message) | {"occurred_at": at}), (), "data.occurred_at"),
    ):
        letter = refused(value, headers)
        assert (letter.reason, letter.error.partition(":")[0]) == ("from_the_future", field)


def test_headers_of_megabytes() -> None:
    """A letter with its headers is never longer than topics take, and all its copies fit into memory."""
    large: Headers = (*binary(SCHEDULE), ("ce_note", b"x" * LONGEST_LETTER))
    for value in (None, b"{", raw(data(SCHEDULE))):
        (letter,) = reading("schedule-changed", value, large).letters
        assert (letter.value, letter.carried) == (None, ())
        assert "too many for a letter" in letter.error
    many = data(SCHEDULE) | {"changes": [7] * 100}
    headers: Headers = (*binary(SCHEDULE), ("ce_note", b"x" * (MOST_COPIED // 99)))
    assert len(reading("schedule-changed", many, headers).letters) == 1


def test_no_text_of_an_event_in_an_error() -> None:
    """What stands in an attribute may be a name or a token."""
    secret = "Jane Roe, burn unit"
    for name in (*attributes(COMMAND), "datacontenttype", "data"):
        assert secret not in refused(structured(COMMAND, **{name: secret, "specversion": secret})).error
        if name != "data":
            headers = binary(COMMAND, **{name: secret, "specversion": secret})
            assert secret not in refused(data(COMMAND), headers).error
