"""The door to Stable-Baselines3 and sb3-contrib: all that trainers take from them."""

import sys

_GYM = sys.modules.get("gym")
sys.modules["gym"] = None  # type: ignore[assignment]  # old gym greets users with advice to leave it

from gymnasium.spaces import Box, Discrete  # noqa: E402
from sb3_contrib import MaskablePPO  # noqa: E402
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy  # noqa: E402
from stable_baselines3 import DQN  # noqa: E402
from stable_baselines3.common.logger import KVWriter, Logger  # noqa: E402
from stable_baselines3.common.type_aliases import TrainFreq, TrainFrequencyUnit  # noqa: E402
from stable_baselines3.common.vec_env import VecEnv  # noqa: E402
from stable_baselines3.dqn.policies import DQNPolicy  # noqa: E402

del sys.modules["gym"]
if _GYM is not None:
    sys.modules["gym"] = _GYM

__all__ = [
    "DQN",
    "Box",
    "DQNPolicy",
    "Discrete",
    "KVWriter",
    "Logger",
    "MaskableActorCriticPolicy",
    "MaskablePPO",
    "TrainFreq",
    "TrainFrequencyUnit",
    "VecEnv",
]
