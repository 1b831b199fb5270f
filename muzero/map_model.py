"""A network of pictures whose latent is a stack of maps. Axes: `B`, `C`, `H` x `W`, `A`, `K`.

`B` rows, `C` channels of maps, `H` x `W` their size (6 x 6 for pictures of 42 x 42), `A` actions,
`K` categories. It keeps where things are, at two to three times the time of `FlatModel`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from envs.base import EnvSpec
from muzero import views
from muzero.flat_model import Eye, begin, normalise, numbers, pushes, squeezed
from muzero.limits import SearchConfigError
from muzero.network import Folded, NetworkConfig, Prediction, tower
from muzero.views import View


class MapModel(nn.Module):
    """Representation, dynamics and prediction; the latent is `float32[B, C, H, W]`."""

    fast_steps = True

    def __init__(self, spec: EnvSpec, config: NetworkConfig) -> None:
        """Makes a network with random weights.

        Raises:
            SearchConfigError: when the observations are no pictures, or have a size that cannot be
                seen.
        """
        super().__init__()
        shape = self.view(spec, config).shape
        if len(shape) != 3:
            raise SearchConfigError(
                f"{spec.id} shows no pictures; network 'map-model' sees nothing else, take "
                "'flat-model'"
            )
        self.eye = Eye(shape, config.channels)
        size = self.eye.size
        cells = size[0] * size[1] * size[2]
        self.tower = tower(config.blocks, config.channels)
        self.step = nn.Conv2d(config.channels, config.channels, 3, padding=1)
        self.action = pushes(spec.num_actions, *size)
        self.dynamics_tower = tower(config.dynamics_blocks, config.channels)
        self._values, rewards = numbers(config)
        self.reward_hidden = nn.Linear(cells, config.hidden)
        self.reward = nn.Linear(config.hidden, rewards)
        self.prediction_tower = tower(config.prediction_blocks, config.channels)
        self.hidden = nn.Linear(cells, config.hidden)
        self.out = nn.Linear(config.hidden, self._values + spec.num_actions)
        begin(self, self.reward, self.out)

    @staticmethod
    def view(spec: EnvSpec, config: NetworkConfig) -> View:
        """Gives how it sees an environment."""
        return views.pictures(spec, config.picture)

    def representation(self, observation: Tensor) -> Tensor:
        """Gives the latent of what the view shows, `[B, F, H, W]` from 0 to 255."""
        return normalise(self.tower(self.eye(observation)))

    def dynamics(self, latent: Tensor, action: Tensor) -> tuple[Tensor, Tensor]:
        """Gives the latent after an action, `int64[B]`, and its reward, `[B]` or `[B, K]`."""
        moved = torch.relu(self.step(latent) + self.action[action])
        after = normalise(latent + self.dynamics_tower(moved))
        return after, squeezed(self.reward(torch.relu(self.reward_hidden(after.flatten(1)))))

    def prediction(self, latent: Tensor) -> Prediction:
        """Gives what follows from a latent."""
        x = self.prediction_tower(latent)
        said = self.out(torch.relu(self.hidden(x.flatten(1))))
        return Prediction(said[:, self._values :], squeezed(said[:, : self._values]))

    def folded(self) -> dict[str, Folded] | None:
        """Gives None: only PyTorch plays it, its state is kept as it is."""
        return None
