"""What goes wrong with machines while a story is told: workers, the broker, and Google for everybody at once.

In: dice, who can be disturbed. Out: disturbances at their places in the story, each with a line in `log`. The plan is the
seed's; what it meets depends on the moment, so two runs of one seed differ in their troubles, not in their messages.
"""

from __future__ import annotations

import random
import time
from collections import Counter

from tests.chaos import weather
from tests.chaos.crew import Crew
from tests.e2e.google import Google
from tests.kafka import Kafka

MOST = 3


class Trouble:
    """Strikes some ten times in a story."""

    def __init__(
        self, crew: Crew, kafka: Kafka, google: Google, dice: random.Random, session_s: float
    ) -> None:
        self._crew, self._kafka, self._google, self._dice, self._session = (
            crew,
            kafka,
            google,
            dice,
            session_s,
        )
        kinds = ["kill", "stop", "freeze", "long freeze", "join", "outage"]
        weights = [26, 16, 14, 18, 12, 14]
        planned = dice.choices(kinds, weights, k=dice.randint(7, 11))
        # Once at most, and not in every story: a broker's restart takes seconds.
        planned += dice.choice(([], [], ["broker killed"], ["broker frozen"]))
        dice.shuffle(planned)
        places = sorted(dice.uniform(0.1, 1.0) for _ in planned)
        self._plan = list(zip(places, planned, strict=True))
        self._began = time.monotonic()
        self.broker: Counter[str] = Counter()
        self.log: list[str] = []

    def tick(self, place: float) -> None:
        """Do what is due at this place of the story."""
        while self._plan and self._plan[0][0] <= place:
            _, kind = self._plan.pop(0)
            self._strike(kind)

    def _strike(self, kind: str) -> None:
        dice, crew = self._dice, self._crew
        up = crew.up()
        slot = dice.choice(up) if up else None
        back = dice.choice((0.0, 0.0, 0.5, 2.0, self._session + 1))
        match kind:
            case "join":
                if len(crew.slots) < MOST:
                    crew.join()
            case "outage":
                weather.outage(self._google, dice.uniform(0.5, 2.5))
            case "broker killed":
                self._kafka.kill()
                time.sleep(dice.uniform(0, 1))
                self._kafka.restart()
                self.broker[kind] += 1
            case "broker frozen":
                self._kafka.pause()
                time.sleep(dice.uniform(0.5, self._session + 1))
                self._kafka.resume()
                self.broker[kind] += 1
            case _ if slot is None:
                self._note(f"{kind}: nobody is up")
                return
            case "kill":
                crew.kill(slot, back)
            case "stop":
                crew.stop(slot, back)
            case "freeze":
                crew.freeze(slot, dice.uniform(0.3, 2.0))
            case _:
                crew.freeze(slot, self._session + dice.uniform(0.5, 2.5))
        self._note(f"{kind} {slot.name if slot else ''} {back:g}")

    def _note(self, text: str) -> None:
        self.log.append(f"{time.monotonic() - self._began:6.1f} {text}")
