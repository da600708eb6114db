"""The message log as a file, as the admin exports it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.datastructures import MultiValueDict
from tqdm import tqdm

from smsoffice.export import export
from smsoffice.export.columns import USUAL, columns
from smsoffice.export.files import FORMATS, XLSX_ROWS
from smsoffice.filters import MessageFilter

STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    help = "Write the message log to a file, newest first. A file appears under its name only when it is whole."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--output", required=True, metavar="FILE", help="The file to write; - for standard output.")
        parser.add_argument("--format", choices=sorted(FORMATS), help="By default the file's ending says it, else csv.")
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help=f"May be given several times. Names: {', '.join(MessageFilter.base_filters)}.",
        )
        parser.add_argument(
            "--columns",
            default=",".join(USUAL),
            metavar="NAME,...",
            help=f"The columns, by default {','.join(USUAL)}. There are: {', '.join(columns())}.",
        )

    def handle(self, *args: Any, output: str, format: str | None, filter: list[str], **options: Any) -> None:
        file_format = format or _ending(output)
        chosen = _columns(options["columns"])
        try:
            filters = _filters(filter)
            found = filters.found
            total = found.messages.order_by().count()
            if file_format == "xlsx" and total > XLSX_ROWS:
                raise CommandError(
                    f"XLSX holds {XLSX_ROWS:,} rows; these are {total:,}. Choose --format csv, or narrow the filters."
                )
            with self._bar(total, options["verbosity"]) as bar, self._file(output) as file:
                _write(file, export(found.messages, file_format, chosen, bar.update))
        except DatabaseError as error:
            raise CommandError(
                f"The database does not answer ({type(error).__name__}). Nothing was written."
            ) from error
        except KeyboardInterrupt:
            raise CommandError("Interrupted. Nothing was written.", returncode=130) from None
        if output != STANDARD_OUTPUT and options["verbosity"]:
            self.stdout.write(f"Rows written to {output}: {total:,}.")

    def _bar(self, total: int, verbosity: int) -> tqdm[Any]:
        return tqdm(total=total, unit=" SMS", file=self.stderr, disable=None if verbosity else True)

    @contextmanager
    def _file(self, output: str) -> Iterator[IO[bytes]]:
        if output == STANDARD_OUTPUT:
            yield self._standard_output()
        else:
            with _whole_file(Path(output)) as file:
                yield file

    def _standard_output(self) -> IO[bytes]:
        # Django wraps the stream; bytes go to what is beneath.
        stream: IO[bytes] = getattr(self.stdout._out, "buffer", None) or sys.stdout.buffer
        return stream


def _write(file: IO[bytes], pieces: Iterator[bytes]) -> None:
    with closing(pieces):  # type: ignore[type-var]  # it is a generator
        try:
            for piece in pieces:
                file.write(piece)
            file.flush()
        except BrokenPipeError:
            # What the reader did not want any more must not be tried again when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise CommandError("The reader went away before all was written.") from None
        except OSError as error:
            raise CommandError(f"The file cannot be written: {error.strerror}.") from error


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when the block has ended well; else nothing is left of it."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is not a file. Name a file, or - for standard output.")
    try:
        file = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    except OSError as error:
        raise CommandError(f"No file can be written in {path.parent}: {error.strerror}.") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(file.name, 0o666 & ~_umask())
        os.replace(file.name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(file.name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _ending(output: str) -> str:
    ending = Path(output).suffix.removeprefix(".").lower()
    return ending if ending in FORMATS else "csv"


def _columns(given: str) -> list[str]:
    chosen = [name.strip() for name in given.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in columns()]
    if unknown or not chosen:
        raise CommandError(f"There is no column {_quoted(unknown)}. There are: {', '.join(columns())}.")
    return chosen


def _filters(given: list[str]) -> MessageFilter:
    """The filters, each of which makes sense."""
    asked: MultiValueDict[str, str] = MultiValueDict()
    for one in given:
        name, is_given, value = one.partition("=")
        if not is_given or name not in MessageFilter.base_filters:
            names = ", ".join(MessageFilter.base_filters)
            raise CommandError(f"--filter {one}: write it as NAME=VALUE, where NAME is one of: {names}.")
        if not value.strip() or not _is_text(value):
            raise CommandError(f"--filter {name}: there is no value, or it is no text.")
        asked.appendlist(name, value)
    filters = MessageFilter(asked)
    if not filters.is_valid():
        errors = [f"--filter {name}: {words}" for name, found in filters.errors.items() for words in found]
        raise CommandError("\n".join(errors))
    return filters


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"“{name}”" for name in names) or "in the list"
