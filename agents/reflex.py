"""Players that act by a network alone, without search. Axes: `R` rows to move, `A` actions.

Nothing here needs PyTorch. On a board, the mean of what the network says of it and of its mirror
image counts, for both are the same position; a network of dense layers is asked once, as elsewhere.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.base import AgentError
from agents.dense import Dense
from agents.pictures import Pictures
from envs.base import EnvSpec, TimeStep
from envs.seeding import derive, mix, uniform
from muzero import weights
from muzero.compiled import compile_network
from muzero.kernels import Outputs
from muzero.weights import CheckpointError


class Answer(NamedTuple):
    """What a network says of `R` observations."""

    actions: NDArray[np.float32]
    """`float32[R, A]`, a number for each action."""
    value: NDArray[np.float32]
    """`float32[R]`, of the whole; on boards from -1 to 1."""


class _Seen(NamedTuple):
    """The batch as a compiled network takes it."""

    observation: NDArray[np.uint8]


class _Boards:
    """A network of boards as a kernel."""

    def __init__(self, network: weights.Network, spec: EnvSpec) -> None:
        self._network = compile_network(network, spec)
        self._actions = spec.num_actions

    def __call__(self, observation: NDArray[np.uint8]) -> Answer:
        """Gives what it says, the mean over both images."""
        rows = len(observation)
        both = np.ascontiguousarray(np.concatenate([observation, observation[..., ::-1]]))
        outputs = Outputs(
            np.zeros((2 * rows, self._actions), np.float32),
            np.zeros(2 * rows, np.float32),
            np.zeros(2 * rows, np.float32),
            np.zeros((0, 2 * rows, self._actions), np.float32),
        )
        self._network.function(self._network.weights, _Seen(both), 2 * rows, outputs)
        half = np.float32(0.5)
        actions = half * (outputs.logits[:rows] + outputs.logits[rows:, ::-1])
        return Answer(actions, half * (outputs.value[:rows] + outputs.value[rows:]))


def _answers(network: weights.Network, spec: EnvSpec) -> Any:
    """Gives what says an `Answer` of observations.

    Raises:
        CheckpointError: when the weights are no network for the environment.
    """
    if spec.num_players > 1 and "dense" not in network.about:
        return _Boards(network, spec)
    made = (Dense if "dense" in network.about else Pictures)(network, spec)
    return lambda observation: Answer(*made(observation))


class Reflex:
    """A network that answers, and the chance of each row."""

    def __init__(self, name: str, data: bytes) -> None:
        """Reads a network.

        Args:
            name: what people call the player.
            data: its file, as `muzero.weights` reads it.

        Raises:
            AgentError: when the file is damaged or of another version.
        """
        self.name, self.digest = name, hashlib.sha256(data).hexdigest()
        try:
            self._network = weights.unpack_network(data)
        except CheckpointError as error:
            raise AgentError(f"{name}: {error}") from error
        self._answer: Any = None
        self._salt = derive("reflex", self.digest)
        self._streams = np.zeros(0, np.uint64)
        self._moves = np.zeros(0, np.int64)

    def reset(self, spec: EnvSpec, seeds: NDArray[np.int64]) -> None:
        """Prepares new episodes, and compiles before any clock runs.

        Raises:
            AgentError: when the network was trained for another environment, or is damaged.
        """
        if spec.id != self._network.env:
            raise AgentError(
                f"{self.name} plays {self._network.env} only, not {spec.id!r}; choose another "
                "player"
            )
        if self._answer is None:
            try:
                self._answer = _answers(self._network, spec)
            except CheckpointError as error:
                raise AgentError(f"{self.name}: {error}") from error
            self._answer(np.zeros((1, *spec.observation_shape), np.uint8))
        self._streams = mix(seeds, self._salt)
        self._moves = np.zeros(len(seeds), np.int64)

    def answer(self, steps: TimeStep) -> Answer:
        """Gives what the network says of the moments of some rows."""
        assert self._answer is not None, "reset comes first"
        answer: Answer = self._answer(steps.observation)
        return answer

    def draw(self, rows: NDArray[np.int64], policy: NDArray[np.float32]) -> NDArray[np.int64]:
        """Gives an action of each row by chance, `int64[R]`; those of probability 0 never."""
        chance = uniform(self._streams[rows], self._moves[rows])
        self._moves[rows] += 1
        total = policy.astype(np.float64).cumsum(1)
        # The last sum is a little off 1, so chance is a share of it.
        return np.asarray((total <= (chance * total[:, -1])[:, None]).sum(1))


def softmax(numbers: NDArray[np.float32], legal: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Gives probabilities, `float32[R, A]`, those of illegal actions 0."""
    masked = np.where(legal, numbers, -np.inf)
    raised = np.exp(masked - masked.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)
