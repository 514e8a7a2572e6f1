"""The twin and the client keep one contract."""

from __future__ import annotations

import pytest

from gcal.client import GoogleCalendar
from gcal.memory import MemoryGoogle
from gcal.memory_port import MemoryCalendars
from sandbox.google import StandIn
from tests.gcal.contract import TEAM, CalendarContract
from tests.gcal.world import ACCOUNT, HttpWorld, MemoryWorld, World

#: Another zone than that of the shifts.
ZONE = "Europe/Berlin"


class TestInMemory(CalendarContract):
    @pytest.fixture
    def world(self) -> World:
        return MemoryWorld(MemoryCalendars(MemoryGoogle(time_zone=ZONE)))


class TestOverHttp(CalendarContract):
    @pytest.fixture
    def world(self, standin: StandIn, client: GoogleCalendar) -> World:
        standin.state.add_account(ACCOUNT, ZONE)
        standin.state.add_calendar(ACCOUNT, "Team", ZONE, calendar_id=TEAM)
        return HttpWorld(standin, client, ZONE)
