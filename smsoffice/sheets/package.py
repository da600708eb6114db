"""The zip file that a spreadsheet is, opened with limits, and the XML in it, read without ever being held whole."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO, Any, cast

from django.utils.translation import gettext as _
from lxml import etree

from smsoffice.sheets.grid import SheetError

MAX_ENTRIES = 5_000
MAX_UNPACKED = 300_000_000
MAX_TAGS = 8_000_000
"""A hundred thousand rows of twenty cells; what has more of them keeps the reader busy for too long."""
MAX_RATIO = 250
"""How many times smaller than its content a large part of a spreadsheet may be packed; real ones are below 100."""

_SMALL = 10_000_000
_PIECE = 1 << 16
_ENTRY = b"PK\x01\x02"
_IS_ENCRYPTED = 0x1


def damaged() -> SheetError:
    return SheetError(_("The file is damaged. Open it in a spreadsheet program, save it, and choose it again."))


def locked() -> SheetError:
    return SheetError(_("The file is protected by a password. Save it without one."))


def _too_large() -> SheetError:
    return SheetError(_("The file would unpack to far more than a list of rows. Save it anew with the rows alone."))


class Package:
    """A zip file that has been looked at before anything in it is read.

    Raises:
        SheetError: it is damaged, encrypted, or would unpack to more than a list ever needs.
    """

    def __init__(self, file: IO[bytes]) -> None:
        _refuse_many_entries(file)
        try:
            self._zip = zipfile.ZipFile(file)
            self._parts = {part.filename.lstrip("/"): part for part in self._zip.infolist()}
        except Exception as error:
            # Whatever the library trips on: a file that it cannot open is damaged.
            raise damaged() from error
        if any(part.flag_bits & _IS_ENCRYPTED for part in self._parts.values()):
            raise locked()
        self._left, self._tags_left = MAX_UNPACKED, MAX_TAGS

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def read(self, name: str, most: int = 1_000_000) -> bytes:
        """A small part; what it has beyond `most` bytes is left out.

        Raises:
            SheetError: it is missing or damaged.
        """
        content = b""
        for piece in self._unpacked(name):
            content += piece
            if len(content) > most:
                break
        return content[:most]

    def parse(self, name: str, reader: XMLReader) -> Iterator[None]:
        """Let `reader` read a part piece by piece; stop after any of them.

        Raises:
            SheetError: the part is missing, damaged or too large.
        """
        parser = etree.XMLParser(
            # Its stubs ask for methods that the library does without.
            target=cast(Any, reader),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        try:
            for piece in self._unpacked(name):
                self._tags_left -= piece.count(b"<")
                if self._tags_left < 0:
                    raise _too_large()
                parser.feed(piece)
                yield
            parser.close()
        except (etree.LxmlError, ValueError, LookupError, OverflowError) as error:
            raise damaged() from error
        yield

    def parse_all(self, name: str, reader: XMLReader) -> None:
        """Let `reader` read a whole part."""
        for _piece in self.parse(name, reader):
            pass

    def _unpacked(self, name: str) -> Iterator[bytes]:
        part = self._parts.get(name)
        if part is None or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise damaged()
        self._left -= part.file_size
        is_packed_too_well = part.file_size > _SMALL and part.file_size > MAX_RATIO * part.compress_size
        if self._left < 0 or is_packed_too_well:
            raise _too_large()
        try:
            with self._zip.open(part) as packed:
                # The library gives no more than the size that was just looked at.
                while piece := packed.read(_PIECE):
                    yield piece
        except SheetError:
            raise
        except Exception as error:
            raise damaged() from error


def _refuse_many_entries(file: IO[bytes]) -> None:
    """A list of contents can be larger than the contents; the library would hold all of it."""
    file.seek(0)
    entries, end = 0, b""
    while piece := file.read(_PIECE):
        piece = end + piece
        entries += piece.count(_ENTRY)
        end = piece[-len(_ENTRY) + 1 :]
    if entries > MAX_ENTRIES:
        raise damaged()


class XMLReader:
    """What the parser calls; it builds no tree. A document type is refused, and with it every entity."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins; `tag` is “{namespace}name”."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def data(self, text: str) -> None:
        """A piece of text."""

    def doctype(self, *names: Any) -> None:
        """The document has a type."""
        raise damaged()

    def close(self) -> None:
        """The document is over."""


def local(name: str) -> str:
    """The name of an element or attribute without its namespace: spreadsheets have the same in several."""
    return name[name.rfind("}") + 1 :]
