"""The catalogs of translations: what the sources say, the .po files that people write, the .mo files that Django reads.

`make messages` brings all of them up to date, by Babel alone, so that no machine needs the programs of gettext. The
.mo files are committed.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any, NamedTuple

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file, extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[1]
LANGUAGE = "cs"

KEYWORDS: dict[str, Any] = {
    **DEFAULT_KEYWORDS,
    "_t": None,  # gettext, beside a lazy “_”
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


class Translations(NamedTuple):
    """One catalog and the folders whose texts it translates, the first of which it lies in."""

    sources: tuple[Path, ...]

    @property
    def po(self) -> Path:
        return self.sources[0] / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")

    @property
    def name(self) -> str:
        return self.sources[0].name

    def written(self) -> Catalog:
        """What people have written."""
        with self.po.open("rb") as file:
            return read_po(file, locale=LANGUAGE)

    def compiled(self) -> Catalog:
        """What Django reads."""
        with self.mo.open("rb") as file:
            return read_mo(file)

    def extracted(self) -> Catalog:
        """What the sources say, without translations."""
        catalog = Catalog(locale=LANGUAGE)
        for path in self.files():
            method: Any = "python" if path.suffix == ".py" else of_template
            place = [(str(path.relative_to(ROOT)), 0)]
            for _line, message, comments, context in extract_from_file(method, path, KEYWORDS, ["Translators:"]):
                catalog.add(message, None, place, auto_comments=comments, context=context)
        return catalog

    def files(self) -> Iterator[Path]:
        """All that may say something."""
        for source in self.sources:
            for kind in ("*.py", "*.html", "*.txt"):
                yield from sorted(source.rglob(kind))

    def update(self) -> Catalog:
        """Take over what the sources say now, and compile it; what nobody says any more goes."""
        catalog = self.written()
        catalog.update(
            self.extracted(), no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False
        )
        with self.po.open("wb") as file:
            write_po(file, catalog, width=120, ignore_obsolete=True, include_previous=False, include_lineno=False)
        with self.mo.open("wb") as file:
            write_mo(file, catalog)
        return catalog


def of_template(file: IO[bytes], keywords: Any, comment_tags: Collection[str], options: Any) -> Iterable[Any]:
    """What a template of Django's says, as Babel wants it: Django makes calls of Python's of it, one line of them."""
    calls = templatize(file.read().decode()).replace("\n", " ")
    return extract_python(BytesIO(calls.encode()), keywords, comment_tags, options)


CATALOGS = (Translations((ROOT / "smsoffice",)), Translations((ROOT / "project", ROOT / "templates")))


def untranslated(catalog: Catalog) -> list[str]:
    """The texts that have no Czech words yet, or some that nobody has confirmed."""
    texts = []
    for message in catalog:
        words = message.string if isinstance(message.string, (list, tuple)) else [message.string or ""]
        if message.id and (message.fuzzy or not all(words)):
            texts.append(message.id if isinstance(message.id, str) else message.id[0])
    return texts


if __name__ == "__main__":
    for translations in CATALOGS:
        missing = untranslated(translations.update())
        sys.stdout.write(f"{translations.po.relative_to(ROOT)}: {len(missing)} to translate\n")
        sys.stdout.writelines(f"  {text}\n" for text in missing)
