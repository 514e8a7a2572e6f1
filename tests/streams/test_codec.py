"""Every shape comes back as it went, by way of bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from planning.identity import event_id
from planning.window import instant
from schemas import facts, outcomes, rows
from schemas.cause import Cause
from schemas.messages import Delete, Shift, Upsert
from schemas.outputs import LastError, SyncStatus
from schemas.preferences import COLOUR_IDS, Preferences
from schemas.rows import RosterRow
from streams import codec

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ids = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/"), min_size=1, max_size=8)
numbers = st.integers(0, 2**63 - 1)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=zones)  # noqa: DTZ001 - zones are drawn
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))
maybe = st.none()
causes = st.builds(
    Cause, topic=words, partition=numbers, offset=numbers, event_id=words, occurred_at=moments, at=moments
)
who = {"agency_id": ids, "user_id": ids}
#: A midnight must stay a time, and a day a day.
edges = st.sampled_from([datetime(2026, 12, 2, tzinfo=UTC), date(2026, 12, 2)])
wishes = st.builds(
    facts.Wish,
    version=numbers,
    kind=words,
    title=words,
    start=moments | days | edges,
    end=moments | days | edges,
    time_zone=maybe | words,
    location=maybe | words,
    notes=maybe | words,
)
shift_of = {"calendar_id": ids, "shift_id": ids, "event_id": ids, "version": numbers}
stood = {"generation": numbers, "etag": words, "fingerprint": words, "start": moments, "end": moments}
observed = st.builds(outcomes.Observed, **shift_of, **stood, tagged=st.booleans())
told = {**shift_of, "at": moments, "cause": maybe | causes}
results = (
    st.builds(
        outcomes.Stored,
        **told,
        **stood,
        echo=words,
        action=st.sampled_from(["inserted", "patched", "adopted"]),
    )
    | st.builds(outcomes.Removed, **told, left=st.booleans())
    | st.builds(outcomes.Refused, **told, fingerprint=words, error=words, end=moments)
)
problems = st.builds(
    facts.Problem,
    state=st.sampled_from(["needs_reauthorization", "stopped", "paused"]),
    code=words,
    message=words,
    what_to_do=words,
    until=maybe | moments,
)
standings = st.sampled_from(["never", "published", "rolled_back", "unpublished"])


preferences = st.builds(
    Preferences,
    colour=st.sampled_from([None, *COLOUR_IDS]),
    details=st.sampled_from([None, "full", "title_only"]),
    show_as=st.sampled_from([None, "busy", "free"]),
)


def many(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, max_size=2).map(tuple)


def named(values: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    return st.dictionaries(ids, values, max_size=2)


withdrawals = st.builds(
    facts.Withdrawal, version=numbers, in_all=numbers, shifts=many(ids), released=st.booleans()
)
user_facts = st.one_of(
    st.builds(
        facts.Contribution,
        **who,
        calendar_id=ids,
        revision=numbers,
        standing=standings,
        wishes=named(wishes),
        touched=named(numbers),
        cause=causes,
        withdrawal=maybe | withdrawals,
    ),
    st.builds(facts.Connected, **who, cause=causes),
    st.builds(
        facts.Disconnected,
        **who,
        purge=st.booleans(),
        reason=st.sampled_from([None, "calendar_moved"]),
        cause=causes,
    ),
    st.builds(facts.Deactivated, **who, cause=causes),
    st.builds(facts.ResyncAsked, **who, cause=causes),
    st.builds(facts.CallsAnswered, **who, outcomes=many(results)),
    st.builds(
        facts.CalendarSeen,
        **who,
        verify=words,
        target=words,
        at=moments,
        window_start=moments,
        observed=many(observed),
        absent=many(ids),
        strips_properties=st.booleans(),
    ),
    st.builds(facts.TroubleFound, **who, connected_at=maybe | moments, problem=problems),
    st.builds(facts.TokenReleased, **who, ended_at=moments),
    st.builds(facts.UserReleased, **who, release_id=words),
    st.builds(facts.VerifyDue, **who, ticket=words),
    st.builds(facts.PreferencesSet, **who, preferences=preferences, occurred_at=moments),
)

calendar = {"agency_id": ids, "calendar_id": ids, "cause": causes}
changes = st.builds(Delete, op=st.just("delete"), shift_id=ids, version=numbers) | st.sampled_from(
    [
        Upsert(
            op="upsert",
            shift=Shift.model_validate_json(
                '{"shift_id":"1","version":7,"user_id":"u","title":"Day","start":"2026-12-02T07:00:00-05:00",'
                '"end":"2026-12-02T19:00:00-05:00","time_zone":"America/New_York","notes":"Radio"}'
            ),
        ),
        Upsert(
            op="upsert",
            shift=Shift.model_validate_json(
                '{"shift_id":"2","version":1,"title":"Leave","start":"2026-12-02","end":"2026-12-03"}'
            ),
        ),
    ]
)
messages = st.builds(facts.Changes, changes=many(changes), cause=causes)
calendar_facts = (
    st.builds(
        facts.ShiftsChanged,
        agency_id=ids,
        calendar_id=ids,
        messages=st.tuples(messages) | st.tuples(messages, messages),
    )
    | st.builds(
        facts.PublicationChanged,
        **calendar,
        version=numbers,
        standing=st.sampled_from(["published", "rolled_back", "unpublished"]),
        published_from=maybe | days,
        published_through=maybe | days,
    )
    | st.builds(facts.CalendarReleased, agency_id=ids, calendar_id=ids, release_id=words)
)

connections = st.builds(
    rows.Connection,
    state=st.sampled_from(["none", "connected", "disconnected", "deactivated"]),
    occurred_at=maybe | moments,
    connected_at=maybe | moments,
    purge=st.booleans(),
    reason=maybe | words,
    released=st.booleans(),
    verify=maybe | st.builds(rows.Verify, ticket=words, cause=maybe | causes),
    default_cause=maybe | causes,
    problem=maybe | problems,
    target=maybe | words,
    strips_properties=st.booleans(),
)
statuses = st.builds(
    SyncStatus,
    **who,
    state=st.sampled_from(["syncing", "in_sync", "paused"]),
    pending=numbers,
    oldest_pending_at=maybe | moments,
    last_error=maybe | st.builds(LastError, code=words, message=words, what_to_do=words),
)
applied = st.builds(
    rows.Applied, **stood, calendar_id=ids, shift_id=ids, version=numbers, echo=words, seen=st.booleans()
)
calendar_wishes = st.builds(
    rows.CalendarWish,
    revision=numbers,
    standing=standings,
    wishes=named(wishes),
    withdrawal=maybe | withdrawals,
    share=st.floats(0, 1),
    let_go=st.booleans(),
)


@st.composite
def user_rows(draw: st.DrawFn) -> rows.UserRow:
    """A row whose events are partly those of its wishes, in their version and at their times or not."""
    row = draw(bare_rows)
    wished = [
        (calendar, shift, wish)
        for calendar, wishes in row.calendars.items()
        for shift, wish in wishes.wishes.items()
    ]
    as_wished = [
        replace(
            draw(applied),
            calendar_id=calendar,
            shift_id=shift,
            version=wish.version if draw(st.booleans()) else 0,
            start=instant(wish.start),
            end=instant(wish.end) if draw(st.booleans()) else datetime(2026, 12, 2, 7, tzinfo=UTC),
        )
        for calendar, shift, wish in wished
        if draw(st.booleans())
    ]
    stands = [*as_wished, *draw(st.lists(applied, max_size=2))]
    return row.model_copy(
        update={
            "applied": {
                event_id(row.agency_id, one.calendar_id, one.shift_id, one.generation): one for one in stands
            }
        }
    )


bare_rows = st.builds(
    rows.UserRow,
    **who,
    calendars=named(calendar_wishes),
    burnt=named(st.builds(rows.Burnt, generation=numbers, end=moments)),
    refused=named(st.builds(rows.Refusal, fingerprint=words, error=words, end=moments)),
    open=named(st.builds(rows.Open, cause=causes, version=numbers)),
    drift=named(
        st.builds(rows.Drift, kind=st.sampled_from(["deleted", "altered"]), version=numbers, end=moments)
    ),
    let_go=st.booleans(),
    releases=many(ids),
    connection=connections,
    preferences=preferences,
    preferred_at=maybe | moments,
    last_synced_at=maybe | moments,
    status=maybe | statuses,
)
table_rows = st.one_of(
    user_rows(),
    st.builds(rows.RosterRow, shifts=named(wishes)),
    st.builds(rows.AssignmentRow, version=numbers, digest=words, user_id=maybe | ids, holders=many(ids)),
    st.builds(
        rows.PublicationRow,
        version=maybe | numbers,
        standing=standings,
        published_through=maybe | days,
        cause=maybe | causes,
        ever=many(st.builds(rows.Days, since=maybe | days, through=days)),
        taken_off=numbers,
        released=st.booleans(),
        releases=many(ids),
    ),
)


def _types(value: object) -> object:
    """A day and its midnight are told apart, which `==` on dates does as well; this says it aloud."""
    return (
        {name: type(wish.start) for name, wish in value.wishes.items()}
        if isinstance(value, facts.Contribution)
        else 0
    )


@given(user_facts)
def test_facts_about_users(fact: facts.UserFact) -> None:
    """Come back equal, and of the same kind; the very same where it was sent, once."""
    data = codec.encode(fact)
    sent, again = codec.user_record(data), codec.user_record(data)
    assert sent is fact
    assert again is not fact
    assert type(again) is type(fact)
    assert again == fact
    assert _types(again) == _types(fact)


@given(calendar_facts)
def test_facts_about_calendars(fact: facts.CalendarFact) -> None:
    """Come back equal, and of the same kind; the very same where it was sent, once."""
    data = codec.encode(fact)
    sent, again = codec.calendar_fact(data), codec.calendar_fact(data)
    assert sent is fact
    assert again is not fact
    assert type(again) is type(fact)
    assert again == fact


def test_facts_that_never_come_back() -> None:
    """Of what other workers read no more is remembered than fits; the oldest goes first."""
    sent, fact = codec.Sent(most=10), facts.VerifyDue(agency_id="a", user_id="u", ticket="t")
    for data in (b"four", b"five", b"four", b"six"):
        sent.remember(data, fact)
    assert [sent.forget(data) for data in (b"four", b"five", b"six")] == [None, fact, fact]
    sent.remember(b"seven ate nine", fact)
    assert sent.forget(b"seven ate nine") is None
    for data in (b"ten", b"ten", b"to ten"):
        sent.remember(data, fact)
    assert [sent.forget(data) for data in (b"ten", b"ten", b"to ten")] == [fact, None, fact]


@given(table_rows)
def test_rows(row: BaseModel) -> None:
    """Come back equal; encoded again, they are the same bytes, so that a remembered row is known by them."""
    data = codec.encode_row(row)
    again = codec.decode(type(row), data)
    assert again == row
    assert codec.encode_row(again) == data


def test_a_row_of_many_shifts() -> None:
    """Repeats itself, and takes a tenth of its JSON."""
    wish = facts.Wish(
        version=1,
        kind="shift",
        title="Medic 12 Day",
        start=date(2026, 12, 2),
        end=date(2026, 12, 3),
    )
    row = rows.RosterRow(shifts={str(n): wish for n in range(60)})
    assert len(codec.encode_row(row)) < len(codec.plain(row)) / 10


@pytest.mark.parametrize("ids", [("a",), ("a", "b"), ("a", "b", "ü")])
def test_keys(ids: tuple[str, ...]) -> None:
    """Come apart again at their slashes."""
    assert tuple(codec.key(*ids).decode().split("/")) == ids


@pytest.mark.parametrize("read", [codec.user_record, codec.calendar_fact])
def test_a_record_that_is_not_ours(read: Callable[[bytes], object]) -> None:
    """It is a crash whose reason names the field, and shows nothing of a schedule."""
    torn = {"fact": "shifts_changed", "agency_id": "a", "changes": "Nachtdienst"}
    torn |= {"contribution": "Nachtdienst"}
    for record in (
        torn,
        torn | {"fact": "contribution", "wishes": {"1": {"title": "Nachtdienst"}}},
        ["Nachtdienst"],
    ):
        with pytest.raises(ValidationError) as caught:
            read(zstandard.compress(json.dumps(record).encode()))
        assert "Nachtdienst" not in str(caught.value) + repr(caught.value)
        assert "input_value" not in str(caught.value)


def test_a_row_that_is_not_ours() -> None:
    """As above."""
    with pytest.raises(ValidationError) as caught:
        codec.decode(RosterRow, zstandard.compress(b'{"shifts": {"1": {"title": "Nachtdienst"}}}'))
    assert "Nachtdienst" not in str(caught.value)
