"""What a person sees while a tournament runs: progress, and the ladder as it stands."""

from __future__ import annotations

import time

from rich.console import Group
from rich.live import Live as RichLive
from rich.text import Text

from arena import ladder, screen
from arena.standings import ByEnv, games_of

_REDRAW_S = 0.25
_LINE_S = 5.0
_BAR = 32
_WHOLE = 10
"""Games a second from which they are told without a decimal."""


class Live:
    """A live ladder on a terminal, a line every few seconds elsewhere, on stderr."""

    def __init__(self, total: int, already: int, quiet: bool, unit: str = "games") -> None:
        """Starts the clock.

        Args:
            total: games of the whole tournament.
            already: of these, the games that were played before.
            quiet: show nothing.
            unit: what a game is called.
        """
        self._total, self._already, self._unit = total, already, unit
        self._console = screen.console(stderr=True)
        self._quiet = quiet
        self._began = self._last = time.monotonic()
        terminal = self._console.is_terminal and not quiet
        self._screen = (
            RichLive(console=self._console, auto_refresh=False, transient=True)
            if terminal
            else None
        )

    def __enter__(self) -> Live:
        if self._screen:
            self._screen.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._screen:
            self._screen.stop()

    def show(self, by_env: ByEnv, env: str) -> None:
        """Shows how things stand in `env`, not more often than a person can read."""
        now = time.monotonic()
        games = games_of(by_env)
        over = games >= self._total
        if self._quiet or (
            now - self._last < (_REDRAW_S if self._screen else _LINE_S) and not over
        ):
            return
        self._last = now
        line = self._line(games, now - self._began)
        if self._screen is None:
            self._console.print(line)
            return
        if env not in by_env or len(by_env[env].counts().players) < 2:
            return
        document = ladder.document(env, by_env[env], partial=True)
        document["warnings"] = []
        title = Text(env if len(by_env) > 1 else "")
        self._screen.update(Group(line, title, screen.ladder(document)), refresh=True)

    def _line(self, games: int, seconds: float) -> Text:
        speed = (games - self._already) / max(seconds, 1e-9)
        left = (self._total - games) / max(speed, 1e-9)
        full = round(_BAR * games / self._total)
        bar = "━" * full + "╌" * (_BAR - full)
        pace = f"{speed:,.0f}" if speed >= _WHOLE else f"{speed:.1f}"
        done = f"{games:,} of {self._total:,} {self._unit}"
        return Text(f"{bar} {done}, {pace} a second, {left:,.0f} s left")


class Progress:
    """A line that says how far a rating has settled, on stderr."""

    def __init__(self, within: float, quiet: bool) -> None:
        """Shows nothing yet; `within` is the half interval in Elo that ends it."""
        self._within, self._quiet = within, quiet
        self._console = screen.console(stderr=True)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal and not self._quiet:
            self._console.print()

    def show(self, games: int, elo: float, error95: float | None) -> None:
        """Shows the rating so far; a terminal's line is drawn over."""
        if self._quiet:
            return
        interval = "not bounded yet" if error95 is None else f"± {error95:.0f}"
        end = "\r" if self._console.is_terminal else "\n"
        line = f"{games:,} games: {elo:+.0f} {interval} (until ± {self._within:.0f})   "
        self._console.print(line, end=end)
