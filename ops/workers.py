"""`worker` and `demo`: what runs until it is told to stop.

In: settings. Out: a running process. Not here: what it does. Both are imported when asked for: the other verbs should
not wait for Faust.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ops.teach import add
from streams.failures import kafka_failures
from streams.kafka import expect
from streams.policies import load_policies
from streams.serve import run
from streams.settings import load_settings

if TYPE_CHECKING:
    from schemas.policy import Policies
    from streams.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    add(app, "worker", worker)
    add(app, "demo", demo)


def worker(
    accept_truncated_history: Annotated[
        bool,
        typer.Option(
            "--accept-truncated-history",
            help="Go on where state is lost and an input topic's beginning is gone: what stood there is not known any more.",
        ),
    ] = False,
    shadow: Annotated[
        bool,
        typer.Option(
            "--shadow",
            help="Consume beside the live group, publish the calls that would be made, and write nothing to Google.",
        ),
    ] = False,
) -> None:
    """Run the stream processor; several may run beside each other, each with a state directory of its own.

    Stops cleanly on SIGTERM and Ctrl-C. State that is lost is rebuilt from the input topics before any call to Google.

    Example: [bold]SHIFTCAL_STATE_DIR=/var/lib/shiftcal SHIFTCAL_HTTP_PORT=8081 shiftcal worker[/bold]

    Reads: the input topics, SHIFTCAL_POLICIES, the connections' database. Writes: Google calendars, the topics
    sync-results, sync-status, dead-letters and the internal ones, SHIFTCAL_STATE_DIR.

    With [bold]--shadow[/bold] it is a group of its own, APP_ID-shadow unless SHIFTCAL_SHADOW_APP_ID names another, with the
    topics that [bold]topics create --shadow[/bold] makes and the state in SHIFTCAL_STATE_DIR with -shadow behind it. It needs
    neither keys nor a Google client, and changes nothing of the live group's. [bold]shadow diff[/bold] compares the two.
    """
    settings = load_settings()
    policies = load_policies(settings.policies)
    if shadow:
        _shadow(settings, policies, accept_truncated_history=accept_truncated_history)
        return
    # Asked here first: what the worker meets itself goes to its log, too.
    run(expect(settings))
    from streams.worker import run as work  # noqa: PLC0415  Faust takes half a second

    with kafka_failures(settings):
        work(settings, policies, accept_truncated_history=accept_truncated_history)


def _shadow(settings: Settings, policies: Policies, *, accept_truncated_history: bool) -> None:
    run(expect(settings))
    run(expect(settings, shadow=True))
    from streams.shadow import run as work  # noqa: PLC0415  Faust takes half a second

    with kafka_failures(settings):
        work(settings, policies, accept_truncated_history=accept_truncated_history)


def demo(
    script: Annotated[
        bool, typer.Option("--script", help="Run the story through by itself, and end.")
    ] = False,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65_535, help="Port of the page to watch; none: any free one.", show_default=False
        ),
    ] = None,
    send: Annotated[
        bool,
        typer.Option(
            "--send",
            help="Start nothing: send the sample data to the Kafka, database and stand-in of the settings, and wait until"
            " workers have all calendars in step.",
        ),
    ] = False,
) -> None:
    """Show everything on this machine, without Kafka, Docker or a Google account.

    Starts an embedded broker, a stand-in for Google, a worker and a page to watch, and sends sample data. With
    [bold]--send[/bold] everything runs already, as in docker-compose.yml: three people are connected and their month is
    published. To send it again is harmless.

    Example: [bold]shiftcal demo[/bold], then open the address that it prints.

    Reads: nothing; with --send SHIFTCAL_KAFKA_BOOTSTRAP, SHIFTCAL_DATABASE_URL, SHIFTCAL_VAULT_KEYS and
    SHIFTCAL_GOOGLE_API_URL. Writes: a temporary directory, which goes when the demo ends; with --send the database, the
    input topics, and accounts in the stand-in.
    """
    if send:
        if script or port is not None:
            raise typer.BadParameter("--send starts nothing: leave --script and --port out")
        from ops.demo.send import send as send_month  # noqa: PLC0415  as below

        raise typer.Exit(run(send_month(load_settings())))
    from ops.demo import run as play  # noqa: PLC0415  the embedded broker is needed by nothing else

    raise typer.Exit(play(script, port))
