"""A folded model of a board game as kernels, so that players need no PyTorch. Axes: `C`, `A`, `R`.

`C` channels of a map, `A` actions, `R` network rows. What it is made of is in `layers.py`. Equal to
what PyTorch says in float32 within 1e-3.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero import evaluate, layers
from muzero.kernels import OFFSET
from muzero.layers import Board, Heads, Layer, climb, convolve, pair, say, see, stem, tower
from muzero.limits import SearchConfigError
from muzero.models import CompiledNetwork, Evaluation, LearnedModel
from muzero.weights import Network

KINDS = 4
"""Numbers that are said of each column: the policy's, and those of `Evaluation.heads`."""
_EPSILON = np.float32(1e-5)


class Arrays(NamedTuple):
    """A model as the kernels take it; its maps are overwritten, so it is for one thread."""

    board: Board
    """That it plays on."""
    channels: int
    """Of the latent; those up to `C`, whole `LANES`, are 0."""
    stem: Layer
    """From planes to `C` channels."""
    tower: Layer
    """From there to the latent."""
    step: Layer
    """From a latent to what the map of an action is added to."""
    action: NDArray[np.float32]
    """`float32[A, L]`, the maps of the actions, from a board's first cell to its last."""
    dynamics: Layer
    """From there to the next latent."""
    prediction: Layer
    """From a latent to the heads."""
    heads: Heads
    """What is said of it."""
    latents: NDArray[np.float32]
    """`float32[capacity, L]`, from a board's first cell to its last."""
    planes: NDArray[np.float32]
    """A map of the planes and a plane of ones."""
    x: NDArray[np.float32]
    """A map of `C` channels, as is the next."""
    y: NDArray[np.float32]


@njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _normalise(x: Any, channels: Any, full: Any, board: Any) -> None:
    """Gives the first `channels` numbers of all cells, of `full` each, mean 0 and deviation 1.

    Source: https://arxiv.org/abs/1607.06450, without gain and bias.
    """
    stride, count = board.columns + 1, np.float32(board.rows * board.columns * channels)
    total = square = np.float32(0)
    for row in range(1, board.rows + 1):
        for cell in range(row * stride + 1, row * stride + stride):
            for i in range(cell * full, cell * full + channels):
                total += x[i]
    mean = total / count
    for row in range(1, board.rows + 1):
        for cell in range(row * stride + 1, row * stride + stride):
            for i in range(cell * full, cell * full + channels):
                square += (x[i] - mean) * (x[i] - mean)
    scale = np.float32(1) / np.sqrt(square / count + _EPSILON)
    for row in range(1, board.rows + 1):
        for cell in range(row * stride + 1, row * stride + stride):
            for i in range(cell * full, cell * full + channels):
                x[i] = (x[i] - mean) * scale


@njit(cache=True)
def copy(source: Any, start: Any, target: Any, place: Any, count: Any) -> None:
    """Writes `count` numbers of `source` into `target`."""
    for i in range(count):
        target[place + i] = source[start + i]


@njit(cache=True)
def _conclude(a: Any, slot: Any, outputs: Any, row: Any) -> None:
    """Makes the map `x` a latent, keeps it in a slot and writes what follows from it."""
    full = a.step.bias.size
    _normalise(a.x, a.channels, full, a.board)
    copy(a.x, (a.board.columns + 2) * full, a.latents[slot], 0, a.latents.shape[1])
    climb(a.prediction, a.x, a.y, a.board)
    say(a.heads, a.x, a.board, outputs, row)


@njit(cache=True, nogil=True)
def _begin(a: Any, observation: Any, outputs: Any) -> None:
    """Writes what is said of observations, `uint8[B, ...]`, and keeps their latents from slot 0."""
    for row in range(len(observation)):
        see(observation[row], a.planes)
        convolve(a.planes, a.stem, a.x, a.board, 0)
        climb(a.tower, a.x, a.y, a.board)
        _conclude(a, row, outputs, row)


