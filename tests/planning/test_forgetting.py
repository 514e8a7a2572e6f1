"""To forget somebody is a fact among the others, in their order."""

from __future__ import annotations

from datetime import datetime

from planning.forgetting import goes, runs, worth_folding
from planning.problems import no_token
from schemas.facts import Forgotten, TokenReleased, TroubleFound, UserFact, UserReleased, VerifyDue
from schemas.rows import Connection
from streams import codec
from tests.planning.build import AGENCY, NOW, USER, at, connect, disconnect, row


def forgotten(when: datetime = NOW) -> Forgotten:
    return Forgotten(agency_id=AGENCY, user_id=USER, at=when)


def test_somebody_who_left_before() -> None:
    """The row goes; in the very instant too."""
    left = row(connection=Connection(state="deactivated", occurred_at=at(hours=-1)))
    assert goes(left, forgotten())
    assert goes(left, forgotten(at(hours=-1)))


def test_somebody_who_has_connected_since() -> None:
    """The row stays: the wish to forget came before."""
    back = row(
        connection=Connection(state="connected", occurred_at=at(seconds=1), connected_at=at(seconds=1))
    )
    assert not goes(back, forgotten())


def test_somebody_who_never_connected() -> None:
    """The row holds shifts all the same, and goes; where there is none, what is left of it goes again."""
    assert goes(row(connection=Connection()), forgotten())
    assert goes(None, forgotten())


def test_the_last_words_of_a_lane() -> None:
    """They begin no new row; with a row, or behind a message that begins one, they are what they always are."""
    words: list[UserFact] = [
        TokenReleased(agency_id=AGENCY, user_id=USER, ended_at=NOW),
        UserReleased(agency_id=AGENCY, user_id=USER, release_id="r1"),
        TroubleFound(agency_id=AGENCY, user_id=USER, connected_at=None, problem=no_token()),
        VerifyDue(agency_id=AGENCY, user_id=USER, ticket="daily"),
    ]
    assert worth_folding(None, words) == []
    assert worth_folding(row(connection=Connection()), words) == words
    assert worth_folding(None, [*words, connect(), *words]) == [connect(), *words]


def test_what_waits_together() -> None:
    """Facts before and after a wish to forget are folded apart from each other."""
    assert list(runs([])) == []
    assert list(runs([connect(), disconnect()])) == [[connect(), disconnect()]]
    assert list(runs([connect(), forgotten(), forgotten(), disconnect()])) == [
        [connect()],
        forgotten(),
        forgotten(),
        [disconnect()],
    ]


def test_it_travels_among_the_facts() -> None:
    """It is read back as what it was."""
    assert codec.user_record(codec.encode(forgotten())) == forgotten()
