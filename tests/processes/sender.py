"""A site that sends single messages, as a process of its own: `python -m tests.processes.sender NUMBER...`.

Prints how many seconds each send took, as JSON.
"""

from __future__ import annotations

import json
import sys
import time

import django


def main(numbers: list[str]) -> None:
    django.setup()
    from smsoffice.backend.sms import send

    took = []
    for number in numbers:
        began = time.monotonic()
        send(number, "Ahoj")
        took.append(time.monotonic() - began)
    print(json.dumps(took))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
