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
_REWARD = 64
_MEAN_STEPS = 256
"""Learner steps whose pictures make the mean picture."""
_CONTRAST = 64.0
"""Difference from the mean picture, of 255, that is seen as 1."""
_PUSH = 2.0
"""Deviation of what an action adds where the latent's share has one of about 1.4."""


def normalise(latent: Tensor) -> Tensor:
    """Gives latents of mean 0 and deviation 1 each, `[B, ...]`, as float32.

    Source: https://arxiv.org/abs/1607.06450, without gain and bias.
    """
    return layer_norm(latent.float(), latent.shape[1:])


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


def pushes(*shape: int) -> nn.Parameter:
    """Gives what each action adds in the dynamics, `[A, ...]`, as much as the latent itself does.

    A tenth of that and a new model takes all actions for nearly the same: on Pong it knew where
    the ball would be missed after 1,000 learner steps, and not what to do about it after 2,000.
    """
    return nn.Parameter(_PUSH * torch.randn(*shape))


def numbers(config: NetworkConfig) -> tuple[int, int]:
    """Gives how many numbers say a value, and how many a reward."""
    values = config.categories or 1
    return values, config.reward_categories or values


def squeezed(said: Tensor) -> Tensor:
    """Gives `[B]` of `[B, 1]`, and all else as it is."""
    return said.squeeze(1) if said.shape[1] == 1 else said


class Eye(nn.Module):
    """Convolutions over what differs from the mean picture, cut into cells of some pixels each.

    Most of a screen never changes, and what never changes hides what does: with the mean taken off,
    a new network of Pong sees paddles and ball. The mean is that of the newest pictures in the
    first learner steps, and stands still from then on.
    """

    mean: Tensor
    steps: Tensor

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
        self.register_buffer("mean", torch.zeros(1, 1, height, width))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.layers = nn.Sequential(
            nn.Conv2d(frames * self.cell**2, channels, 2),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, 3, stride=2),
            nn.ReLU(),
            nn.Conv2d(2 * channels, channels, 3, padding=1),
            nn.ReLU(),
        )
        sides = ((side // self.cell - 1 - 3) // 2 + 1 for side in (height, width))
        self.size = (channels, *sides)
        """Shape of the maps that it gives."""

    def forward(self, observation: Tensor) -> Tensor:
        """Gives maps, `[B, *size]`, none below 0, of pictures from 0 to 255, `[B, F, H, W]`."""
        if self.training:
            self._learn_mean(observation)
        maps: Tensor = self.layers(self._cut(observation))
        return maps

    @torch.no_grad()
    def _learn_mean(self, observation: Tensor) -> None:
        """Takes the newest pictures into the mean; costs nothing once it stands."""
        share = (self.steps < _MEAN_STEPS) / (self.steps + 1.0)
        newest = observation[:, -1:].float().mean(0, keepdim=True)
        self.mean.lerp_(newest, share)
        self.steps += 1

    def _cut(self, observation: Tensor) -> Tensor:
        """Gives what differs, as cells whose pixels are channels, in the memory's order of those.

        Whole numbers to 255 and their differences are exact in bfloat16, so they are cut as that
        where it is used: half the work.
        """
        device = observation.device.type
        kind = torch.float32
        if torch.is_autocast_enabled(device):
            kind = torch.get_autocast_dtype(device)
        differs = observation.to(kind) - self.mean.round().to(kind)
        rows, cell = len(observation), self.cell
        frames, height, width = (
            size // step for size, step in zip(observation.shape[1:], (1, cell, cell), strict=True)
        )
        parts = differs.view(rows, frames, height, cell, width, cell)
        cells = parts.permute(0, 2, 4, 1, 3, 5).reshape(rows, height, width, -1)
        return (cells / _CONTRAST).permute(0, 3, 1, 2)


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
        self.latent = nn.Linear(seen, size)
        self.move = nn.Linear(size, size)
        self.action = pushes(spec.num_actions, size)
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
