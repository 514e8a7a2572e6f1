"""What a person does at Google: the stand-in's chooser and consent page, clicked through."""

from __future__ import annotations

from playwright.sync_api import Page


def choose(page: Page, account: str) -> None:
    """Use another account than those that are offered."""
    page.get_by_label("Use another account").fill(account)
    page.get_by_role("button", name="Next").click()


def tick_all(page: Page) -> None:
    """Tick every box."""
    for box in page.get_by_role("checkbox").all():
        box.check()


def allow(page: Page) -> None:
    """Press Allow."""
    page.get_by_role("button", name="Allow").click()


def cancel(page: Page) -> None:
    """Press Cancel."""
    page.get_by_role("button", name="Cancel").click()
