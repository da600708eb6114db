"""The texts of an XLSX workbook, which its cells point to."""

from __future__ import annotations

import re
from array import array

from smsoffice.sheets.cells import MAX_CELL
from smsoffice.sheets.grid import too_much_text
from smsoffice.sheets.package import XMLReader, damaged, local

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def unescaped(text: str) -> str:
    """The text with the characters that XML cannot carry (ECMA-376 part 1, 22.9.2.19: “_x000D_”)."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


class Strings(XMLReader):
    """The texts that cells point to, each once; packed, for there may be a million of them."""

    MOST = 60_000_000

    def __init__(self) -> None:
        self._texts = bytearray()
        self._ends = array("L", [0])
        self._pieces: list[str] = []
        self._length = 0
        self._in_text = self._is_phonetic = False

    def __getitem__(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            raise damaged()
        return self._texts[self._ends[number] : self._ends[number + 1]].decode(errors="replace")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        match local(tag):
            case "si":
                self._pieces, self._length = [], 0
            case "t":
                self._in_text = True
            case "rPh":
                self._is_phonetic = True

    def data(self, text: str) -> None:
        if self._in_text and not self._is_phonetic and self._length <= MAX_CELL:
            self._pieces.append(text)
            self._length += len(text)

    def end(self, tag: str) -> None:
        match local(tag):
            case "t":
                self._in_text = False
            case "rPh":
                self._is_phonetic = False
            case "si":
                text = unescaped("".join(self._pieces))[: MAX_CELL + 1]
                self._texts += text.encode(errors="replace")
                self._ends.append(len(self._texts))
                if len(self._texts) + 8 * len(self._ends) > self.MOST:
                    raise too_much_text()
