"""The system's browser, driven by Playwright, which downloads none of its own.

In: `SHIFTCAL_TEST_BROWSER`, or what stands on the PATH. Out: a running browser, or the reason why there is none.
Playwright's synchronous calls keep an event loop running in their thread: no coroutine may be tested beside them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMED = "SHIFTCAL_TEST_BROWSER"
_NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser")
MISSING = (
    f"no browser: none of {', '.join(_NAMES)} is on the PATH. NOT PROVEN here: that people can use the portal. "
    f"`apt-get install --no-install-recommends chromium`, or name one in {NAMED}."
)


def find() -> str | None:
    """The browser's executable. One that was named must be there: whoever names it wants no test skipped."""
    if named := os.environ.get(NAMED):
        found = shutil.which(named)
        assert found is not None, f"{NAMED} names {named}, which is no program"
        return found
    return next((found for name in _NAMES if (found := shutil.which(name)) is not None), None)


@contextmanager
def running(executable: str) -> Iterator[Browser]:
    """The browser, without a window."""
    # Chromium's own sandbox does not start for root, as in a container.
    sandbox = os.geteuid() != 0
    # A page that a test answers for counts as one of the Internet, and those may not reach this machine.
    arguments = ["--disable-features=LocalNetworkAccessChecks"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable, chromium_sandbox=sandbox, args=arguments
        )
        yield browser
        browser.close()
