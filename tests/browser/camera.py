"""Pictures of a page in a real browser: in both themes, wide and narrow, always in the same font."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

from playwright.sync_api import Page

TALLEST = 1300
"""Pixels of a page's height that a picture shows."""
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<alias binding="strong"><family>sans-serif</family>
<prefer><family>Roboto</family><family>Liberation Sans</family></prefer></alias>
</fontconfig>
"""
"""What stands for the system's own font: the first of these that the machine has."""


class Look(NamedTuple):
    """How a page is shown: what its picture's name ends in, the theme, and the window's width in pixels."""

    suffix: str
    theme: Literal["light", "dark"]
    width: int


PLAIN = Look("", "light", 1280)
DARK = Look("-dark", "dark", 1280)
NARROW = Look("-narrow", "light", 390)


class Camera:
    """Takes pictures of a page into a folder.

    Args:
        folder: where the pictures go.
        page: what it looks at.
    """

    def __init__(self, folder: Path, page: Page) -> None:
        self.folder, self.page = folder, page

    def take(self, name: str, *looks: Look) -> None:
        """Write the page as it is now, in the plain look and in each of the others."""
        for look in (PLAIN, *looks):
            self.take_one(name, look)

    def take_one(self, name: str, look: Look) -> None:
        """Write the page as it is now in one look; the window is plain again afterwards."""
        page = self.page
        page.emulate_media(color_scheme=look.theme, reduced_motion="reduce")
        page.set_viewport_size({"width": look.width, "height": 700})
        # As tall as the picture, so that what sticks to the window's edges stands where a reader expects it.
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": look.width, "height": min(height, TALLEST)})
        page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        page.mouse.move(0, 0)
        page.screenshot(path=self.folder / f"{name}{look.suffix}.png")
        page.emulate_media(color_scheme=PLAIN.theme)
        page.set_viewport_size({"width": PLAIN.width, "height": TALLEST})
        sys.stdout.write(f"{name}{look.suffix}.png\n")


def with_fonts(scratch: Path) -> dict[str, str | float | bool]:
    """The variables under which a browser prefers FONTS."""
    (scratch / "fonts.conf").write_text(FONTS)
    return {**os.environ, "FONTCONFIG_FILE": str(scratch / "fonts.conf")}
