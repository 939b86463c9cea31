"""Write the table of requests that comes with the package: that of the data set ``digits``.

``python tools/words_table.py`` makes it anew, which takes some seconds, and removes the old one.
tests/explorer/test_words.py says when that is needed: after a change of the grammar's code.
"""

from __future__ import annotations

from unbraid.core.files import atomic
from unbraid.datasets.digits import Config, factor_specs
from unbraid.explorer import words


def main() -> None:
    """Write the table."""
    specs = factor_specs(Config())
    text = words.text_of(words.table(specs))
    words.TABLES.mkdir(exist_ok=True)
    for old in words.TABLES.glob("*.json"):
        old.unlink()
    place = words.TABLES / f"{words.key_of(specs)}.json"
    with atomic(place) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(f"{place}: {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
