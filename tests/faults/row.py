"""One row of the battery's table: what was done, how often, what was promised, what came of it."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A row."""

    what: str
    count: int
    promise: str
    result: str
    held: bool
    command: str

    def __str__(self) -> str:
        """Gives it in Markdown."""
        held = "yes" if self.held else "NO"
        cells = (self.what, f"{self.count:,}", self.promise, self.result, held, f"`{self.command}`")
        return f"| {' | '.join(cells)} |"


HEAD = "| what | count | promise | result | held | command |\n|---|---|---|---|---|---|"
