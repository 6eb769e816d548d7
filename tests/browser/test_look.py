"""Every page, in light and dark, on a desktop and a phone: nothing scrolls sideways, axe finds nothing to say.

The pictures go to the folder that VESTIBULE_SCREENSHOTS names, else to pytest's own.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize
from sqlalchemy import update

from tests.browser.hall import Hall, open_letter
from tests.browser.scenes import SCENES, Scene, furnish
from tests.support.browser import VIEWPORTS, Windows, accessibility_faults, scrolls_sideways
