"""The faces for Gymnasium: one seat of a game for two, the opponent inside. Axes: `B` rows.

Importing this module registers the ids, so `gymnasium.make("agents.gym_env:arena/connectx-v0",
opponent="negamax:depth=4")` works anywhere; after `import agents.gym_env` the id alone does.
Sources: https://gymnasium.farama.org/api/env/, https://gymnasium.farama.org/api/vector/.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Discrete, MultiBinary
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from agents import registry as agent_registry
from agents.seat import Moment, Seat, SeatedRows
from envs import registry
from envs.base import EnvSpec
from envs.serial import SerialVectorEnv

_SEEDS = 2**63 - 1


class SeatEnv(gymnasium.Env[NDArray[np.int8], np.int64]):
    """One seat as an environment: 1 for a win, 0 for a draw, -1 for a loss, paid at the end.

    The observation is `int8[2, rows, columns]`, the own discs first, top row first. `info` holds
    `action_mask`, `bool[A]`, and the own `seat`. An illegal action ends the episode as a loss.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 2}  # noqa: RUF012

    def __init__(
        self,
        env: str = "connectx",
        *,
        opponent: str,
        seat: Seat = "alternate",
        render_mode: str | None = None,
    ) -> None:
        """Makes the environment.

        Args:
            env: id of a game for two.
            opponent: AGENT text of the other seat's player.
            seat: 0 (moves first), 1, or `alternate` from episode to episode, 0 first after a seed.
            render_mode: `rgb_array` or None.

        Raises:
            AgentError: when no such opponent can be made.
            UnknownEnvError: when no family knows the id.
            EnvOptionError: when the game is not for two or there is no such seat.
        """
        self.render_mode = render_mode
        self._env = registry.make(env)
        make = partial(agent_registry.make, opponent)
        self._rows = SeatedRows(SerialVectorEnv([self._env]), make, seat)
        self._mask = np.zeros(self._env.spec.num_actions, np.bool_)
        self._seeded = False
        self.observation_space, self.action_space = _spaces(self._env.spec)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Begins the next episode; without any seed yet, chance decides the opponent's luck."""
        super().reset(seed=seed)
        if seed is not None or not self._seeded:
            chosen = int(self.np_random.integers(_SEEDS)) if seed is None else seed
            self._rows.seed(np.zeros(1, np.int64), [chosen])
            self._seeded = True
        moment = self._rows.begin(np.zeros(1, np.int64))
        return self._seen(moment), self._info(moment)

    def step(
        self, action: np.int64 | int
    ) -> tuple[NDArray[np.int8], float, bool, bool, dict[str, Any]]:
        """Plays an action and the opponent's reply; the reward is what both brought."""
        moment = self._rows.step(np.array([action]))
        ends = bool(moment.terminated[0]), bool(moment.truncated[0])
        return self._seen(moment), float(moment.reward[0]), *ends, self._info(moment)

    def action_masks(self) -> NDArray[np.bool_]:
        """Gives the legal actions, `bool[A]`, True = legal, as SB3's MaskablePPO asks for them."""
        return self._mask.copy()

    def render(self) -> Any:
        """Draws the moment as `uint8[H, W, 3]` where the mode is `rgb_array`."""
        return self._env.render() if self.render_mode == "rgb_array" else None

    def _seen(self, moment: Moment) -> NDArray[np.int8]:
        self._mask = moment.action_mask[0]
        return np.asarray(moment.observation[0].view(np.int8))

    def _info(self, moment: Moment) -> dict[str, Any]:
        return {"action_mask": self._mask.copy(), "seat": int(moment.seat[0])}


