"""Games that the tests of the tab look at."""

import numpy as np

from agents import registry as agents
from arena import match
from arena.match_record import MatchRecord
from envs import registry

NASTY = '<img src=x onerror="alert(1)"> & co'
BOARD = ("mcts:simulations=40", "negamax:depth=2", "one-ply", "random")
DAMAGED, DAMAGED_THOUGHTS, FORFEIT, FOREIGN = 25, 26, 27, 28


def played(env, names, pairs, seed=0):
    """Records of games between agents; `pairs` are places among the names."""
    vector = registry.make_recorded(env, len(pairs))
    spec = vector.spec
    opening = () if spec.num_players == 1 else (3,)
    found = match.play(
        vector,
        [agents.make(name) for name in names],
        np.array(pairs),
        [opening] * len(pairs),
        np.arange(seed, seed + len(pairs)),
    )
    return [
        MatchRecord(
            env=spec.id,
            options=spec.options,
            protocol=spec.protocol,
            agents=tuple(names[place] for place in episode.players),
            seed=seed + number,
            start=bytes(opening),
            actions=bytes(episode.actions),
            returns=episode.returns,
            digests=episode.digest_bytes,
            termination=episode.termination,
            blame=episode.blame,
            search=episode.search,
        )
        for number, episode in enumerate(found)
    ]
