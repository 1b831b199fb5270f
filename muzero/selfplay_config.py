"""What decides how experience is made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from muzero.gumbel import GumbelConfig
from muzero.limits import check

_TRAINING = GumbelConfig(simulations=32)


@dataclass(frozen=True)
class SoloConfig:
    """What a learner is paid alone; scores are always those of the game."""

    clip_rewards: bool = True
    """Whether it is paid the sign of a reward only, so that games are alike."""
    life_ends: bool = True
    """Whether an episode ends for it with every life; the game goes on."""
    limit_ends: bool = False
    """Whether nothing is expected after a limit has cut an episode off; else the value there is."""
    wander_share: float = 0.0
    """Share of windows of 16 steps that begin with a random action which is held for a while."""

    def __post_init__(self) -> None:
        """Refuses what cannot be played.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("wander_share", self.wander_share, 0, 1)


@dataclass(frozen=True)
class SelfplayConfig:
    """How games against itself are played."""

    games: int = 256
    """Games of a chunk, where they are whole."""
    rows: int = 128
    """How many are played side by side."""
    search: GumbelConfig = field(default_factory=lambda: _TRAINING)
    """How every move is found."""
    keep: int = 0
    """Nodes of the last search that the next may go on with; true rules only."""
    noise_half: int = 0
    """Plies after a game's opening in which the noise of its searches loses half its weight, so
    that mistakes late in a game do not blur what its beginning was worth; 0 = it keeps its weight.
    """
    cheap_share: float = 0.0
    """Share of the moves that are searched cheaply and teach no policy."""
    cheap_simulations: int = 8
    """Simulations of those. Source: KataGo, section 3.1, https://arxiv.org/abs/1902.10565."""
    random_share: float = 0.5
    """Share of the games that begin with random plies, which teach nothing."""
    random_plies: int = 12
    """Most of these plies."""
    openings_share: float = 0.5
    """Share of the games that begin from a position of a recorded one, where there are any."""
    n_step: int = 0
    """Steps after which the value of the search stands for what followed; 0 = the outcome."""
    td_lambda: float = 1.0
    """Weight with which what followed a step later goes on into the return, in place of the
    search's value there; 1 = all of it. For chunks of steps."""
    decay: float = 1.0
    """Factor of returns for each step that they lie ahead, so that sooner is better."""
    random_chunks: int = 0
    """Chunks of a training, the first ones, whose games are random to their end: they teach the
    rules and no policy, and cost nothing."""
    steps: int = 0
    """Steps of a chunk in each row, for games for one, which go on with the chunk after next or
    so; 0 = a chunk is whole games."""
    solo: SoloConfig = field(default_factory=SoloConfig)
    """What is paid in chunks of steps."""

    def __post_init__(self) -> None:
        """Refuses what cannot be played.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("games", self.games, 1)
        check("steps", self.steps, 0, 2**14)
        check("rows", self.rows, 1, np.inf if self.steps else self.games)
        check("keep", self.keep, 0)
        check("noise_half", self.noise_half, 0)
        check("cheap_share", self.cheap_share, 0, 1)
        if self.cheap_share:
            check("cheap_simulations", self.cheap_simulations, 1, self.search.simulations)
        check("random_share", self.random_share, 0, 1)
        check("random_plies", self.random_plies, 0)
        check("openings_share", self.openings_share, 0, 1)
        check("n_step", self.n_step, 0)
        check("td_lambda", self.td_lambda, 0, 1)
        check("decay", self.decay, 0, 1)
        check("random_chunks", self.random_chunks, 0)
