"""What a person sees while a training runs: one line that lives, and one for every evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import NamedTuple

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
_ALONE = (
    f"{'minutes':>8} {'episodes':>9} {'env steps':>11} {'frames':>12} {'steps':>8} {'loss':>7} "
    f"{'return':>9} {'human':>8}"
)


class Length(NamedTuple):
    """How long a training is."""

    clock: str
    """The counter that tells."""
    total: int
    """What it says at the end."""


class TrainingLive:
    """A live line on a terminal, a line every ten seconds elsewhere, on stderr."""

    def __init__(self, length: Length, quiet: bool, title: str = "") -> None:
        """Starts.

        Args:
            length: of the whole training.
            quiet: show nothing.
            title: which training it is, where there are several.
        """
        self._length, self._quiet, self._title = length, quiet, title
        self._console: Console = screen.console(stderr=True)
        self._status: Status | None = None
        self._last, self._headed = time.monotonic(), False
        self._metrics: dict[str, float] = {}
        self._warned = False

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
        self._metrics |= event.progress.metrics
        if self._quiet:
            return
        self._warn()
        if event.verdict is not None:
            if not self._headed:
                header = _HEADER if event.verdict.mean_return is None else _ALONE
                self._console.print(Text(header, style="bold"))
                self._headed = True
            self._console.print(self._row(event))
        line = self._line(event)
        if self._status:
            self._status.update(line)
        elif time.monotonic() - self._last > _LINE_S:
            self._last = time.monotonic()
            self._console.print(line)

    def _warn(self) -> None:
        """Says once that values are larger than the network can hold."""
        beyond = self._metrics.get("beyond", 0.0)
        if beyond and not self._warned:
            self._warned = True
            self._console.print(
                f"{100 * beyond:.2g} % of the values to be learned are beyond the network's "
                "categories and count as their end; give more train.network.categories_limit"
            )

    @property
    def _loss(self) -> float:
        return self._metrics.get("loss", self._metrics.get("train/loss", float("nan")))

    def _line(self, event: Event) -> Text:
        counters = event.progress.counters
        done, total = counters[self._length.clock], self._length.total
        left = (total - done) * event.seconds / max(done, 1)
        parts = [
            f"{100 * done / total:.0f} %",
            f"{counters['episodes']:,} {'episodes' if 'frames' in counters else 'games'}",
            _steps(counters),
            *_speed(self._metrics),
            f"{counters['learner_steps']:,} learner steps",
            f"loss {self._loss:.3f}",
            f"{event.seconds / 60:.1f} min, about {left / 60:.1f} left",
        ]
        return Text(" · ".join(parts))

    def _row(self, event: Event) -> Text:
        counters, verdict = event.progress.counters, event.verdict
        assert verdict is not None
        begin = f"{event.seconds / 60:8.1f} {counters['episodes']:9,} {counters['env_steps']:11,} "
        learned = f"{counters['learner_steps']:8,} {self._loss:7.3f} "
        if verdict.mean_return is None:
            end = (
                f"{share(verdict.weak):>7} {share(verdict.strong):>7} "
                f"{rating(verdict.elo, verdict.error95):>12}"
            )
            return Text(begin + learned + end)
        frames = f"{counters.get('frames', counters['env_steps']):12,} "
        end = f"{verdict.mean_return:9,.1f} {share(verdict.hns):>8}"
        return Text(begin + frames + learned + end)


def _steps(counters: Mapping[str, int]) -> str:
    """Gives how much was played; where an action lasts several frames, these too."""
    if "frames" in counters:
        return f"{counters['env_steps']:,} steps = {counters['frames']:,} frames"
    return f"{counters['env_steps']:,} positions"


def _speed(metrics: Mapping[str, float]) -> list[str]:
    """Gives how fast it goes and what episodes bring, where the trainer says so."""
    parts = []
    if "time/fps" in metrics:
        parts.append(f"{metrics['time/fps']:,.0f} a second")
    if "rollout/ep_rew_mean" in metrics:
        parts.append(f"return {metrics['rollout/ep_rew_mean']:.2f}")
    return parts


def share(share: float | None) -> str:
    """Gives a share of 1 in words."""
    return "·" if share is None else f"{100 * share:.1f} %"


def rating(elo: float | None, error: float | None) -> str:
    """Gives a rating and half its 95 % interval in words."""
    if elo is None:
        return "·"
    return f"{elo:+.0f}" if error is None else f"{elo:+.0f} ± {error:.0f}"
