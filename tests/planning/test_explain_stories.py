"""Whatever has happened: what `explain` says of each shift is what stands, what is planned, and what the oracle wants."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis.stateful import rule

from planning.agenda import outlook
from planning.explain import explain
from schemas.explanations import Evidence
from schemas.rows import UserRow
from tests.planning.messages import CALENDARS, SHIFTS
from tests.planning.oracle import is_history
from tests.planning.test_convergence import EVERYBODY, OURS, Story
from tests.planning.world import Who

_WRITES = {"insert": "to_insert", "patch": "to_patch", "delete": "to_delete"}
_WANTED = {"there", "refused", "drift_deleted", "drift_altered", "on_its_way", *_WRITES.values()}
_STAYS = {"history", "kept", "held", "unheard", "left_behind", "removal_refused"}


class Explained(Story):
    """A deployment of which somebody asks why, at any time."""

    @rule()
    def somebody_asks_why(self) -> None:
        """In the middle of things: what is planned is what is said to be planned."""
        for who in EVERYBODY:
            for name in [(calendar, shift) for calendar in CALENDARS for shift in SHIFTS]:
                self._explained(who, name)

    def _check(self) -> None:
        super()._check()
        for who in EVERYBODY:
            truth, account = self._truth(who), self._account(who)
            events = list(self.world.google.standing(str(account)).values()) if account else []
            stands = {OURS.get(event["id"]) for event in events}
            past = {OURS.get(event["id"]) for event in events if is_history(event, self.world.now)}
            for name in [(calendar, shift) for calendar in CALENDARS for shift in SHIFTS]:
                found, codes = self._explained(who, name)
                wanted = name in truth.wanted and truth.state == "connected"
                assert (codes[0] in _WANTED) == wanted, (codes, truth.state)
                if not account or truth.state != "connected":
                    continue
                if found.on_calendar is None:
                    assert "too_old" in codes
                    continue
                lost = account == "stripping" or who in self.world.touched or (who[0], *name) in past
                # Nobody looks at history any more: what became of it since is not known.
                lost |= "history" in codes
                assert found.on_calendar == ((who[0], *name) in stands) or lost, codes
                if not wanted and found.on_calendar:
                    assert _STAYS.intersection(codes), codes

    def _explained(self, who: Who, name: tuple[str, str]) -> tuple[Any, list[str]]:
        world, (agency, user), (calendar, shift) = self.world, who, name
        row, roster = world.rows.get(who), world.tables.rosters.get((agency, calendar, user))
        known = Evidence(
            agency_id=agency,
            user_id=user,
            shift_id=shift,
            calendar_id=calendar,
            assignment=world.tables.assignments.get((agency, calendar, shift)),
            publication=world.tables.publications.get((agency, calendar)),
            wish=roster.shifts.get(shift) if roster else None,
            row=row,
        )
        policy = world.policies[agency]
        found = explain(known, policy, world.now)
        codes: list[str] = [reason.code for reason in found.reasons]
        one = row or UserRow(agency_id=agency, user_id=user)
        whole = outlook(one, policy, world.now)
        writes = {_WRITES[m.op] for m in whole.todo if (m.calendar_id, m.shift_id) == name}
        assert bool(found.on_calendar) == any(
            (a.calendar_id, a.shift_id) == name for a in one.applied.values()
        )
        assert writes == set(codes) & set(_WRITES.values()) or "on_its_way" in codes, (writes, codes)
        held = any((m.calendar_id, m.shift_id) == name for m in whole.held)
        assert held == bool({"held", "unheard"} & set(codes)) or "on_its_way" in codes
        return found, codes


TestExplained = Explained.TestCase
TestExplained.settings = settings(max_examples=25, stateful_step_count=25)
