"""What happens in the deployment that is stored: a little of everything that leaves its trace in a row.

In: a fresh deployment with a running worker. Out: rows of users in every state. Shifts lie in 2035, so that nothing of it is
history for a long time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from tests.e2e.messages import gone, shift
from tests.e2e.world import Agency, User, World

AGENCY: Final = "metro-ems"
USERS: Final = ("u1", "u2", "u3", "u4", "u5")
START: Final = datetime(2035, 6, 1, 12, tzinfo=UTC)
THROUGH: Final = "2035-12-31"


def play(world: World) -> None:
    """Play it through; every word of it is folded in the end."""
    agency = Agency(world, AGENCY, *USERS)
    one, two, three, four, _ = agency.users
    world.connect(one, two, three, four)
    world.settle()
    _burn(one, "s4")
    agency.publish(through=THROUGH)
    agency.publish(through=THROUGH, calendar="training")
    agency.publish(through=THROUGH, calendar="withdrawn")
    agency.schedule(*(_shift(f"s{number}", "u1", number) for number in range(12)))
    agency.schedule(_shift("for-two", "u2", 1), _shift("for-three", "u3", 2), _shift("for-four", "u4", 3))
    agency.schedule(_shift("for-five", "u5", 4), _shift("open", None, 5))
    agency.schedule(_shift("t1", "u1", 20, kind="training"), calendar="training")
    agency.schedule(_shift("w1", "u1", 21), _shift("w2", "u2", 21), calendar="withdrawn")
    world.settle()
    agency.schedule(
        _shift("s0", "u1", 0, 2, title="Medic 14 Night", notes="Bring the new radio", location="Station 4"),
        shift(
            "s1", 2, "u1", start=(START + timedelta(days=1)).date(), end=(START + timedelta(days=3)).date()
        ),
        _shift("s2", "u2", 2, 2),
        gone("s3", 2),
    )
    agency.unpublish(2, calendar="withdrawn")
    one.chooses(colour="sage", show_as="free")
    world.settle()
    two.command("disconnect")
    three.command("disconnect", purge=True)
    four.deactivate()
    one.command("resync")
    world.settle()
    _refuse(agency, one)


def _shift(
    shift_id: str, user: str | None, day: int, version: int = 1, **fields: object
) -> dict[str, object]:
    return shift(shift_id, version, user, start=START + timedelta(days=day), **fields)


def _burn(user: User, shift_id: str) -> None:
    """An id that Google never gives again, so that the shift's event gets another."""
    user.google.burn(user.calendar, user.id_of(shift_id), "gone")


def _refuse(agency: Agency, user: User) -> None:
    """One of his shifts Google will never take."""
    fault = user.google.fault(
        "status", method="events.insert", account=user.account, status=400, reason="invalid", times=1
    )
    agency.schedule(_shift("refused", user.id, 30))
    agency.world.settle()
    user.google.mend(fault)
