"""What decides a training by self-play."""

from __future__ import annotations

from dataclasses import dataclass, field

from muzero.learner import LearnerConfig
from muzero.limits import SearchConfigError, check
from muzero.network import NetworkConfig
from muzero.selfplay_config import SelfplayConfig


@dataclass(frozen=True)
class TrainConfig:
    """A training by self-play."""

    chunks: int = 500
    """Chunks of self-play in all."""
    lag: int = 1
    """Chunks that self-play is behind the learner; 0 = they wait for each other."""
    barrier: int = 20
    """Chunks between places from which the training can go on."""
    seed: int = 0
    """Of everything random."""
    reanalyze: float = 0.0
    """Old chunks that are searched anew for each new one."""
    recent: float = 1.0
    """Share of all chunks so far, the newest, that is learned from; the first ones are poor."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Its kind and size."""
    selfplay: SelfplayConfig = field(default_factory=SelfplayConfig)
    """How experience is made."""
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    """How it is learned from."""

    def __post_init__(self) -> None:
        """Refuses what cannot be trained.

        Raises:
            SearchConfigError: when a field is out of its range.
        """
        check("chunks", self.chunks, 1)
        check("lag", self.lag, 0)
        check("barrier", self.barrier, 1)
        check("seed", self.seed, 0, 2**62)
        check("reanalyze", self.reanalyze, 0)
        check("recent", self.recent, 0, 1)
        if self.selfplay.steps and not self.learned:
            raise SearchConfigError(
                f"selfplay.steps = {self.selfplay.steps} needs a learned model; give "
                "learner.unroll of at least 1, such as 5"
            )
        if self.learned and self.selfplay.keep:
            raise SearchConfigError(
                f"selfplay.keep = {self.selfplay.keep} needs true rules, for a learned model "
                "cannot tell positions apart; give 0"
            )

    @property
    def learned(self) -> bool:
        """Whether the model is learned."""
        return self.learner.unroll > 0
