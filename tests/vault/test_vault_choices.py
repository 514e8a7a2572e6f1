"""Users' choices, in the order of their ids."""

from __future__ import annotations

from datetime import UTC, datetime

from vault import Vault

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def test_a_walk_over_all_choices(vault: Vault) -> None:
    """Each is met once, in slices as large as one likes; agencies do not mix."""
    everybody = [("a", "2"), ("a", "1"), ("b", "0"), ("a-b", "x")]
    for agency, user in everybody:
        await vault.preferences.put(agency, user, {"colour": user}, NOON)
    met, last = [], ("", "")
    while some := await vault.preferences.after(last, limit=3):
        met += some
        last = (some[-1].agency_id, some[-1].user_id)
    assert sorted((one.agency_id, one.user_id) for one in met) == sorted(everybody)
    assert all(one.value == {"colour": one.user_id} and one.at == NOON for one in met)
