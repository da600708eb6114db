"""A site that sends single messages, as a process of its own: `python -m tests.processes.sender NUMBER...`."""

from __future__ import annotations

import sys

import django


def main(numbers: list[str]) -> None:
    django.setup()
    from smsoffice.backend.sms import send

    for number in numbers:
        send(number, "Ahoj")


if __name__ == "__main__":
    main(sys.argv[1:])