class SeatVectorEnv(gymnasium.vector.VectorEnv[NDArray[np.int8], NDArray[np.int64], Any]):
    """`B` seats at once, the opponent deciding for all of them together.

    A row is what `SeatEnv` with the row's seed is. An ended row begins anew as `autoreset_mode`
    says; DISABLED rows stand still, their rewards 0, until `reset(options={"reset_mask": mask})`.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - each env has its own
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int,
        env: str = "connectx",
        *,
        opponent: str,
        seat: Seat = "alternate",
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        """Makes the rows. Arguments and errors as `SeatEnv`'s; modes are those of Gymnasium."""
        self._mode = AutoresetMode(autoreset_mode)
        self.metadata = {**self.metadata, "autoreset_mode": self._mode}
        inside = registry.make_vector(env, num_envs)
        self._rows = SeatedRows(inside, partial(agent_registry.make, opponent), seat)
        self._seeded = False
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = _spaces(inside.spec)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._mask = np.zeros((num_envs, inside.spec.num_actions), np.bool_)
        self._over = np.ones(num_envs, np.bool_)

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[NDArray[np.int8], dict[str, Any]]:
        """Begins the next episode in all rows, or in those of `options["reset_mask"]`, `bool[B]`.

        A number seeds row `i` with itself plus `i`; a list seeds each row, None leaves a row as
        it is.
        """
        first = seed[0] if isinstance(seed, list) else seed
        super().reset(seed=first)
        begin = np.ones(self.num_envs, np.bool_)
        if options and "reset_mask" in options:
            begin = np.asarray(options["reset_mask"], np.bool_)
        rows = np.flatnonzero(begin)
        self._seed(rows, seed)
        moment = self._rows.begin(rows)
        self._over[rows] = False
        return self._seen(moment), self._infos(moment, begin)

    def step(
        self, actions: NDArray[np.int64]
    ) -> tuple[NDArray[np.int8], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Plays `actions`, `int64[B]`, and the opponent's replies."""
        ended = self._over
        moment = self._rows.step(np.asarray(actions))
        told, reward = np.ones(self.num_envs, np.bool_), moment.reward
        ends = moment.terminated, moment.truncated
        self._over = ends[0] | ends[1]
        infos: dict[str, Any] = {}
        if self._mode == AutoresetMode.NEXT_STEP and ended.any():
            moment = self._rows.begin(np.flatnonzero(ended))
            ends = moment.terminated, moment.truncated
            self._over = ends[0] | ends[1]
        elif self._mode == AutoresetMode.SAME_STEP and self._over.any():
            infos = self._final(moment, self._over)
            moment = self._rows.begin(np.flatnonzero(self._over))
        return self._seen(moment), reward, *ends, infos | self._infos(moment, told)

    def action_masks(self) -> NDArray[np.bool_]:
        """Gives the legal actions, `bool[B, A]`, True = legal."""
        return self._mask.copy()

    def _seed(self, rows: NDArray[np.int64], seed: int | list[int | None] | None) -> None:
        if seed is None and self._seeded:
            return
        if isinstance(seed, list):
            chosen = [(row, seed[row]) for row in rows.tolist() if seed[row] is not None]
        else:
            low = int(self.np_random.integers(_SEEDS)) if seed is None else seed
            chosen = [(row, low + row) for row in rows.tolist()]
        places, seeds = zip(*chosen, strict=True) if chosen else ((), ())
        self._rows.seed(np.array(places, np.int64), np.array(seeds, np.int64))
        self._seeded = True

    def _seen(self, moment: Moment) -> NDArray[np.int8]:
        self._mask = moment.action_mask
        return moment.observation.view(np.int8)

    def _infos(self, moment: Moment, told: NDArray[np.bool_]) -> dict[str, Any]:
        """Gives the infos of rows and, under `_name`, which rows have them, `bool[B]`."""
        mask = moment.action_mask & told[:, None]
        infos = {"action_mask": mask, "seat": np.where(told, moment.seat, 0)}
        return infos | {f"_{name}": told.copy() for name in infos}

    def _final(self, moment: Moment, over: NDArray[np.bool_]) -> dict[str, Any]:
        """Gives what Gymnasium tells of rows that ended and begin anew in the same step."""
        seen = np.full(self.num_envs, None, object)
        for row in np.flatnonzero(over):
            seen[row] = moment.observation[row].view(np.int8)
        info = self._infos(moment, over)
        return {
            "final_obs": seen,
            "_final_obs": over.copy(),
            "final_info": info,
            "_final_info": over.copy(),
        }


def _spaces(spec: EnvSpec) -> tuple[MultiBinary, Discrete]:
    return MultiBinary(spec.observation_shape), Discrete(spec.num_actions)


for _id in ("connectx",):
    gymnasium.register(
        f"arena/{_id}-v0",
        entry_point="agents.gym_env:SeatEnv",
        vector_entry_point="agents.gym_env:SeatVectorEnv",
        kwargs={"env": _id},
    )
