"""Connect, disconnect, deactivate: what stays, what goes, and who holds a token afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.e2e.conftest import TWINS, Pool, from_pool
from tests.e2e.messages import Json, gone, in_days, properties, shift, timed
from tests.e2e.waiting import eventually
from tests.e2e.world import Agency, User, World


def held(user: User) -> Json:
    """How the vault holds the user."""
    told = json.loads(user.world.must("connections", "list", user.agency.id, "--json").out)
    return next(dict(one) for one in told if one["user_id"] == user.id)


def now() -> datetime:
    return datetime.now(UTC)


def revoked(user: User) -> None:
    """Wait until Google honours no token of this account."""
    assert eventually(lambda: user.google.grants(user.account), lambda seen: seen == 0) == 0


def test_connect_finds_events_there(agency: Agency) -> None:
    """What is ours and right is adopted, what differs patched, what is missing inserted, what is unwanted deleted."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("right"), shift("differs"), shift("missing"), shift("goes"))
    u1.shows("right", "differs", "missing", "goes")
    u1.google.alter(u1.calendar, u1.id_of("differs"), {"summary": "by hand", "colorId": "5"})
    u1.google.delete(u1.calendar, u1.id_of("missing"))
    unwanted = {
        "id": u1.id_of("unwanted"),
        "summary": "unwanted",
        "extendedProperties": properties(agency.id, "ops", "unwanted"),
    }
    u1.google.add(u1.calendar, unwanted | timed(in_days(2)))
    history = unwanted | {"id": u1.id_of("history"), "summary": "history"}
    history["extendedProperties"] = properties(agency.id, "ops", "history")
    u1.google.add(u1.calendar, history | timed(in_days(-45)))
    since = u1.google.mark()
    u1.command("connect")
    u1.shows("right", "differs", "missing", "goes", "history")
    assert u1.stands("differs")["colorId"] == "5"
    # One read because no listing had shown that id before, and one because Google holds the event as cancelled.
    assert sorted(u1.calls(since)) == ["delete", "get", "get", "insert", "list", "patch", "patch"]
    u1.is_told("in_sync")


def test_a_user_who_connects_when_everything_is_published(world: World) -> None:
    """He gets it all, on the calendar that he named; what changed while nobody listened costs its net."""
    agency = Agency(world, "newcomers", "u1", "u2")
    u1, u2 = agency.users
    u2.google.account(u2.account)
    u2.calendar = u2.google.ask("POST", "calendars", {"account": u2.account, "summary": "work"})["id"]
    agency.publish()
    agency.schedule(*(shift(f"s{n}", start=in_days(n)) for n in range(1, 6)))
    agency.schedule(
        shift("s1", 2, start=in_days(1), title="edited"), gone("s2", 2), shift("other", user="u2")
    )
    world.settle()
    assert world.status(u1)["state"] == "not_connected"
    world.connect(u1, u2)
    u1.shows("edited", "s3", "s4", "s5")
    u2.shows("other")
    assert u2.google.events(u2.account) == []
    assert u1.calls() == ["list"] + ["insert"] * 4
    u1.is_told("in_sync")


def test_connect_without_a_token(agency: Agency) -> None:
    """The user is asked to connect again, and nothing else happens to anybody."""
    u1, _ = agency.users
    stranger = agency.user("stranger")
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", user="stranger"))
    stranger.command("connect")
    status = stranger.is_told("needs_reauthorization", "no_token")
    assert status["last_error"]["what_to_do"]
    u1.shows("s1")


def test_events_of_ours_but_no_word_about_the_user(agency: Agency) -> None:
    """They are held, not removed, for the memory is likelier lost than the shifts; a word about him releases them."""
    u1, _ = agency.users
    event = {
        "id": u1.id_of("s1"),
        "summary": "stood here",
        "extendedProperties": properties(agency.id, "ops", "s1"),
    }
    u1.google.add(u1.calendar, event | timed(in_days(3)))
    u1.command("connect")
    u1.is_told("paused", "held")
    u1.keeps("stood here")
    agency.publish()
    agency.schedule(shift("s2"))
    u1.shows("s2")
    u1.is_told("in_sync")


