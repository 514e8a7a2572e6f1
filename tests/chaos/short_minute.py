"""`python -m tests.chaos.short_minute SECONDS MODULE ...`: the module as it is, but a minute of quota is as short as that.

In: how long, and what to run. Out: the same process. For the worker and the stand-in alike, so that a run that takes
minutes can be told in seconds; whoever runs it at full size needs no such thing.
"""

from __future__ import annotations

import runpy
import sys

import sandbox.google.quota
import streams.windows


def main() -> None:
    """Shorten the minute, then run the module as `python -m` would."""
    _, seconds, module, *rest = sys.argv
    streams.windows.MINUTE = sandbox.google.quota.WINDOW_S = float(seconds)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
