"""A folded network on true rules as a kernel, so that players need no PyTorch. Axes: `C` channels.

What it is made of is in `layers.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.base import EnvSpec
from muzero.layers import Board, Heads, Layer, blank, climb, convolve, heads, say, see, stem, tower
from muzero.models import CompiledNetwork
from muzero.weights import Network


class Arrays(NamedTuple):
    """A network as the kernel takes it; its maps are overwritten, so it is for one thread."""

    board: Board
    """That it plays on."""
    stem: Layer
    """From planes to `C` channels."""
    tower: Layer
    """From there to the latent."""
    heads: Heads
    """What is said of it."""
    planes: NDArray[np.float32]
    """A map of the planes and a plane of ones."""
    x: NDArray[np.float32]
    """A map of `C` channels, as is the next."""
    y: NDArray[np.float32]


@njit(cache=True)
def answer(a: Any, batch: Any, rows: Any, outputs: Any) -> None:
    """Writes what a network says of the first `rows` rows, see `CompiledNetwork.function`."""
    for row in range(rows):
        see(batch.observation[row], a.planes)
        convolve(a.planes, a.stem, a.x, a.board, 0)
        climb(a.tower, a.x, a.y, a.board)
        say(a.heads, a.x, a.board, outputs, row)


def compile_network(network: Network, spec: EnvSpec) -> CompiledNetwork:
    """Gives a network that a search runs without returning to Python, for one thread.

    Raises:
        CheckpointError: when the weights are no network for the environment.
    """
    planes, rows, columns = spec.observation_shape
    board = Board(rows, columns)
    first, channels = stem(network, board, planes)
    arrays = Arrays(
        board,
        first,
        tower(network, "block", board, channels),
        heads(network, board, channels, 1),
        blank(board, planes + 1),
        blank(board, first.bias.size),
        blank(board, first.bias.size),
    )
    return CompiledNetwork(answer, arrays)