def test_disconnect(agency: Agency) -> None:
    """The events stay, no call begins any more, and the token is erased and revoked."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"))
    u1.shows("s1")
    agency.world.must("disconnect", agency.id, "u1")
    u1.is_told("stopped")
    revoked(u1)
    since = u1.google.mark()
    agency.schedule(shift("s1", 2, title="edited"), shift("s2"))
    u1.command("resync")
    u1.keeps("s1")
    assert u1.calls(since) == []
    assert held(u1)["state"] == "ended"


def test_disconnect_with_purge(agency: Agency) -> None:
    """Ours go first, but for history; the user's own events stay, copies of ours too."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2"))
    u1.shows("s1", "s2")
    own = u1.google.add(u1.calendar, {"summary": "dentist", **timed(in_days(1))})
    copy = {"summary": "copy", "extendedProperties": properties(agency.id, "ops", "s1")}
    u1.google.add(u1.calendar, copy | timed(in_days(3)))
    history = {
        "id": u1.id_of("old"),
        "summary": "old",
        "extendedProperties": properties(agency.id, "ops", "old"),
    }
    u1.google.add(u1.calendar, history | timed(in_days(-40)))
    u1.command("disconnect", purge=True)
    u1.shows("dentist", "copy", "old")
    u1.is_told("stopped")
    revoked(u1)
    assert u1.google.event(u1.calendar, own["id"]) == own


def test_a_disconnect_that_is_older_than_the_connect(agency: Agency) -> None:
    """Delivered late or again it neither erases nor revokes; at the very time of the connect neither."""
    u1, _ = agency.users
    agency.publish()
    at = u1.connected_at()
    u1.command("disconnect", at)
    u1.command("disconnect", at - timedelta(seconds=1), purge=True)
    u1.command("connect", at - timedelta(hours=1))
    agency.schedule(shift("s1"))
    u1.shows("s1")
    u1.is_told("in_sync")
    assert u1.google.grants(u1.account) == 1


def test_connect_again(agency: Agency, world: World, pool: Pool) -> None:
    """After a disconnect, a deactivation, or a grant taken back at Google: what stayed is adopted, what was missed done."""
    u1, u2 = agency.users
    u3, neighbour = from_pool(world, pool, "plain").users
    agency.publish()
    u3.agency.publish()
    agency.schedule(shift("s1"), shift("s2"), shift("s3"), shift("left", user="u2"))
    u1.shows("s1", "s2", "s3")
    u2.shows("left")
    ended_at = now()
    u1.command("disconnect", ended_at)
    u2.deactivate(ended_at)
    u3.google.ask("POST", f"accounts/{u3.account}/invalidate", {})
    u3.agency.schedule(shift("t1"), shift("t2", user="u2"))
    neighbour.shows("t2")
    u3.is_told("needs_reauthorization", "invalid_grant")
    u2.is_told("deactivated")
    revoked(u1)
    revoked(u2)
    agency.schedule(
        shift("s1", 2, title="edited"), gone("s2", 2), shift("s4"), shift("left", 2, "u2", title="new")
    )
    u1.keeps("s1", "s2", "s3")
    assert u2.titles() == ["left"]
    assert u3.titles() == []
    world.connect(u1, u2, u3)
    u1.shows("edited", "s3", "s4")
    u2.shows("new")
    u3.shows("t1")
    u1.command("disconnect", ended_at)
    u2.deactivate(ended_at)
    agency.schedule(shift("s5"), shift("left", 3, "u2", title="newer"))
    u1.shows("edited", "s3", "s4", "s5")
    u2.shows("newer")
    for user in (u1, u2, u3):
        user.is_told("in_sync")
        assert user.google.grants(user.account) == 1


def test_one_google_account_in_two_agencies(world: World) -> None:
    """Its grant is revoked with the last live connection only."""
    here, there = Agency(world, "twins-1"), Agency(world, "twins-2")
    one, other = (each.user("u1", TWINS) for each in (here, there))
    for each in (here, there):
        each.publish()
        each.schedule(shift("s1", title=each.id))
    one.shows("twins-1", "twins-2")
    one.command("disconnect", purge=True)
    one.shows("twins-2")
    one.is_told("stopped")
    there.schedule(shift("s1", 2, title="still there"))
    other.shows("still there")
    assert other.google.grants(TWINS) > 0
    other.command("disconnect")
    other.is_told("stopped")
    revoked(other)