@njit(cache=True)
def _imagine(a: Any, batch: Any, rows: Any, outputs: Any) -> None:
    """Writes what is said of the first `rows` rows, see `CompiledNetwork.function`."""
    start, size = (a.board.columns + 2) * a.step.bias.size, a.latents.shape[1]
    for row in range(rows):
        copy(a.latents[batch.slot[row]], 0, a.y, start, size)
        copy(a.action[batch.action[row]], 0, a.x, start, size)
        convolve(a.y, a.step, a.x, a.board, 1)
        climb(a.dynamics, a.x, a.y, a.board)
        _conclude(a, batch.ledger[OFFSET] + row, outputs, row)


def compile_model(network: Network, spec: EnvSpec, capacity: int) -> LearnedModel:
    """Gives a model that a search runs without returning to Python, for one thread.

    Args:
        network: a folded `muzero.board_model.BoardModel`.
        spec: what it plays; its rules are not used.
        capacity: latents that there is room for, one for each node of all trees of a search.

    Raises:
        CheckpointError: when the weights are no such network for the environment.
    """
    return learned(_arrays(network, spec, capacity), _begin, _imagine, spec, capacity)


def learned(arrays: Any, begin: Any, imagine: Any, spec: EnvSpec, capacity: int) -> LearnedModel:
    """Gives the model of some kernels.

    Args:
        arrays: first argument of both.
        begin: `begin(arrays, observation, outputs)`: writes what is said of observations and keeps
            their latents from slot 0.
        imagine: see `CompiledNetwork.function`.
        spec: what it plays.
        capacity: latents that there is room for.
    """

    def initial(observation: NDArray[np.uint8]) -> Evaluation:
        size = len(observation)
        if size > capacity:
            raise SearchConfigError(f"the model has room for {capacity} latents, not for {size}")
        outputs = evaluate.blank(size, spec.num_actions, KINDS - 1)
        begin(arrays, np.array(observation, np.uint8, order="C"), outputs)
        nothing = np.zeros((size, 0), np.float32)
        return Evaluation(nothing, outputs.logits, outputs.value, None, outputs.heads)

    return LearnedModel(
        initial,
        CompiledNetwork(imagine, arrays),
        spec.num_actions,
        spec.discount,
        spec.value_range,
        capacity=capacity,
    )


def mover(
    network: Network, board: Board, seen: int, inputs: int, channels: int
) -> tuple[Layer, NDArray[np.float32]]:
    """Gives the layer `step` and the maps of the actions that are added to what it says.

    Args:
        network: where they are.
        board: that it plays on.
        seen: numbers of a cell that the layer sees.
        inputs: the same, filled up as the map is that it sees.
        channels: numbers of a cell that it says.

    Raises:
        CheckpointError: as `layers.pair`.
    """
    weight, maps = pair(
        network, "step", channels, seen, 3, 3, bias=(board.columns, channels, *board)
    )
    step = layers.layer((weight, np.zeros(channels, np.float32)), layers.around(board), inputs)
    cells = np.zeros((board.columns, board.rows, board.columns + 1, step.bias.size), np.float32)
    cells[:, :, : board.columns, :channels] = maps.transpose(0, 2, 3, 1)
    return step, cells.reshape(board.columns, -1)


def _arrays(network: Network, spec: EnvSpec, capacity: int) -> Arrays:
    """Gives a model as the kernels take it, with room for latents that costs nothing yet."""
    planes, *size = spec.observation_shape
    board = Board(*size)
    first, channels = stem(network, board, planes)
    full = first.bias.size
    step, action = mover(network, board, channels, full, channels)
    return Arrays(
        board,
        channels,
        first,
        tower(network, "block", board, channels),
        step,
        action,
        tower(network, "dynamics", board, channels),
        tower(network, "prediction", board, channels),
        layers.heads(network, board, channels, KINDS),
        np.zeros((capacity, action.shape[1]), np.float32),
        layers.blank(board, planes + 1),
        layers.blank(board, full),
        layers.blank(board, full),
    )
