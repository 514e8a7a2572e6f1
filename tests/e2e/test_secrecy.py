"""Canaries through every failure path of a real worker at DEBUG: none is in any of its outputs.

Texts of shifts belong into the Google calendar, and a bad message's own bytes into the dead letter's value; nowhere else.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import zstandard

from tests.e2e.google import Google
from tests.e2e.kafka import Record
from tests.e2e.messages import Json, envelope, shift
from tests.e2e.waiting import eventually
from tests.e2e.world import INPUTS, Agency, User, World

TEXT: Final = "canary text"
#: Every word here must not be seen; what is made at random is added.
CANARIES: Final = [TEXT, "canary-secret", "canary-key", "canary-password", "canary-token", "canary-body"]

TEXTS: Final[dict[str, Any]] = {
    "title": f"{TEXT} title",
    "location": f"{TEXT} location",
    "notes": f"{TEXT} notes of Ann Muster",
}
GOOGLE: Final = {"message": "canary-body: " + TEXT}

#: What Google says of a write, each to a user of his own; its message echoes what was sent, as Google's do at times.
REFUSALS: Final[list[tuple[int, str]]] = [
    (400, "invalid"),
    (403, "forbidden"),
    (403, "forbiddenForNonOrganizer"),
    (403, "rateLimitExceeded"),
    (403, "quotaExceeded"),
    (403, "insufficientPermissions"),
    (403, "domainPolicy"),
    (403, "accessNotConfigured"),
    (403, "requiredAccessLevel"),
    (404, "notFound"),
    (409, "duplicate"),
    (429, "rateLimitExceeded"),
    (500, "backendError"),
    (503, "canary-body"),
]
#: What Google says instead of an access token.
GRANTS: Final = ["invalid_grant", "invalid_rapt", "admin_policy_enforced", "deleted_client", "canary-body"]


def _bad_messages(agency: str) -> Iterator[tuple[str, bytes | None]]:
    """Of each kind on each topic, with canaries wherever a text can stand."""
    good = envelope(agency, calendar_id="other", user_id="nobody", version=1, command="resync", changes=[])
    for topic in INPUTS:
        for field in (*good, "reason", "published_through", "purge"):
            yield topic, json.dumps(good | {field: [TEXT]}).encode()
            if field != "event_id":  # any text is one, and comes back as what caused a result
                yield topic, json.dumps(good | {field: f"{TEXT}\n/"}).encode()
        for torn in (f'"{TEXT}"', f'{{"title": "{TEXT}', f'["{TEXT}"]', f"{TEXT}\ud83d"):
            yield topic, torn.encode(errors="surrogatepass")
        yield topic, None
    odd: list[Any] = [
        TEXT,
        {"op": TEXT},
        {"op": "upsert", "shift": TEXT},
        {"op": "delete", "shift_id": TEXT + "/"},
    ]
    whole = shift("s", **TEXTS)["shift"]
    wrong = {"title": TEXT * 1_000, "user_id": [TEXT], "shift_id": TEXT + "/", "kind": [TEXT]}
    wrong |= dict.fromkeys(("version", "start", "end", "time_zone"), TEXT)
    odd += [{"op": "upsert", "shift": whole | {field: value}} for field, value in wrong.items()]
    yield "schedule-changed", json.dumps(good | {"changes": odd}).encode()


@pytest.fixture
def world(new_world: Callable[..., World], google: Google) -> World:
    made = new_world(
        google, log_level="DEBUG", log_format="json", google_client_secret="canary-secret", google_timeout_s=3
    )
    made.must("topics", "create")
    return made


def _trouble(users: list[User]) -> None:
    """Each user's own bad day."""
    google, account = users[0].google, (user.account for user in users)
    for status, reason in REFUSALS:
        options: Json = {"method": "events.insert", "status": status, "reason": reason, **GOOGLE}
        google.fault("status", account=next(account), **options)
    for word in GRANTS:
        options = {"method": "oauth.token", "status": 400, "reason": word, **GOOGLE}
        google.fault("status", account=next(account), **options)
    for kind in ("html", "empty", "drop", "hang", "unauthorized"):
        google.fault(kind, account=next(account), method="events.insert", seconds=5.0)


def _outputs(world: World, metrics: str) -> dict[str, str]:
    """Everything that comes out, but for calendars and the values of dead letters."""

    def seen(records: list[Record], *, values: bool) -> str:
        return "\n".join(f"{one.headers} {one.value!r}" if values else f"{one.headers}" for one in records)

    return {
        "the worker's log": "\n".join(worker.log.read_text() for worker in world.workers),
        "metrics": metrics,
        "sync-results": seen(world.records("sync-results"), values=True),
        "sync-status": seen(world.records("sync-status"), values=True),
        "dead letters' headers": seen(world.records("dead-letters"), values=False),
    }