def test_a_calendar_that_another_user_connects(agency: Agency) -> None:
    """It moves: the first user is stopped with the reason, and the second one's events stand there alone."""
    u1, _ = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s3", user="u3"))
    u1.shows("s1")
    u3 = agency.user("u3", u1.account)
    agency.world.connect(u3)
    status = u1.is_told("stopped", "calendar_moved")
    assert status["last_error"]["what_to_do"]
    u3.is_told("in_sync")
    u3.shows("s3")
    agency.schedule(shift("s1", 2, title="edited"), shift("s3", 2, "u3", title="live"))
    u3.shows("live")
    u3.keeps("live")
    assert u3.google.grants(u3.account) > 0


def test_deactivation(agency: Agency) -> None:
    """Newer than the connect it ends the sync as a disconnect without purge; older or as old it is no news."""
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", user="u2"))
    u1.shows("s1")
    u2.shows("s2")
    at = u1.connected_at()
    u1.deactivate(at)
    u1.deactivate(at - timedelta(days=1))
    agency.schedule(shift("s1", 2, title="live"))
    u1.shows("live")
    u1.is_told("in_sync")
    u2.deactivate()
    u2.is_told("deactivated")
    revoked(u2)
    since = u2.google.mark()
    agency.schedule(shift("s2", 2, "u2", title="edited"))
    u2.keeps("s2")
    assert u2.calls(since) == []


def test_who_leaves_takes_the_future_along(leaving: Agency) -> None:
    """With the policy `remove_future` what has not started goes, what has started stays."""
    u1, u2 = leaving.users
    leaving.publish()
    leaving.schedule(
        shift("past", start=in_days(-3)),
        shift("running", start=now() - timedelta(hours=1)),
        shift("future"),
        shift("disconnected", user="u2"),
    )
    u1.shows("past", "running", "future")
    u2.shows("disconnected")
    u1.deactivate()
    u2.command("disconnect")
    u1.shows("past", "running")
    u1.is_told("deactivated")
    revoked(u1)
    u2.is_told("stopped")
    u2.keeps("disconnected")


def test_deactivation_with_proof(agency: Agency) -> None:
    """While Google does not confirm the revocation the status and the list say so, and it is asked until it does."""
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", user="u2"))
    u1.shows("s1")
    u2.shows("s2")
    fault = u1.google.fault("status", method="oauth.revoke", account=u1.account, status=503)
    u1.deactivate()
    u1.is_told("deactivated", "not_revoked_yet")
    assert held(u1)["state"] == "revoking"
    agency.schedule(shift("s2", 2, "u2", title="edited"))
    u2.shows("edited")
    u1.google.mend(fault)
    revoked(u1)
    u1.is_told("deactivated")
    assert held(u1)["state"] == "ended"
    u1.keeps("s1")


def test_a_consent_without_the_permission_to_write(agency: Agency) -> None:
    """The user is told which permission is missing, nothing is called; with it one look and the difference are made."""
    u1, u2 = agency.users
    agency.publish()
    agency.schedule(shift("s1"), shift("s2", user="u2"))
    u1.shows("s1")
    narrow = u1.connection() | {"scopes": ["https://www.googleapis.com/auth/calendar.events.readonly"]}
    file = agency.world.home / f"{agency.id}.jsonl"
    file.write_text(json.dumps(narrow))
    since = u1.google.mark()
    said = agency.world.must("connections", "import", str(file)).out
    assert f"{u1.key} gave no permission to write events" in said
    status = u1.is_told("needs_reauthorization", "insufficient_scope")
    assert "ticked" in status["last_error"]["what_to_do"]
    agency.schedule(shift("s1", 2, title="edited"), shift("s2", 2, "u2", title="live"))
    u2.shows("live")
    assert u1.calls(since) == []
    agency.world.connect(u1)
    u1.shows("edited")
    u1.is_told("in_sync")
    assert u1.calls(since) == ["list", "patch"]
