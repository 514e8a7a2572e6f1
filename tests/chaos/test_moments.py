"""One worker, one call to Google, and the worst moment for something to happen to it."""

from __future__ import annotations

import signal
import time

from tests.chaos.conftest import SESSION_S, Deployment
from tests.e2e.messages import gone, shift
from tests.e2e.waiting import eventually


def begun(at: Deployment, method: str, since: int) -> bool:
    """Whether such a call has reached Google."""
    return any(one["method"] == method for one in at.google.journal(since))


def wait_begun(at: Deployment, method: str, since: int) -> None:
    """Wait for it."""
    assert eventually(lambda: begun(at, method, since), bool), at.world.workers[-1].tail()


def test_insert_whose_answer_is_lost_is_undone(deployment: Deployment) -> None:
    """Google made the event, nobody was told, and the shift is deleted before the next try: the event goes."""
    at, since = deployment, deployment.google.mark()
    at.google.fault("drop", method="events.insert", commit=True, times=1)
    at.agency.schedule(shift("s1", 1))
    wait_begun(at, "events.insert", since)
    at.agency.schedule(gone("s1", 2))
    at.user.keeps()


def test_delete_whose_answer_is_lost_is_undone(deployment: Deployment) -> None:
    """Google took the event off, nobody was told, and the shift is back before the next try: so is the event."""
    at = deployment
    at.agency.schedule(shift("s1", 1))
    at.user.shows("s1")
    at.world.settle()
    since = at.google.mark()
    at.google.fault("drop", method="events.delete", commit=True, times=1)
    at.agency.schedule(gone("s1", 2))
    wait_begun(at, "events.delete", since)
    at.agency.schedule(shift("s1", 3))
    at.user.keeps("s1")


def test_patch_whose_answer_is_lost_is_undone(deployment: Deployment) -> None:
    """Google changed the event, nobody was told, and the change is taken back before the next try: in the event, too."""
    at = deployment
    at.agency.schedule(shift("s1", 1))
    at.user.shows("s1")
    at.world.settle()
    since = at.google.mark()
    at.google.fault("drop", method="events.patch", commit=True, times=1)
    at.agency.schedule(shift("s1", 2, title="other"))
    wait_begun(at, "events.patch", since)
    at.agency.schedule(shift("s1", 3))
    at.user.keeps("s1")


def test_killed_with_a_call_under_way_that_is_undone(deployment: Deployment) -> None:
    """The worker dies before Google's answer; what it asked for is not wanted any more when another takes over."""
    at, since = deployment, deployment.google.mark()
    with at.user.slow(1_500):
        at.agency.schedule(shift("s1", 1))
        wait_begun(at, "events.insert", since)
        at.owner().kill()
        at.agency.schedule(gone("s1", 2))
        assert eventually(at.user.titles, lambda seen: seen == ["s1"]) == ["s1"]
    eventually(at.user.titles, lambda seen: not seen, seconds=SESSION_S + 15)
    at.user.keeps()


def test_killed_with_a_call_under_way_that_was_undone_before(deployment: Deployment) -> None:
    """The worker has already seen that the shift is gone, and waits for the answer, when it dies."""
    at, since = deployment, deployment.google.mark()
    with at.user.slow(2_500):
        at.agency.schedule(shift("s1", 1))
        wait_begun(at, "events.insert", since)
        owner = at.owner()
        at.agency.schedule(gone("s1", 2))
        time.sleep(1)  # it is folded, while the call goes on
        owner.kill()
        assert eventually(at.user.titles, lambda seen: seen == ["s1"]) == ["s1"]
    eventually(at.user.titles, lambda seen: not seen, seconds=SESSION_S + 15)
    at.user.keeps()


def test_frozen_with_a_call_under_way(deployment: Deployment) -> None:
    """A worker sleeps beyond its session in the middle of a call; another writes what is newer; the first wakes up."""
    at = deployment
    at.agency.schedule(shift("s1", 1, title="first"), shift("s2", 1, title="second"))
    at.user.shows("first", "second")
    at.world.settle()
    since = at.google.mark()
    with at.user.slow(1_000):
        at.agency.schedule(shift("s1", 2, title="old"), gone("s2", 2))
        wait_begun(at, "events.patch", since)
        zombie = at.owner()
        zombie.process.send_signal(signal.SIGSTOP)
    try:
        at.agency.schedule(shift("s1", 3, title="new"), shift("s2", 3, title="back"))
        seen = eventually(at.user.titles, lambda found: found == ["back", "new"], seconds=SESSION_S + 20)
        assert seen == ["back", "new"]
    finally:
        zombie.process.send_signal(signal.SIGCONT)
    time.sleep(2)
    at.user.keeps("back", "new")
    assert at.google.stats()["duplicate_inserts"] == []


def test_killed_with_open_work(deployment: Deployment) -> None:
    """Whoever starts after a worker that died looks first, and makes no write that is made already; after a stop nobody looks."""
    at = deployment
    names = [f"s{number}" for number in range(12)]
    with at.user.slow(300):
        since = at.google.mark()
        at.agency.schedule(*(shift(name, 1) for name in names))
        assert eventually(lambda: len(at.user.titles()), lambda seen: seen >= 4) < len(names)
        owner = at.owner()
        owner.kill()
    at.user.shows(*names)
    at.world.settle()
    mine = [one for one in at.google.journal(since) if one["account"] == at.user.account]
    heirs = [one["method"] for one in mine if one["method"] == "events.list"]
    assert len(heirs) == 1
    # A call under way when the worker died may be found by the look, or be made again while it is still on its way.
    inserts = [one["event_id"] for one in mine if one["method"] == "events.insert"]
    assert len(inserts) - len(set(inserts)) <= 4
    since = at.google.mark()
    (heir,) = (worker for worker in at.workers if worker.runs)
    assert heir.stop() == 0
    at.world.start("three").wait_ready()
    at.world.settle()
    assert [one for one in at.google.journal(since) if one["method"] == "events.list"] == []
