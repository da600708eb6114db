"""What a page must be for everyone: free of what axe finds, no wider than the window, readable in both themes."""

from __future__ import annotations

from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

NARROW = ViewportSize(width=360, height=740)
WIDE = ViewportSize(width=1280, height=900)

RULES: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    # It would load style sheets once more, as inline styles, which our policy forbids.
    "preload": False,
    # To tell of every node that is as it should be takes it as long again.
    "resultTypes": ["violations"],
}
# The stock admin's breadcrumbs have links that differ by colour alone.
STOCK = "#header, .breadcrumbs, nav.sticky, .main > .nav-sidebar"


def assert_accessible(page: Page) -> None:
    """Ask axe about the page as it is, in the light theme and in the dark, wide and narrow; ends light and wide."""
    _assert_clean(page, "dark", WIDE, RULES)
    # Colours do not depend on the width, and take axe longer than all the rest.
    _assert_clean(page, "light", NARROW, RULES | {"rules": {"color-contrast": {"enabled": False}}})
    _assert_clean(page, "light", WIDE, RULES)


def _assert_clean(page: Page, theme: Literal["dark", "light"], size: ViewportSize, rules: dict[str, Any]) -> None:
    # Without motion: in the midst of a transition a colour is neither of the two.
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.set_viewport_size(size)
    context = {"exclude": [part.strip() for part in STOCK.split(",")]}
    response = Axe().run(page, context=context, options=rules).response
    found = [in_words(violation) for violation in response["violations"]]
    assert not found, f"{page.url}, {theme}, {size['width']} px: {found}"
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size["width"], f"{page.url} is {wide} px wide in a window of {size['width']} px"


def in_words(violation: dict[str, Any]) -> str:
    """The rule that a page breaks, and where."""
    return f"{violation['id']}: {[node['html'][:160] for node in violation['nodes'][:5]]}"
