"""Published scores on Atari games, human-normalised scores, and the Atari-5 estimate.

`atari_scores.json` holds the figures, each with its source. Games go by short names such as
`ms_pacman`. Agents' steps are a quarter of their frames, for an action is held for four.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from configs import loader

FRAMES_A_STEP = 4
Score = TypeVar("Score", float, NDArray[np.float64])
_FILE = Path(__file__).parent / "atari_scores.json"
_Z95 = 1.959963984540054
_NEARLY_ALL = 50


class PublishedError(ValueError):
    """A published agent that is not among those that ship."""


class Game(NamedTuple):
    """What scores of a game are measured by, from starts after no-ops."""

    random: float
    """Mean return of an agent that plays at random."""
    human: float
    """Mean return of a professional tester of games."""
    remark: str | None = None
    """Where other tables differ."""


@dataclass(frozen=True)
class Published:
    """An agent whose scores somebody published."""

    name: str
    """As typed; `@40M` are the frames where there are several."""
    label: str
    """For pictures and footnotes."""
    protocol: str
    """Name of the protocol it was measured under, one of `protocols()`."""
    frames: int | None
    """Frames of its training in each game; None = not stated."""
    steps: int | None
    """Decisions of its training in each game."""
    runs: int | None
    """Trainings that a score is the mean of; None = not stated."""
    spread: str | None
    """What `stds` are over, `runs` or `episodes`; None where there are none."""
    measured: str
    """Which episodes a score is the mean of."""
    source: str
    url: str
    scores: Mapping[str, float]
    """Game to mean return."""
    stds: Mapping[str, float]
    """Game to standard deviation, by `spread`."""


class Estimate(NamedTuple):
    """A median human-normalised score over 57 games that was not measured in all of them."""

    median: float
    """1 = as the human tester."""
    low: float
    """Lower end of the 95 % interval, by the error in cross-validation."""
    high: float


def games() -> Mapping[str, Game]:
    """Gives the 57 games that have a published human score, by short name."""
    return _data()[0]


def published() -> Mapping[str, Published]:
    """Gives all agents that ship, by name."""
    return _data()[1]


def protocols() -> Mapping[str, str]:
    """Gives what each protocol's name means, in one line."""
    found: dict[str, str] = _tree()["protocols"]
    return found


def find(name: str) -> Published:
    """Gives a published agent; without its frames that of the longest training.

    Raises:
        PublishedError: when there is none, with the nearest name.
    """
    known = published()
    versions = [agent for agent in known.values() if name in (agent.name, _base(agent.name))]
    if not versions:
        hint = loader.closest(name, [*known, *map(_base, known)])
        expected = f"; expected one of {', '.join(dict.fromkeys(map(_base, known)))}"
        raise PublishedError(f"no published agent '{name}'{hint or expected}")
    return max(versions, key=lambda agent: agent.frames or 0)


def human_normalised(game: str, score: Score) -> Score:
    """Gives (score - random) / (human - random): 0 = as random play, 1 = as the human tester.

    https://doi.org/10.1038/nature14236

    Args:
        game: short name, one of `games()`.
        score: return of a whole game, or an array of several.
    """
    known = games()[game]
    return (score - known.random) / (known.human - known.random)


def atari5_estimate(scores: Mapping[str, float]) -> Estimate | None:
    """Gives the median over 57 games as five of them foretell it; None where one is missing.

    log10(1 + median) = sum of weight * log10(1 + max(0, score)) over the five, all in percent,
    https://arxiv.org/abs/2210.02019. A single agent can lie far from it: for CleanRL's PPO it says
    76.5 % instead of 102 %, and see `atari5_held`.

    Args:
        scores: game to human-normalised score.
    """
    model = _tree()["atari5"]
    weights: dict[str, float] = model["weights"]
    if not set(weights) <= set(scores):
        return None
    total = sum(
        weight * math.log10(1 + max(0.0, 100 * scores[game])) for game, weight in weights.items()
    )
    middle, low, high = (
        max(0.0, (10 ** (total + sign * _Z95 * model["rmse"]) - 1) / 100) for sign in (0, -1, 1)
    )
    return Estimate(middle, low, high)


def atari5_held() -> tuple[int, int]:
    """Gives for how many published agents the interval holds the true median, and of how many.

    Of those with scores in nearly all games, at least 50.
    """
    held = number = 0
    for agent in published().values():
        if len(agent.scores) >= _NEARLY_ALL:
            normalised = {game: human_normalised(game, x) for game, x in agent.scores.items()}
            estimate = atari5_estimate(normalised)
            assert estimate is not None, "the five are among them"
            held += estimate.low <= median(normalised.values()) <= estimate.high
            number += 1
    return held, number


def _base(name: str) -> str:
    return name.partition("@")[0]


@cache
def _tree() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return found


@cache
def _data() -> tuple[dict[str, Game], dict[str, Published]]:
    tree = _tree()
    reference = tree["reference"]["source"]
    known = {name: _game(name, row, reference) for name, row in tree["games"].items()}
    agents = (Published(**{"stds": {}, **row}) for row in tree["agents"])
    return known, {agent.name: agent for agent in agents}


def _game(name: str, row: Mapping[str, Any], reference: str) -> Game:
    other = row.get("random_elsewhere")
    remark = other and (
        f"{name}: random play is taken to score {row['random']:,} ({reference}); "
        f"{other['source']} says {other['score']:,}"
    )
    return Game(row["random"], row["human"], remark)
