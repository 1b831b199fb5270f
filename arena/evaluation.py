"""What a training measures of a checkpoint: grade, rating, or returns of episodes alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from agents import registry as agent_registry
from arena import grade, ladder, solo, solo_chunks, solo_eval, tournament
from arena.executor import Inline
from arena.match import TimeControl
from arena.records import Records
from arena.standings import Standings
from arena.tournament import TournamentConfig
from configs.loader import ConfigError
from envs import registry as env_registry

_EPISODES = 10


@dataclass(frozen=True)
class EvaluationConfig:
    """How a checkpoint is measured."""

    simulations: int = 64
    """Of its player, if it searches."""
    options: str | None = None
    """Further options of its player, such as `sample=true`."""
    positions: int = 250
    """Solved positions of the shipped ones that it is graded on; 0 = none."""
    games: int = 12
    """Against each opponent, even; 0 = none."""
    openings: int = 4
    """Plies played first in these games."""
    opponents: tuple[str, ...] = ("random", "one-ply", "negamax:depth=2", "negamax:depth=4")
    """AGENT texts. Ratings are relative to the first, and they meet each other first."""
    episodes: int | None = None
    """Episodes in envs for one, in place of games and positions; None = 10."""
    seed: int = 0
    """Of games, openings and episodes."""


class Verdict(NamedTuple):
    """What was measured; None = not asked for, or not possible in this env."""

    weak: float | None
    """Share of moves that keep the outcome."""
    strong: float | None
    """Share of best moves."""
    elo: float | None
    """Above the first opponent."""
    error95: float | None
    """Half the 95 % interval of the rating; None where it is only a bound."""
    mean_return: float | None = None
    """Of episodes in an env for one."""
    hns: float | None = None
    """The same, human-normalised: 0 = random play, 1 = the human tester."""


def check(config: EvaluationConfig, env: str) -> None:
    """Refuses what cannot be measured.

    Raises:
        ConfigError: on numbers that are out of range.
        AgentError: when an opponent cannot be made.
    """
    if config.simulations < 1 or config.positions < 0:
        raise ConfigError(
            f"evaluation: simulations={config.simulations}, positions={config.positions}; "
            "give at least 1 and 0"
        )
    if config.episodes is not None and config.episodes < 0:
        raise ConfigError(f"evaluation: episodes={config.episodes}; give at least 0")
    if solo_chunks.is_solo(env):
        return
    for agent in config.opponents:
        agent_registry.canonical(agent)
    if config.games and config.opponents:
        tournament.check(_meeting(config, env, ("first", *config.opponents), "gauntlet"))


def _meeting(
    config: EvaluationConfig, env: str, agents: tuple[str, ...], schedule: str
) -> TournamentConfig:
    return TournamentConfig(
        env=env,
        agents=agents,
        schedule=schedule,
        games=config.games,
        openings=config.openings,
        seed=config.seed,
    )


class Evaluator:
    """Measures one checkpoint after the other; the games go into the run's records."""

    def __init__(
        self, config: EvaluationConfig, env: str, records: Records, searches: bool = True
    ) -> None:
        """Lets the opponents meet, where that has not happened yet.

        Args:
            config: how checkpoints are measured.
            env: that they were trained for.
            records: of the run.
            searches: whether their players take the option `simulations`.
        """
        self._config, self._env, self._records = config, env, records
        options = [f"simulations={config.simulations}"] if searches else []
        options += [config.options] if config.options else []
        self._options = f":{','.join(options)}" if options else ""
        self._standings = Standings()
        self._standings.add(records.episodes())
        found = []
        if config.positions and env_registry.canonical(env) == grade.ENV:
            found = grade.read(grade.SHIPPED)
        places = min(config.positions, len(found))
        self._positions = [found[place * len(found) // places] for place in range(places)]
        self._solo = solo_chunks.is_solo(env)
        if config.games and len(config.opponents) > 1 and not self._solo:
            self._play(config.opponents, "round-robin")

    def judge(self, agent: str) -> Verdict:
        """Measures the player of a checkpoint, named without options."""
        text = agent_registry.canonical(f"{agent}{self._options}")
        weak = strong = elo = error = None
        if self._solo:
            return Verdict(weak, strong, elo, error, *self._returns(text))
        if self._positions:
            player = agent_registry.make(text)
            found = list(grade.answers(player, self._positions, self._config.seed))
            document = grade.document(found)
            weak, strong = document["weak"], document["strong"]
        if self._config.games and self._config.opponents:
            self._play((text, *self._config.opponents), "gauntlet")
            elo, error = self._rating(text)
        return Verdict(weak, strong, elo, error)

    def _play(self, agents: tuple[str, ...], schedule: str) -> None:
        config, inline = _meeting(self._config, self._env, agents, schedule), Inline()
        cards = tournament.inspect(config, inline)
        for chunk in tournament.run(config, cards, self._records, inline):
            self._standings.add(chunk.records)

    def _returns(self, text: str) -> tuple[float | None, float | None]:
        """Gives the mean return, and the same human-normalised; None where nothing is played."""
        count = _EPISODES if self._config.episodes is None else self._config.episodes
        if not count:
            return None, None
        env, clock = env_registry.canonical(self._env), TimeControl()
        (card,) = tournament.cards_of((text,), (env,), clock, Inline())
        seeds = solo.seeds(self._config.seed, count)
        chunks = solo_eval.wanted(env, card, seeds, clock)
        left = solo_eval.missing(chunks, card, self._records)
        for _ in solo_eval.play(left, card, self._records, Inline()):
            pass
        played = solo_eval.recorded(chunks, card, self._records)
        found = solo_eval.document(env, text, played)
        return found["mean_return"], found["hns"]

    def _rating(self, text: str) -> tuple[float, float | None]:
        """Gives Elo above the first opponent, and half its 95 % interval."""
        document = ladder.document(self._env, self._standings, partial=True)
        rows = {row["agent"]: row for row in document["agents"]}
        zero = rows[agent_registry.canonical(self._config.opponents[0])]
        return rows[text]["elo"] - zero["elo"], rows[text]["error95"]
