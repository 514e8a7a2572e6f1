"""What the pages say, in each language.

Comes in: `texts/*.toml` and what a browser prefers. Goes out: `Words`, which answers a key with a text. Not here: any text.

Whatever is filled into a text is filled in plain; the templates escape it, as they do with everything.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib import resources
from typing import Any, Final

#: What is spoken where nothing else is asked for.
FIRST: Final = "en"
#: No browser sends more; whatever does is not read to its end.
_ACCEPT_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: str
    texts: Mapping[str, Any]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of a key, filled in; a key that is not there is a mistake of ours."""
        return str(self.texts[key]).format_map(values)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.texts

    def count(self, key: str, number: int, **values: object) -> str:
        """Return the text for so many."""
        return self(f"{key}.{'one' if number == 1 else 'other'}", number=number, **values)

    def each(self, key: str) -> list[str]:
        """Return the paragraphs of a key."""
        return [str(text) for text in self.texts[key]]

    def day(self, day: date) -> str:
        """Spell a day: Wednesday, December 2."""
        weekday, month = self.texts["date.weekdays"][day.weekday()], self.texts["date.months"][day.month - 1]
        return self("date.day", weekday=weekday, month=month, day=day.day)

    def time(self, at: datetime) -> str:
        """Spell a time of the day, in its own zone: 7:00 am."""
        clock = f"{at.minute:02}"
        if self("date.clock") == "24":
            return f"{at.hour}:{clock}"
        return f"{at.hour % 12 or 12}:{clock} {'am' if at.hour < 12 else 'pm'}"

    def moment(self, at: datetime) -> str:
        """Spell a day and a time."""
        return self("date.moment", day=self.day(at.date()), time=self.time(at))

    def duration(self, milliseconds: int) -> str:
        """Spell how long something took: 0.4 seconds, 12 seconds, 3 minutes."""
        seconds = milliseconds / 1000
        if seconds < 10:
            return self("date.seconds", number=f"{seconds:.1f}")
        if seconds < 120:
            return self("date.seconds", number=round(seconds))
        minutes = round(seconds / 60)
        return (
            self("date.minutes", number=minutes)
            if minutes < 120
            else self("date.hours", number=round(minutes / 60))
        )


class Texts:
    """All languages, read once: those of which there is a file."""

    def __init__(self) -> None:
        files = (file.name for file in resources.files("portal").joinpath("texts").iterdir())
        names = sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))
        self._words = {language: Words(language, _read(language)) for language in names}

    def __iter__(self) -> Iterator[Words]:
        """Every language, in order."""
        return iter(self._words.values())

    def __getitem__(self, language: str) -> Words:
        """The words of a language that there is."""
        return self._words[language]

    def preferred(self, chosen: str | None, accept: str) -> Words:
        """Return the words of the language that was chosen, else of the one that the browser likes best."""
        if chosen in self._words:
            return self._words[str(chosen)]
        ranked = sorted(_ranked(accept[:_ACCEPT_MOST]), key=lambda pair: -pair[0])
        return next((self._words[name] for _, name in ranked if name in self._words), self._words[FIRST])


def _ranked(accept: str) -> list[tuple[float, str]]:
    """Read an Accept-Language header (RFC 9110, 12.5.4); what cannot be read says nothing."""
    found = []
    for each in accept.split(","):
        name, _, quality = each.partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if 0 < weight <= 1:
            found.append((weight, name.strip().lower().partition("-")[0]))
    return found


def _read(language: str) -> dict[str, Any]:
    file = resources.files("portal").joinpath("texts", f"{language}.toml")
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8"))))


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        found += _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [(prefix + key, value)]
    return found
