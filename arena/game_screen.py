"""Shows a recorded game on a board: each position, and what was thought of the move to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
import numpy as np
from rich.text import Text

from arena import screen, thought_screen
from arena.match_record import MatchRecord
from arena.screen import harmless
from arena.thoughts import Thought
from envs import registry

_SIDES = ("first", "second")


class Game:
    """A recorded game, with the thoughts that belong to its moves. A place is a number of moves."""

    def __init__(self, record: MatchRecord, found: Sequence[Thought | None]) -> None:
        """Puts together what is shown.

        Args:
            record: of the game.
            found: before each recorded action, fewer or none where nothing was said.
        """
        self.record = record
        self.moves = (*record.start, *record.actions)
        self._name: Callable[[int], str] = registry.action_name(record.env)
        self._draw = registry.draw(record.env)
        self._thoughts = dict(enumerate(found, len(record.start) + 1))

    def step_through(self) -> None:
        """Shows a position after the other as keys ask for them."""
        place, last = 0, len(self.moves)
        while True:
            click.clear()
            self.show(place, course=True)
            key = click.getchar()
            if key in ("q", "\x1b", "\x03"):
                return
            steps = {"\x1b[D": -1, "h": -1, "p": -1, "\x1b[H": -place, "\x1b[F": last}
            place = min(max(place + steps.get(key, 1), 0), last)

    def show(self, place: int, course: bool = False) -> None:
        """Prints a position, how it came about, and at the end the result.

        Args:
            place: how many moves were played.
            course: show how the values went over the whole game, too.
        """
        console = screen.console()
        agents = "  v  ".join(harmless(agent) for agent in self.record.agents)
        console.print(Text(agents, style="bold"))
        console.print(Text(self._played(place), style="bold"))
        board = self._draw(self.moves[:place], not console.no_color).split("\n")
        left = [Text.from_ansi(line) for line in board]
        for line in thought_screen.beside(left, self._thinking(place)):
            console.print(line)
        if course or place == len(self.moves):
            for line in self._course(place):
                console.print(line)
        if place == len(self.moves):
            console.print(Text(ending(self.record), style="bold"))
        console.print()

    def _played(self, place: int) -> str:
        what = f"move {place} of {len(self.moves)}"
        if not place:
            return what
        opening = place <= len(self.record.start)
        who = "the opening" if opening else harmless(self.record.agents[self._mover(place)])
        return f"{what}: {who} played {self._name(self.moves[place - 1])}"

    def _mover(self, place: int) -> int:
        """Gives the seat of who made the move to a place."""
        return (place - 1) % len(self.record.agents)

    def _thinking(self, place: int) -> list[Text]:
        thought = self._thoughts.get(place)
        if thought is None:
            return []
        title = f"{_SIDES[self._mover(place)]} thought"
        marks = {self.moves[place - 1]: "◀ played"}
        return thought_screen.panel(title, thought, self._name, marks)

    def _course(self, place: int) -> list[Text]:
        """Gives the values over the game as each side saw them, both as good for the first."""
        lines = []
        for seat, word in enumerate(_SIDES):
            values = self._values(seat)
            if any(value is not None for value in values):
                line = Text(f"{word:>6} sees ", style="dim")
                line.append(thought_screen.course(values), style="cyan")
                if place:
                    at = len(line) - len(values) + place
                    line.stylize("reverse", at - 1, at)
                lines.append(line)
        if lines:
            lines.append(Text("            high = good for the first", style="dim"))
        return lines

    def _values(self, seat: int) -> list[float | None]:
        """Gives what a side last said at each move, as good for the first side."""
        values: list[float | None] = []
        for place in range(1, len(self.moves) + 1):
            thought = self._thoughts.get(place)
            own = thought is not None and self._mover(place) == seat
            value = thought_screen.value(thought) if thought is not None and own else None
            held = values[-1] if values else None
            values.append(held if value is None else -value if seat else value)
        return values


def ending(record: MatchRecord) -> str:
    """Gives how a game ended."""
    if record.blame is not None:
        detail = (record.fault or "no detail").strip().splitlines()[-1]
        who = harmless(record.agents[record.blame])
        return f"{who} forfeits ({record.termination}): {harmless(detail)}"
    if len(set(record.scores)) == 1:
        return "a draw"
    return f"{harmless(record.agents[int(np.argmax(record.scores))])} wins"
