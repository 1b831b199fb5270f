"""A folded model that imagines boards as kernels, so that players need no PyTorch. Axes: `C`, `A`.

`C` channels of a map, `A` actions. What it is made of is in `layers.py`. Its latents are boards.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero import layers
from muzero.compiled_model import KINDS, copy, learned, mover
from muzero.jit import WITHIN
from muzero.kernels import OFFSET
from muzero.layers import Board, Dense, Heads, Layer, climb, convolve, pair, say, see, stem, tower
from muzero.models import LearnedModel
from muzero.weights import Network


class Arrays(NamedTuple):
    """A model as the kernels take it; its maps are overwritten, so it is for one thread."""

    board: Board
    """That it plays on."""
    stem: Layer
    """From planes to `C` channels."""
    tower: Layer
    """From there to the heads."""
    heads: Heads
    """What is said of it."""
    step: Layer
    """From planes to what the map of an action is added to."""
    action: NDArray[np.float32]
    """`float32[A, L]`, the maps of the actions, from a board's first cell to its last."""
    landing: Layer
    """From there to what decides the cells of the next board."""
    cell: Dense
    """From a cell's numbers to the logits of empty, the mover's, the other's."""
    latents: NDArray[np.uint8]
    """`uint8[capacity, 2, rows, A]`, boards as their movers see them."""
    planes: NDArray[np.float32]
    """A map of the planes and a plane of ones."""
    x: NDArray[np.float32]
    """A map of `C` channels, as is the next."""
    y: NDArray[np.float32]


@njit(**WITHIN)
def _decide(x: Any, cell: Any, board: Any, out: Any) -> None:
    """Writes the board, `uint8[2, rows, A]`, whose cells the map `x` makes most likely."""
    full = cell.weight.shape[0]
    for row in range(board.rows):
        for column in range(board.columns):
            first = ((row + 1) * (board.columns + 1) + 1 + column) * full
            best, kind = np.float32(-np.inf), 0
            for k in range(3):
                logit = cell.bias[k]
                for i in range(full):
                    logit += x[first + i] * cell.weight[i, k]
                if logit > best:
                    best, kind = logit, k
            out[0, row, column] = kind == 1
            out[1, row, column] = kind == 2


@njit(cache=True, nogil=True)
def _judge(a: Any, slot: Any, outputs: Any, row: Any) -> None:
    """Writes what is said of the board in a slot."""
    see(a.latents[slot], a.planes)
    convolve(a.planes, a.stem, a.x, a.board, 0)
    climb(a.tower, a.x, a.y, a.board)
    say(a.heads, a.x, a.board, outputs, row)


def _begin(a: Arrays, observation: NDArray[np.uint8], outputs: Any) -> None:
    """Writes what is said of observations, `uint8[B, ...]`, and keeps them from slot 0.

    No kernel of its own: that would compile the network once more.
    """
    a.latents[: len(observation)] = observation
    for row in range(len(observation)):
        _judge(a, row, outputs, row)


@njit(cache=True)
def _imagine(a: Any, batch: Any, rows: Any, outputs: Any) -> None:
    """Writes what is said of the first `rows` rows, see `CompiledNetwork.function`."""
    start, size = (a.board.columns + 2) * a.step.bias.size, a.action.shape[1]
    for row in range(rows):
        see(a.latents[batch.slot[row]], a.planes)
        copy(a.action[batch.action[row]], 0, a.x, start, size)
        convolve(a.planes, a.step, a.x, a.board, 1)
        convolve(a.x, a.landing, a.y, a.board, 0)
        slot = batch.ledger[OFFSET] + row
        _decide(a.y, a.cell, a.board, a.latents[slot])
        _judge(a, slot, outputs, row)


def compile_boards(network: Network, spec: EnvSpec, capacity: int) -> LearnedModel:
    """Gives a model that a search runs without returning to Python, for one thread.

    Args:
        network: a folded `muzero.predicted_board.PredictedBoard`.
        spec: what it plays; its rules are not used.
        capacity: latents that there is room for, one for each node of all trees of a search.

    Raises:
        CheckpointError: when the weights are no such network for the environment.
    """
    planes, *size = spec.observation_shape
    board = Board(*size)
    first, channels = stem(network, board, planes)
    full = first.bias.size
    step, action = mover(network, board, planes + 1, planes + 1, channels)
    landing = layers.layer(
        pair(network, "landing", channels, channels, 3, 3), layers.around(board), full
    )
    weight, bias = pair(network, "board", 3, channels, 1, 1)
    cell = np.zeros((full, 3), np.float32)
    cell[:channels] = weight[:, :, 0, 0].T
    arrays = Arrays(
        board,
        first,
        tower(network, "block", board, channels),
        layers.heads(network, board, channels, KINDS),
        step,
        action,
        landing,
        Dense(cell, bias),
        np.zeros((capacity, *spec.observation_shape), np.uint8),
        layers.blank(board, planes + 1),
        layers.blank(board, full),
        layers.blank(board, full),
    )
    return learned(arrays, _begin, _imagine, spec, capacity)
