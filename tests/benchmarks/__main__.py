"""`python -m tests.benchmarks [NAME ...]`: each benchmark in a process of its own, on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

NAMES = ("accept", "bulk", "drain", "ats", "single", "twilio", "sns", "preview", "check", "log", "workers")
POSTGRESQL = "postgres://postgres@127.0.0.1:5432/postgres"


def run_one(name: str) -> None:
    import django

    django.setup()
    import_module(f"tests.benchmarks.{name}").main()


def run_all(names: tuple[str, ...]) -> int:
    failed = 0
    for name in names:
        for url in ("", os.environ.get("DATABASE_URL") or POSTGRESQL):
            env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | ({"DATABASE_URL": url} if url else {})
            failed += (
                subprocess.run([sys.executable, "-m", "tests.benchmarks", "--here", name], env=env).returncode != 0
            )
    return failed


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    arguments = sys.argv[1:]
    if unknown := set(arguments) - {"--here", *NAMES}:
        sys.exit(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join(NAMES)}.")
    if arguments[:1] == ["--here"]:
        run_one(arguments[1])
    else:
        sys.exit(run_all(tuple(arguments) or NAMES))
