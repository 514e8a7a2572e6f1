"""What operators did, and what users chose: both are read as they were written."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from tests.vault.facts import AGENCY, EARLIER, LATER, NOON, Opener
from vault import AuditEntry, Vault


def entry(detail: str = "3 removals", *, agency: str = AGENCY, at: datetime = NOON) -> AuditEntry:
    """An operator's deed."""
    return AuditEntry(f"{agency}/olga", "release", agency, "ann", detail, at, "ann")


async def test_the_log(vault: Vault) -> None:
    """The newest come first, as they were written, whatever their times say."""
    assert await vault.audit.newest(9) == []
    for n in range(5):
        await vault.audit.write(entry(f"deed {n}", at=NOON - timedelta(minutes=n)))
    assert await vault.audit.newest(2) == [
        entry("deed 4", at=NOON - timedelta(minutes=4)),
        entry("deed 3", at=NOON - timedelta(minutes=3)),
    ]
    assert len(await vault.audit.newest(100)) == 5


async def test_the_log_of_one_agency(vault: Vault) -> None:
    """Others' entries stay out."""
    await vault.audit.write(entry())
    await vault.audit.write(entry(agency="west"))
    assert await vault.audit.newest(9, agency="west") == [entry(agency="west")]


async def test_odd_texts(vault: Vault) -> None:
    """They are kept as far as a database can: an action is never refused for how its subject is written."""
    await vault.audit.write(entry("nul \0, half \ud800, \U0001f691"))
    assert (await vault.audit.newest(1))[0].detail == "nul \ufffd, half ?, \U0001f691"


async def test_operators_who_act_at_once(vault: Vault, url: str, key: str, opened: Opener) -> None:
    """Every deed is there."""
    other = await opened(url, key)
    await asyncio.gather(*(one.audit.write(entry(str(n))) for n in range(10) for one in (vault, other)))
    assert sorted(one.detail for one in await vault.audit.newest(50)) == sorted(
        str(n) for n in [*range(10), *range(10)]
    )


async def test_an_old_log(vault: Vault) -> None:
    """What is older than four hundred days goes."""
    await vault.audit.write(entry("old"))
    await vault.audit.write(entry("new", at=LATER))
    await vault.tidy(NOON + timedelta(days=400))
    assert [one.detail for one in await vault.audit.newest(9)] == ["new"]


async def test_a_choice(vault: Vault) -> None:
    """It comes back as it was put; the namesake of another agency has none."""
    chosen = {"title_only": True, "color": 5, "target": {"calendar": "primary"}, "note": "\0 \ud800 ü"}
    await vault.preferences.put(AGENCY, "ann", chosen, NOON)
    assert await vault.preferences.get(AGENCY, "ann") == chosen
    assert await vault.preferences.get("west", "ann") is None


async def test_a_newer_choice(vault: Vault) -> None:
    """It takes the place of the older one, whole; one of the same instant does too."""
    await vault.preferences.put(AGENCY, "ann", {"color": 5, "title_only": True}, NOON)
    await vault.preferences.put(AGENCY, "ann", {"color": 6}, LATER)
    assert await vault.preferences.get(AGENCY, "ann") == {"color": 6}
    await vault.preferences.put(AGENCY, "ann", {}, LATER)
    assert await vault.preferences.get(AGENCY, "ann") == {}


async def test_an_older_choice(vault: Vault) -> None:
    """It comes too late, from a portal that was slow."""
    await vault.preferences.put(AGENCY, "ann", {"color": 6}, NOON)
    await vault.preferences.put(AGENCY, "ann", {"color": 5}, EARLIER)
    assert await vault.preferences.get(AGENCY, "ann") == {"color": 6}


async def test_everybodys_choices(vault: Vault) -> None:
    """Page by page everybody is met once, with the time of the choice, and in the order of ids."""
    for agency, user in (("west", "ann"), (AGENCY, "bob"), (AGENCY, "ann"), ("east", "zoe"), ("west", "bob")):
        await vault.preferences.put(agency, user, {"of": user}, NOON)
    met: list[tuple[str, str]] = []
    last = ("", "")
    while page := await vault.preferences.after(last, 2):
        assert all((one.value, one.at) == ({"of": one.user_id}, NOON) for one in page)
        met += [(one.agency_id, one.user_id) for one in page]
        last = met[-1]
    assert met == [("east", "zoe"), (AGENCY, "ann"), (AGENCY, "bob"), ("west", "ann"), ("west", "bob")]


async def test_a_choice_at_a_time_without_a_zone(vault: Vault) -> None:
    """It is refused: nobody knows which instant is meant."""
    with pytest.raises(Exception, match="zone"):
        await vault.preferences.put(AGENCY, "ann", {}, NOON.replace(tzinfo=None))
    assert await vault.preferences.get(AGENCY, "ann") is None
