"""An operator who opens the front page, as a process of its own: `python -m tests.processes.front_page`.

Prints how many seconds it took, and the page.
"""

from __future__ import annotations

import os
import time

import django


def main() -> None:
    # Static files need not be collected.
    os.environ["DEBUG"] = "1"
    django.setup()
    from django.contrib.auth import get_user_model
    from django.test import Client

    operator = get_user_model().objects.create_superuser(f"jana{time.time()}")
    client = Client(SERVER_NAME="localhost")
    client.force_login(operator)
    began = time.monotonic()
    page = client.get("/admin/")
    print(time.monotonic() - began)  # noqa: T201
    print(page.content.decode())  # noqa: T201


if __name__ == "__main__":
    main()
