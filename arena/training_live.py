"""What a person sees while a training runs: one line that lives, and one for every evaluation."""

from __future__ import annotations

import time

from rich.console import Console
from rich.status import Status
from rich.text import Text

from arena import screen
from arena.training import Event

_LINE_S = 10.0
_HEADER = (
    f"{'minutes':>8} {'games':>9} {'positions':>11} {'steps':>8} {'loss':>7} "
    f"{'weak':>7} {'strong':>7} {'rating':>12}"
)


class TrainingLive:
    """A live line on a terminal, a line every ten seconds elsewhere, on stderr."""

    def __init__(self, chunks: int, quiet: bool, title: str = "") -> None:
        """Starts.

        Args:
            chunks: of the whole training.
            quiet: show nothing.
            title: which training it is, where there are several.
        """
        self._chunks, self._quiet, self._title = chunks, quiet, title
        self._console: Console = screen.console(stderr=True)
        self._status: Status | None = None
        self._last, self._loss, self._headed = time.monotonic(), float("nan"), False

    def __enter__(self) -> TrainingLive:
        if self._title and not self._quiet:
            self._console.print(Text(self._title, style="bold"))
        if self._console.is_terminal and not self._quiet:
            self._status = self._console.status("playing the first games")
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def show(self, event: Event) -> None:
        """Shows how things stand."""
        self._loss = event.progress.metrics.get("loss", self._loss)
        if self._quiet:
            return
        if event.verdict is not None:
            if not self._headed:
                self._console.print(Text(_HEADER, style="bold"))
                self._headed = True
            self._console.print(self._row(event))
        line = self._line(event)
        if self._status:
            self._status.update(line)
        elif time.monotonic() - self._last > _LINE_S:
            self._last = time.monotonic()
            self._console.print(line)

    def _line(self, event: Event) -> Text:
        counters = event.progress.counters
        left = (self._chunks - counters["chunks"]) * event.seconds / max(counters["chunks"], 1)
        return Text(
            f"{100 * counters['chunks'] / self._chunks:.0f} % · {counters['episodes']:,} games · "
            f"{counters['env_steps']:,} positions · {counters['learner_steps']:,} learner steps · "
            f"loss {self._loss:.3f} · {event.seconds / 60:.1f} min, about {left / 60:.1f} left"
        )

    def _row(self, event: Event) -> Text:
        counters, verdict = event.progress.counters, event.verdict
        assert verdict is not None
        return Text(
            f"{event.seconds / 60:8.1f} {counters['episodes']:9,} {counters['env_steps']:11,} "
            f"{counters['learner_steps']:8,} {self._loss:7.3f} {share(verdict.weak):>7} "
            f"{share(verdict.strong):>7} {rating(verdict.elo, verdict.error95):>12}"
        )


def share(share: float | None) -> str:
    """Gives a share of 1 in words."""
    return "·" if share is None else f"{100 * share:.1f} %"


def rating(elo: float | None, error: float | None) -> str:
    """Gives a rating and half its 95 % interval in words."""
    if elo is None:
        return "·"
    return f"{elo:+.0f}" if error is None else f"{elo:+.0f} ± {error:.0f}"
