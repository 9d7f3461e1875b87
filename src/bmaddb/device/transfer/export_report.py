"""What an export holds, and what it does not hold or could not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

ODDITIES_KEPT_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """A value no JSON of others can carry (a number beyond every float, half a letter, nested too deeply)."""

    table: str
    id: str
    column: str | None
    """None: the note of a journal entry, which is left out; its row is in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportReport:
    """What an export holds. With no `only_on_server`, `undeclared` and `oddities` it holds everything as it is."""

    files: Mapping[str, str]
    """The SHA-256 of each file in a ZIP; empty for one table."""
    only_on_server: Mapping[str, int]
    """By table: archived rows that this file does not hold, and that could not be fetched. They are not in it."""
    oddities: int
    odd: tuple[Oddity, ...]
    """The first of the `oddities`. Such a value is written as the file holds it; an import may refuse its line."""
    undeclared: tuple[str, ...] = ()
    """Tables of the file that the catalog it was opened with does not declare. They are not in it."""


@dataclass(slots=True)
class Tally:
    """What a report is made of, while rows go out."""

    only_on_server: dict[str, int] = field(default_factory=dict)
    oddities: int = 0
    odd: list[Oddity] = field(default_factory=list)
    undeclared: tuple[str, ...] = ()

    def odd_one(self, table: str, row_id: str, column: str | None) -> None:
        """Count a value, and name it if it is among the first."""
        self.oddities += 1
        if len(self.odd) < ODDITIES_KEPT_MAX:
            self.odd.append(Oddity(table=table, id=row_id, column=column))

    def report(self, files: Mapping[str, str]) -> ExportReport:
        """As it stands now."""
        return ExportReport(
            files=files,
            only_on_server=self.only_on_server,
            oddities=self.oddities,
            odd=tuple(self.odd),
            undeclared=self.undeclared,
        )
