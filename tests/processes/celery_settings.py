"""The site's settings with a queue of the test's own at the broker, and rounds that a test can wait for."""

from __future__ import annotations

import os

from project.settings import *  # noqa: F403
from project.settings import CELERY_BEAT_SCHEDULE

CELERY_TASK_DEFAULT_QUEUE = os.environ["CELERY_QUEUE"]
for entry in CELERY_BEAT_SCHEDULE.values():
    entry["schedule"] = 1.0
