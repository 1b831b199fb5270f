"""The face for PettingZoo: both seats of a game, in turn. Axes: `A` actions.

Source: https://pettingzoo.farama.org/api/aec/.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import seeding
from numpy.typing import NDArray
from pettingzoo import AECEnv

from envs import registry
from envs.base import EnvOptionError, TimeStep

Observation = NDArray[np.int8]


class ArenaAECEnv(AECEnv[str, Observation, int | None]):  # type: ignore[misc]
    """A game for two as `player_0`, who moves first, and `player_1`.

    Each observes `int8[3, rows, columns]`, top row first: the own discs, the other's, and the empty
    cells. `infos` hold `action_mask`, `int8[A]`, 1 = legal, for who is to move, all 0 for the
    other. The winner is rewarded 1 and the other -1.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "arena_v0",
        "render_modes": ["rgb_array"],
        "is_parallelizable": False,
        "render_fps": 2,
    }

    def __init__(self, env: str = "connectx", render_mode: str | None = None) -> None:
        """Makes the environment; `reset` comes before anything else.

        Args:
            env: id of a game for two.
            render_mode: `rgb_array` or None.

        Raises:
            UnknownEnvError: when no family knows the id.
            EnvOptionError: when it is a game for one.
        """
        super().__init__()
        self._env = registry.make(env)
        spec = self._env.spec
        if spec.num_players != 2:
            raise EnvOptionError(f"{spec.id} is a game for one; the AEC face needs a game for two")
        self.render_mode = render_mode
        self.possible_agents = ["player_0", "player_1"]
        planes, *size = spec.observation_shape
        self._space = Box(0, 1, (planes + 1, *size), np.int8)
        self.action_spaces = {name: Discrete(spec.num_actions) for name in self.possible_agents}
        self.observation_spaces = dict.fromkeys(self.possible_agents, self._space)
        self._chance, _ = seeding.np_random()

    def observation_space(self, agent: str) -> Box:
        """Gives what an agent may observe."""
        return self._space

    def action_space(self, agent: str) -> Discrete:
        """Gives what an agent may play."""
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begins an episode; without a `seed` it follows from the seed before."""
        if seed is not None:
            self._chance, _ = seeding.np_random(seed)
        self.agents = list(self.possible_agents)
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self._cumulative_rewards = dict.fromkeys(self.agents, 0.0)
        self._note(self._env.reset(int(self._chance.integers(2**63 - 1))))

    def step(self, action: int | None) -> None:
        """Plays for the agent to move; None where it has ended.

        Raises:
            IllegalActionError: when the mask forbids the action; nothing changes.
        """
        mover = self.agent_selection
        if self.terminations[mover] or self.truncations[mover]:
            self._was_dead_step(action)
            return
        moment = self._env.step(action if action is not None else -1)
        self._cumulative_rewards[mover] = 0.0
        self.rewards = dict(zip(self.agents, moment.rewards.tolist(), strict=True))
        self._note(moment)
        self._accumulate_rewards()

    def observe(self, agent: str) -> Observation:
        """Gives what an agent sees now."""
        seen = self._moment.observation.astype(np.int8)
        own = seen if agent == self.possible_agents[self._moment.to_play] else seen[::-1]
        return np.concatenate([own, 1 - seen.sum(0, np.int8, keepdims=True)])

    def render(self) -> Any:
        """Draws the moment as `uint8[H, W, 3]` where the mode is `rgb_array`."""
        return self._env.render() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Has nothing to give back."""

    def _note(self, moment: TimeStep) -> None:
        self._moment = moment
        self.agent_selection = mover = self.possible_agents[moment.to_play]
        mask = moment.action_mask.astype(np.int8)
        self.infos: dict[str, dict[str, Any]] = {
            name: {"action_mask": mask if name == mover else np.zeros_like(mask)}
            for name in self.agents
        }
        self.terminations = dict.fromkeys(self.agents, bool(moment.terminated))
        self.truncations = dict.fromkeys(self.agents, bool(moment.truncated))
