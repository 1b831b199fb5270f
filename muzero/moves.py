"""How moves are found in self-play. Axes: `R` rows to move, `A` actions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs import seeding
from envs.base import TimeStep
from muzero import noise
from muzero.search import Searcher, SearchResult
from muzero.selfplay_config import SelfplayConfig

_SHIFT = np.uint64(1)
_WINDOW = 16


class Moment(NamedTuple):
    """What happened in the `R` rows that were to move, or after the end of `R` games."""

    game: NDArray[np.int64]
    """`int64[R]`, number of the game in its chunk."""
    observation: NDArray[np.uint8]
    """`uint8[R, ...]`, seen by the mover, as all that follows."""
    action_mask: NDArray[np.bool_]
    """`bool[R, A]`."""
    action: NDArray[Any]
    """`int[R]`."""
    reward: NDArray[Any]
    """`float[R]`."""
    policy: NDArray[Any]
    """`float[R, A]`."""
    value: NDArray[Any]
    """`float[R]`."""
    weight: NDArray[Any]
    """`float[R]`, of the policy in the loss."""


def random_move(
    game: NDArray[np.int64], now: TimeStep, streams: NDArray[np.int64], ply: NDArray[np.int64]
) -> Moment:
    """Gives a move that no search has found; its value is not known."""
    chance = seeding.uniform(streams, np.zeros_like(streams))
    mask, none = now.action_mask, np.zeros(len(game))
    action = _legal(mask, chance)
    unknown = np.full(len(game), np.nan)
    return Moment(game, now.observation, mask, action, none, np.zeros(mask.shape), unknown, none)


def _legal(mask: NDArray[np.bool_], chance: NDArray[np.float64]) -> NDArray[np.int64]:
    """Gives the legal actions that `chance`, `float64[R]` in `[0, 1)`, picks, all alike likely."""
    place = (chance * mask.sum(1)).astype(np.int64)
    return np.asarray((mask.cumsum(1) <= place[:, None]).sum(1))


def wander(
    moment: Moment, seeds: NDArray[np.int64], ply: NDArray[np.int64], share: float
) -> Moment:
    """Gives moments some of whose actions are random and held, with the policy that was found.

    An episode is cut into windows of 16 steps; about `share` of them begin with one random action,
    played for 1 to 16 steps. So a player comes to where it would not have gone, and sees that what
    it takes for lost is not: single random actions hardly move anything. What is played follows
    from seed and ply alone. Source: temporally extended exploration, Dabney et al.,
    https://arxiv.org/abs/2006.01782.

    Args:
        moment: what the search made of it.
        seeds: `int64[R]`, of the episodes.
        ply: `int64[R]`, how far they are.
        share: of windows.
    """
    window, place = np.divmod(ply, _WINDOW)
    stream = streams_of(seeds, ~window)
    whether, which, how_long = (seeding.uniform(stream, number) for number in range(3))
    held = (whether < share) & (place <= np.floor(how_long * _WINDOW))
    action = np.where(held, _legal(moment.action_mask, which), moment.action)
    return moment._replace(action=action)


def streams_of(seeds: NDArray[np.int64], ply: NDArray[np.int64]) -> NDArray[np.int64]:
    """Gives where the chance of moves comes from, `int64[R]`, by episode and moment."""
    return (seeding.mix(seeds, ply) >> _SHIFT).astype(np.int64)


class Moves:
    """Moves by search, as a config says."""

    def __init__(self, searcher: Searcher, config: SelfplayConfig) -> None:
        """Takes a searcher for as many rows as are searched at once."""
        self.searcher, self.config = searcher, config

    def __call__(
        self,
        game: NDArray[np.int64],
        now: TimeStep,
        streams: NDArray[np.int64],
        ply: NDArray[np.int64],
    ) -> Moment:
        """Gives what the search makes of the moments of the rows to move; the reward is to come."""
        found, weight = self._search(now, streams, ply)
        policy, q = hasten(found, self.config)
        value = np.nansum(policy * q, 1)
        none = np.zeros(len(game))
        return Moment(
            game, now.observation, now.action_mask, found.action, none, policy, value, weight
        )

    def _search(
        self, now: TimeStep, streams: NDArray[np.int64], ply: NDArray[np.int64]
    ) -> tuple[SearchResult, NDArray[Any]]:
        """Gives what the search finds, and the weight of each policy."""
        config, drawn = self.config, self.noise(streams, ply)
        if not config.cheap_share:
            return self.searcher(now.observation, now.action_mask, drawn), np.ones(len(streams))
        cheap = seeding.uniform(streams, 1) < config.cheap_share
        budget = np.where(cheap, config.cheap_simulations, config.search.simulations)
        found = self.searcher(now.observation, now.action_mask, drawn, budget)
        return found, 1.0 - cheap

    def noise(self, streams: NDArray[np.int64], ply: NDArray[np.int64]) -> noise.Noise:
        """Gives the noise of searches, by how far their games have come."""
        gumbel = noise.gumbel(streams, 0, self.searcher.model.num_actions)
        if self.config.noise_half:
            gumbel *= (0.5 ** (ply / self.config.noise_half)).astype(np.float32)[:, None]
        return noise.Noise(gumbel)


def hasten(
    found: SearchResult, config: SelfplayConfig
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Gives policy and values, both `float32[R, A]`, in which a far proven end counts for less.

    An exact return is multiplied by `decay` for each ply that it lies ahead, and the improved
    policy `softmax(logits + sigma(q))` follows the change of `q`. Where the root is proven, the
    policy is shared by the actions that are as good as the best, and as soon.
    """
    root, actions = found.tree.root, found.action[:, None]
    ends = root("ends").astype(np.float32)
    q = found.q * np.where(ends > 0, np.float32(config.decay) ** (ends - 1), np.float32(1))
    search = config.search
    scale = (search.maxvisit_init + root("visits").max(1, keepdims=True)) * search.value_scale
    policy = found.action_weights * np.exp(np.nan_to_num(scale * (q - found.q)))
    best = (ends == np.take_along_axis(ends, actions, 1)) & (
        found.q == np.take_along_axis(found.q, actions, 1)
    )
    policy = np.where(root("proven")[:, None], best, policy)
    return (policy / policy.sum(1, keepdims=True)).astype(np.float32), q
