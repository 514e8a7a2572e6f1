"""What users choose reaches the agent that owns their rows, and is known again when all state is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from schemas.facts import PreferencesSet
from schemas.preferences import Preferences
from streams import codec
from streams.names import Names
from streams.preferences import choose, chosen, tell_all_preferences
from vault import Vault

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GRAPE = Preferences(colour="grape", show_as="free")
NAMES = Names("p.")


class Topic:
    """Takes records until its broker is gone."""

    def __init__(self) -> None:
        self.gone = False
        self.records: list[tuple[str, bytes, bytes]] = []

    async def deliver(self, topic: str, key: bytes, value: bytes) -> None:
        if self.gone:
            raise ConnectionError("the broker is gone")
        self.records.append((topic, key, value))

    def facts(self) -> list[Any]:
        assert {topic for topic, _, _ in self.records} <= {NAMES.user_facts}
        return [codec.user_record(value) for _, _, value in self.records]


@pytest.fixture
async def vault(tmp_path: Path) -> AsyncIterator[Vault]:
    vault = await Vault.open(f"sqlite+aiosqlite:///{tmp_path}/vault.db", [])
    yield vault
    await vault.close()


def chose(preferences: Preferences = GRAPE, user: str = "ann", at: datetime = NOON) -> PreferencesSet:
    return PreferencesSet(agency_id="metro", user_id=user, preferences=preferences, occurred_at=at)


async def _choose(vault: Vault, topic: Topic, *facts: PreferencesSet) -> None:
    for fact in facts:
        await choose(vault, cast("Any", topic), NAMES, fact)


async def test_a_choice(vault: Vault) -> None:
    """It is told under the user's key, and kept."""
    topic = Topic()
    assert await chosen(vault, "metro", "ann") == Preferences()
    await _choose(vault, topic, chose())
    assert (topic.facts(), topic.records[0][1]) == ([chose()], b"metro/ann")
    assert await chosen(vault, "metro", "ann") == GRAPE
    assert await chosen(vault, "metro", "bob") == Preferences()


async def test_a_choice_that_could_not_be_told(vault: Vault) -> None:
    """Whoever made it hears of it, and no form shows it."""
    topic = Topic()
    topic.gone = True
    with pytest.raises(ConnectionError):
        await _choose(vault, topic, chose())
    assert await chosen(vault, "metro", "ann") == Preferences()


async def test_an_older_choice(vault: Vault) -> None:
    """The newest is kept, whatever comes after it."""
    topic = Topic()
    await _choose(vault, topic, chose(at=NOON + timedelta(seconds=1)), chose(Preferences()))
    assert await chosen(vault, "metro", "ann") == GRAPE


async def test_everybodys_choices(vault: Vault) -> None:
    """Each is told once, as it was made, however many there are."""
    topic, again = Topic(), Topic()
    facts = [chose(user=f"u{number:04}", at=NOON + timedelta(seconds=number)) for number in range(1_001)]
    for fact in facts:
        await vault.preferences.put(
            fact.agency_id, fact.user_id, fact.preferences.model_dump(exclude_none=True), fact.occurred_at
        )
    await tell_all_preferences(vault, cast("Any", topic), NAMES)
    assert topic.facts() == facts
    await tell_all_preferences(vault, cast("Any", again), NAMES)
    assert again.records == topic.records