def _found(outputs: dict[str, str], canaries: list[str]) -> list[str]:
    return [
        f"{canary[:20]} in {name}: ...{text[max(0, text.find(canary) - 300) : text.find(canary) + 60]}"
        for name, text in outputs.items()
        for canary in canaries
        if canary in text
    ]


def test_canaries_through_every_failure(world: World, google: Google) -> None:
    """Bad messages, Google's refusals, lost grants, keys that do not fit, and a crash: nothing of them is told."""
    names = [f"u{number}" for number in range(len(REFUSALS) + len(GRANTS) + 8)]
    agency = Agency(world, "canaries", *names)
    lines = [user.connection() for user in agency.users]
    tokens = [str(line["refresh_token"]) for line in lines]
    lines[-1]["refresh_token"] = "1//canary-token"  # one that Google does not know
    file = world.home / "grants.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    imported = world.must("connections", "import", str(file))
    lost = agency.users[-2]
    _seal_with_another_key(world, lost)
    _trouble(agency.users[1:])
    worker = world.start().wait_ready()
    agency.publish()
    agency.schedule(*(shift(f"s-{user.id}", user=user.id, **TEXTS) for user in agency.users))
    bad = list(_bad_messages(agency.id))
    for topic, value in bad:
        world.send(topic, value)
    happy = agency.users[0]
    happy.shows(TEXTS["title"])
    lost.is_told("needs_reauthorization", "token_unreadable")
    agency.users[-1].is_told("needs_reauthorization", "invalid_grant")
    assert eventually(lambda: len(world.records("dead-letters")) > 100, bool)
    refused = eventually(lambda: world.results(agency.users[1]), bool)
    assert [one["action"] for one in refused] == ["refused"]
    happy.command("resync")
    happy.is_told("in_sync")
    metrics = worker.get("/metrics")[1]
    assert "shiftcal_google_calls_total" in metrics
    _crash(world, happy)
    assert worker.process.wait(60) != 0
    keys = [world.settings["SHIFTCAL_VAULT_KEYS"]]
    outputs = _outputs(world, metrics)
    outputs["commands"] = imported.out + imported.err + _commands(world, agency)
    assert "ValidationError" in outputs["the worker's log"], worker.tail()
    assert "dead letter" in outputs["the worker's log"]
    assert _found(outputs, [*CANARIES, *tokens, *keys]) == []
    # Whom the operator asks for is shown to the operator; nobody's address is anywhere else.
    del outputs["commands"]
    assert _found(outputs, [user.account for user in agency.users]) == []


def _seal_with_another_key(world: World, user: User) -> None:
    """As if the key that it was stored with were not given any more."""
    line = json.dumps(user.connection())
    file = world.home / "other.jsonl"
    file.write_text(line)
    key = secrets.token_urlsafe(32) + "="
    world.must("connections", "import", str(file), vault_keys=key)


def _crash(world: World, user: User) -> None:
    """A record on an internal topic that nobody of ours has written."""
    fact = {"fact": "contribution", "agency_id": user.agency.id, "user_id": user.id, "wishes": {"s": TEXTS}}
    record = zstandard.compress(json.dumps(fact).encode())
    world.broker.send(f"{world.prefix}shiftcal-user-facts", [record], user.key.encode())


def _commands(world: World, agency: Agency) -> str:
    """What an operator sees who looks around, and whose settings are wrong."""
    password = "postgresql+asyncpg://me:canary-password@127.0.0.1:1/x"
    wrong: list[tuple[list[str], Json]] = [
        (["connections", "list"], {"vault_keys": "canary-key"}),
        (["connections", "list"], {"database_url": password}),
        (["connections", "list"], {"database_url": "canary-password"}),
        (["topics", "check"], {"partitions": "canary-secret"}),
        (["topics", "check"], {"kafka_bootstrap": "canary-secret"}),
        (["topics", "check"], {"kafka_security_protocol": "canary-secret"}),
        (["topics", "check"], {"google_api_url": "https://me:canary-password@x"}),
        (["vault", "rotate"], {"vault_keys": f"canary-key,{secrets.token_urlsafe(32)}="}),
        (["forget", agency.id, agency.users[0].id], {}),
        (["worker"], {"vault_keys": "canary-key"}),
        (["worker"], {"policies": "canary-secret.toml"}),
    ]
    said = []
    for arguments, settings in wrong:
        done = world.shiftcal(*arguments, **settings)
        assert done.status == 1, done
        said.append(done.complaint.replace("canary-secret.toml", "the file"))
    said += [world.must("dead-letters", "list").out, world.must("dead-letters", "list", "--json").out]
    return "\n".join(said)
