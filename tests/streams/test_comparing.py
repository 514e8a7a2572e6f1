"""What two looks in a row say of users, and of a moment in which somebody was behind."""

from __future__ import annotations

from planning.comparing import Compared, compare
from schemas.comparisons import Waits
from streams.comparing import _Looked, _sure
from streams.shadow_calls import Asked
from tests.planning.build import AGENCY, NOW, USER, in_step, row, wish

KEY = f"{AGENCY}/{USER}".encode()
STILL = {"shiftcal": 0, "shiftcal-shadow": 0}
DIFFERS = compare(in_step({"1": wish()}), row(), NOW)
BUSY = Compared(waits=Waits(agency_id="metro", user_id="bob", why="the live group has 3 writes to make"))


def looked(found: dict[bytes, Compared], behind: dict[str, int] = STILL) -> _Looked:
    return _Looked(2, found, behind)


def test_a_difference_that_is_found_twice() -> None:
    """It counts, also while somebody else has work."""
    assert _sure(looked({KEY: DIFFERS}), looked({KEY: DIFFERS})) == {KEY: DIFFERS}
    found = {KEY: DIFFERS, b"metro/bob": BUSY}
    assert _sure(looked(found), looked(found)) == found


def test_a_difference_that_is_found_once() -> None:
    """It may be the last moment of a change on its way."""
    for before in (None, looked({}), looked({KEY: compare(in_step({"2": wish()}), row(), NOW)})):
        one = _sure(before, looked({KEY: DIFFERS}))[KEY]
        assert (one.differences, one.waits is not None) == ((), True)


def test_a_connection_that_stands_differently_once() -> None:
    """Likewise."""
    turned = compare(row(), None, NOW)
    assert turned.turned is not None
    assert _sure(looked({}), looked({KEY: turned}))[KEY].waits is not None
    assert _sure(looked({KEY: turned}), looked({KEY: turned}))[KEY] == turned


def test_somebody_who_is_behind() -> None:
    """Nothing counts, however often it is found."""
    behind = looked({KEY: DIFFERS}, STILL | {"shiftcal-shadow": 7})
    one = _sure(behind, behind)[KEY]
    assert one.differences == ()
    assert one.waits is not None


def test_whom_one_asks_about() -> None:
    """Everybody, an agency, a user; an agency whose name only begins alike is another one."""
    keys = [b"metro/ann", b"metro/anna", b"metropolis/ann"]
    assert [*map(Asked().wants, keys)] == [True, True, True]
    assert [*map(Asked("metro").wants, keys)] == [True, True, False]
    assert [*map(Asked("metro", "ann").wants, keys)] == [True, False, False]
