"""A network whose latent is one row of numbers. Axes: `B` rows, `A` actions, `K`, `N` numbers.

It sees stacked pictures through convolutions, anything else through linear layers; what follows an
action is imagined by linear layers alone, which is quick.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

from envs.base import EnvSpec
from muzero import views
from muzero.limits import SearchConfigError
from muzero.network import Folded, NetworkConfig, Prediction
from muzero.views import View

_CELLS = 14
"""Most cells that a picture is cut into, along each side."""
_REWARD, _MOMENTUM = 64, 0.05


def normalise(latent: Tensor) -> Tensor:
    """Gives latents of mean 0 and deviation 1 each, `[B, ...]`, as float32.

    Source: https://arxiv.org/abs/1607.06450, without gain and bias.
    """
    return layer_norm(latent.float(), latent.shape[1:])


def norm(size: int) -> nn.BatchNorm1d:
    """Gives what makes each of `size` numbers of mean 0 and deviation 1 over moments."""
    return nn.BatchNorm1d(size, momentum=_MOMENTUM)


def begin(network: nn.Module, *last: nn.Module) -> None:
    """Gives layers weights that keep the size of what goes through them.

    Those of `last` layers are 0, so that a new network expects nothing.
    Source: He et al., https://arxiv.org/abs/1502.01852, equation 10.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            if layer in last:
                nn.init.zeros_(layer.weight)


def numbers(config: NetworkConfig) -> tuple[int, int]:
    """Gives how many numbers say a value, and how many a reward."""
    values = config.categories or 1
    return values, config.reward_categories or values


def squeezed(said: Tensor) -> Tensor:
    """Gives `[B]` of `[B, 1]`, and all else as it is."""
    return said.squeeze(1) if said.shape[1] == 1 else said


class Eye(nn.Module):
    """Convolutions over stacked pictures, cut into cells of some pixels each.

    Most of a screen never changes. Every place of the maps is normalised over moments by itself, so
    that what changes is what is seen: without it Pong's rewards are learned ten times more slowly.
    """

    def __init__(self, shape: tuple[int, ...], channels: int) -> None:
        """Makes one for pictures `[F, H, W]` that gives maps of `channels`.

        Raises:
            SearchConfigError: when the pictures cannot be cut.
        """
        super().__init__()
        frames, height, width = shape
        sizes = range(1, min(height, width) + 1)
        fit = (n for n in sizes if not (height % n or width % n) and max(shape[1:]) <= _CELLS * n)
        self.cell = next(fit, 0)
        if self.cell == 0 or min(height, width) < 4 * self.cell:
            raise SearchConfigError(
                f"pictures of {height} x {width} pixels cannot be cut into 4 to {_CELLS} cells "
                "along each side; set network.picture, such as 42"
            )
        self.layers = nn.Sequential(
            *_layer(frames * self.cell**2, channels, 2),
            *_layer(channels, 2 * channels, 3, stride=2),
            nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False),
        )
        sides = ((side // self.cell - 1 - 3) // 2 + 1 for side in (height, width))
        self.size = (channels, *sides)
        """Shape of the maps that it gives."""
        self.places = norm(self.size[0] * self.size[1] * self.size[2])

    def forward(self, observation: Tensor) -> Tensor:
        """Gives maps, `[B, *size]`, none below 0, of pictures from 0 to 255, `[B, F, H, W]`."""
        maps = self.layers(self._cut(observation))
        return torch.relu(self.places(maps.flatten(1))).view(-1, *self.size)

    def _cut(self, observation: Tensor) -> Tensor:
        """Gives pictures as cells, their pixels as channels, in the memory's order of channels.

        Bytes are exact in bfloat16, so they are cut as that where it is used: half the work.
        """
        device = observation.device.type
        if torch.is_autocast_enabled(device):
            observation = observation.to(torch.get_autocast_dtype(device))
        rows, cell = len(observation), self.cell
        frames, height, width = (
            size // step for size, step in zip(observation.shape[1:], (1, cell, cell), strict=True)
        )
        parts = observation.view(rows, frames, height, cell, width, cell)
        cells = parts.permute(0, 2, 4, 1, 3, 5).reshape(rows, height, width, -1)
        return (cells / 255).permute(0, 3, 1, 2)


def _layer(inputs: int, outputs: int, kernel: int, stride: int = 1) -> tuple[nn.Module, ...]:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, bias=False)
    return layer, nn.BatchNorm2d(outputs, momentum=_MOMENTUM), nn.ReLU()


def _touch(size: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(size, hidden), nn.ReLU())


class FlatModel(nn.Module):
    """Representation, dynamics and prediction; the latent is `float32[B, hidden]`."""

    fast_steps = False
    """Imagined steps are computed in float32: for few rows of linear layers that is quicker."""

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network with random weights.

        Raises:
            SearchConfigError: when the pictures have a size that cannot be seen.
        """
        super().__init__()
        shape, size = self.view(spec, config).shape, config.hidden
        self._pictures = len(shape) == 3
        if self._pictures:
            eye = Eye(shape, config.channels)
            self.eye: nn.Module = nn.Sequential(eye, nn.Flatten())
            seen = eye.size[0] * eye.size[1] * eye.size[2]
        else:
            seen = size
            self.eye = _touch(int(torch.Size(shape).numel()), size)
        self.latent = nn.Sequential(nn.Linear(seen, size, bias=False), norm(size))
        self.move = nn.Linear(size, size)
        self.action = nn.Parameter(0.1 * torch.randn(spec.num_actions, size))
        self.change = nn.Linear(size, size)
        self._values, rewards = numbers(config)
        self.reward = nn.Sequential(
            nn.Linear(size, _REWARD), nn.ReLU(), nn.Linear(_REWARD, rewards)
        )
        self.hidden = nn.Linear(size, size)
        self.out = nn.Linear(size, self._values + spec.num_actions)
        begin(self, self.reward[-1], self.out)

    @staticmethod
    def view(spec: EnvSpec, config: NetworkConfig) -> View:
        """Gives how it sees an environment."""
        return views.pictures(spec, config.picture)

    def representation(self, observation: Tensor) -> Tensor:
        """Gives the latent, `[B, hidden]`, of what the view shows."""
        if not self._pictures:
            observation = observation / 127.5 - 1
        return normalise(self.latent(self.eye(observation)))

    def dynamics(self, latent: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Gives the latent after an action, `int64[B]`, and its reward, `[B]` or `[B, K]`."""
        moved = torch.relu(normalise(self.move(latent) + self.action[action]))
        after = normalise(latent + self.change(moved))
        return after, squeezed(self.reward(after))

    def prediction(self, latent: Tensor) -> Prediction:
        """Gives what follows from a latent."""
        said = self.out(torch.relu(self.hidden(latent)))
        return Prediction(said[:, self._values :], squeezed(said[:, : self._values]))

    def folded(self) -> dict[str, Folded] | None:
        """Gives None: there is nothing to fold, its state plays as it is."""
        return None
