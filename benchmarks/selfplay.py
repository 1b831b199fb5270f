"""Self-play of `connectx/alphazero`: positions a second on one core, and the network's share."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch

from arena import training
from arena.training import TrainingConfig
from configs import loader
from envs import registry
from muzero import memory
from muzero.inference import Acting, fold
from muzero.models import RulesModel
from muzero.network import BoardNetwork
from muzero.selfplay import Selfplay

SECONDS = 15.0


class Plain:
    """The network as PyTorch evaluates it without care: float32, layer by layer."""

    def __init__(self, network: BoardNetwork) -> None:
        self._network = network

    def __call__(self, observation: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Gives logits and values."""
        with torch.inference_mode():
            latent = self._network.representation(torch.from_numpy(observation).float())
            said = self._network.prediction(latent)
            return said.logits, torch.tanh(said.value / 2)


def speed(config: TrainingConfig, network: Acting | Plain) -> tuple[float, float]:
    """Gives positions a second of processor time, and the seconds of the clock it took."""
    model = RulesModel(registry.spec(config.env), network)
    selfplay = Selfplay(config.env, model, config.train.selfplay)
    selfplay.play(0, 0)
    if isinstance(network, Acting):
        network.seconds = 0.0
    began, clock = time.process_time(), time.perf_counter()
    positions, chunk = 0, 1
    while time.process_time() - began < SECONDS:
        part = selfplay.play(0, chunk)
        positions += len(part.left) - part.episodes
        chunk += 1
    return positions / (time.process_time() - began), time.perf_counter() - clock


def main() -> None:
    """Measures and prints one JSON document."""
    torch.set_num_threads(1)
    memory.hold()
    config = training.load(loader.preset("train", "connectx/alphazero"))
    network = BoardNetwork(registry.spec(config.env), config.train.network).eval()
    acting = Acting()
    acting.load(fold(network))
    ours, seconds = speed(config, acting)
    share = acting.seconds / seconds
    peer, _ = speed(config, Plain(network))
    json.dump(
        {
            "name": "self-play, positions a second of one core",
            "ours": round(ours),
            "peer": round(peer),
            "peer_name": "the same with PyTorch's float32 network, layer by layer",
            "ratio": round(ours / peer, 2),
            "network_share": round(share, 3),
            "evaluations_a_second": round(ours * config.train.selfplay.search.simulations),
            "at_least": {"network_share": 0.85, "ratio": 1.5},
            "command": "python benchmarks/selfplay.py",
        },
        sys.stdout,
        indent=2,
    )
    print()


if __name__ == "__main__":
    main()
