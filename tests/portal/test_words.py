"""What the pages say: the same in every language, and nowhere else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import portal
from gcal.probe import FATAL, Finding
from portal.choices import _OPTIONS
from portal.problems import _KEYS
from portal.standing import Mode
from portal.wording import Texts, Words
from schemas.outputs import Action
from schemas.views import Place

TEXTS = Texts()
ROOM = Path(str(portal.__file__)).parent
ENGLISH = TEXTS["en"]


def holes(text: object) -> set[str | None]:
    """What is filled into a text."""
    return {name for _, name, _, _ in Formatter().parse(str(text)) if name is not None}


@pytest.mark.parametrize("language", [words.language for words in TEXTS])
def test_a_language(language: str) -> None:
    """It has every key, each with the same things to fill in, and none is empty."""
    words = TEXTS[language]
    assert words.texts.keys() == ENGLISH.texts.keys()
    for key, text in words.texts.items():
        if isinstance(text, list):
            assert len(text) == len(ENGLISH.texts[key])
            assert all(text)
            continue
        assert text.strip(), key
        missing = holes(ENGLISH.texts[key]) - holes(text)
        assert holes(text) <= holes(ENGLISH.texts[key]) | {"number"}, key
        assert missing <= {"number"}, key


def test_the_languages() -> None:
    """English and Spanish come with it."""
    assert [words("language.name") for words in TEXTS] == ["English", "Español"]


def test_every_text_that_is_asked_for() -> None:
    """Templates and code name keys that there are."""
    asked = set()
    for file in [*ROOM.glob("templates/**/*.html"), *ROOM.glob("*.py")]:
        text = file.read_text()
        asked |= set(re.findall(r'words(?:_of\(request\))?\("([a-z_.]*[a-z])"', text))
        asked |= {f"{key}.one" for key in re.findall(r'\.count\("([a-z_.]+)"', text)}
        asked |= {f"entry.{why}" for why in re.findall(r'outside\(request, "(\w+)"', text)}
        asked |= {f"said.{said}" for said in re.findall(r'\bRefused\("(\w+)"', text)}
    assert len(asked) > 60
    assert sorted(asked - ENGLISH.texts.keys()) == []


def test_every_text_that_is_put_together() -> None:
    """States, findings, places, actions and problems all have words."""
    keys = [f"test.{finding}" for finding in get_args(Finding)]
    keys += [f"test.{finding}" for finding in FATAL]
    keys += [f"status.{mode}" for mode in get_args(Mode) if mode not in {"syncing", "starting_late"}]
    keys += [f"shifts.{place}" for place in get_args(Place)]
    keys += [f"last.{action}" for action in get_args(Action)]
    keys += [f"problem.{key}" for key in _KEYS.values()]
    keys += [f"entry.{why}" for why in ("missing", "invalid", "expired", "used", "ended", "user", "operator")]
    keys += [f"choices.{name}_{option}" for name, options in _OPTIONS.items() for option in options]
    keys += [f"choices.{name}" for name in _OPTIONS]
    assert [key for key in keys if not ENGLISH.has(key)] == []


def test_texts_stand_in_one_place() -> None:
    """No template says anything itself."""
    for file in ROOM.glob("templates/**/*.html"):
        bare = re.sub(r"\{[{%#].*?[}%#]\}|<[^>]*>|\w+=\"[^\"]*\"", " ", file.read_text(), flags=re.DOTALL)
        assert set(re.findall(r"[A-Za-z]{3,}", bare)) <= {"UTC", "min"}, (
            file.name
        )  # the same in every language


@pytest.mark.parametrize(
    ("language", "spelled"),
    [("en", "Wednesday, December 2, 7:05 am"), ("es", "miércoles, 2 de diciembre, 7:05")],
)
def test_a_moment(language: str, spelled: str) -> None:
    """It is spelled as people of the language do."""
    assert TEXTS[language].moment(datetime(2026, 12, 2, 7, 5, tzinfo=UTC)) == spelled


@pytest.mark.parametrize(("hour", "spelled"), [(0, "12:30 am"), (12, "12:30 pm"), (23, "11:30 pm")])
def test_a_time_of_the_day(hour: int, spelled: str) -> None:
    """Midnight and noon are both twelve."""
    assert ENGLISH.time(datetime(2026, 12, 2, hour, 30, tzinfo=UTC)) == spelled


def test_days() -> None:
    """Each weekday and month has its own name."""
    days = {
        words.day(date(2026, month, day))
        for words in (TEXTS["en"], TEXTS["es"])
        for month in range(1, 13)
        for day in range(1, 8)
    }
    assert len(days) == 2 * 12 * 7


@pytest.mark.parametrize(
    ("milliseconds", "spelled"),
    [
        (400, "0.4 seconds"),
        (9_940, "9.9 seconds"),
        (12_300, "12 seconds"),
        (150_000, "2 minutes"),
        (3 * 3_600_000, "3 hours"),
    ],
)
def test_how_long_it_took(milliseconds: int, spelled: str) -> None:
    """As exact as somebody wants to know it."""
    assert ENGLISH.duration(milliseconds) == spelled


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-419,es;q=0.9", "es"),
        ("de,fr;q=0.5", "en"),
        ("en;q=0.3, es;q=0.4", "es"),
        ("es;q=0", "en"),
        ("es;q=x;;,,", "en"),
        ("*", "en"),
    ],
)
def test_what_a_browser_prefers(accept: str, language: str) -> None:
    """The language that it likes best, of those that there are."""
    assert TEXTS.preferred(None, accept).language == language
    assert TEXTS.preferred("es", accept).language == "es"
    assert TEXTS.preferred("tlh", accept).language == language


def test_buttons_keep_their_names() -> None:
    """Users know them."""
    words: Words = ENGLISH
    assert words("page.title") == "Google Calendar Sync"
    assert (
        words("connect.button", agency="Metro EMS") == "Authorize Metro EMS To Sync To Your Google Calendar"
    )
    assert words("stop.button") == "Stop Syncing Events To Your Google Calendar"
    assert words("resync.button") == "Re-Sync All Of Your Events"
