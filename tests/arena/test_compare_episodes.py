"""Recorded episodes as entries: which agents, one protocol, nothing twice."""

from dataclasses import replace

import numpy as np
import pytest

from agents import checkpoint
from agents.checkpoint import Manifest
from arena.compare import CompareError
from arena.compare_episodes import entries, gather, left_out
from arena.conduct import SUSPENDED
from arena.records import MatchRecord, Records
from envs import atari_games


def record(agent, game, score, seed, protocol="sticky", **fields):
    options = {
        "env": atari_games.env_id(game, protocol),
        "agents": (agent,),
        "seed": seed,
        "start": b"",
        "actions": bytes([seed % 6] * 9),
        "returns": (float(score),),
        "digests": bytes(8),
        "termination": "terminated",
        "purpose": "evaluation",
        "protocol": atari_games.PROTOCOLS[protocol].stamp,
    }
    return MatchRecord(**{**options, **fields})


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Writes records into a run; all runs are in `runs` of the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(name, *records):
        with Records.write(tmp_path / "runs" / name) as store:
            store.commit(records)
        return tmp_path / "runs" / name

    return write


def test_scores_are_the_returns_of_each_game(runs):
    run = runs("a", *(record("random", "pong", s - 21, s) for s in range(5)))
    (entry,) = entries(gather([run]).episodes)
    assert (entry.name, entry.protocol, entry.unit) == ("random", "sticky", "episodes")
    assert entry.stamp == atari_games.PROTOCOLS["sticky"].stamp
    assert sorted(entry.scores["pong"]) == [-21, -20, -19, -18, -17]
    assert entry.episodes["pong"] == 5 and entry.stds["pong"] == pytest.approx(np.sqrt(2.5))
    assert entry.source == "a" and entry.runs is None and entry.steps == {}


def test_only_rated_solo_atari_episodes_count(runs):
    run = runs(
        "a",
        record("random", "pong", 1, 1),
        record("random", "pong", 2, 2, purpose="tournament"),
        record("random", "pong", 3, 3, purpose="human"),
        record("random", "pong", 4, 4, rated=False),
        record("random", "pong", 5, 5, env="connectx"),
        record("random", "pong", 6, 6, agents=("random", "x"), returns=(6.0, -6.0)),
    )
    (entry,) = entries(gather([run]).episodes)
    assert sorted(entry.scores["pong"]) == [1, 2]


def test_an_episode_of_two_runs_counts_once(runs):
    first = runs("a", *(record("random", "pong", s, s) for s in (1, 2)))
    second = runs("b", *(record("random", "pong", s, s) for s in (2, 3)))
    (entry,) = entries(gather([first, second]).episodes)
    assert sorted(entry.scores["pong"]) == [1, 2, 3]
    assert entry.source == "a, b"


def test_a_forfeit_counts_as_it_stood_and_what_was_not_played_does_not(runs):
    run = runs(
        "a",
        record("mine:A", "pong", -3, 1, termination="error", blame=0),
        record("mine:A", "pong", 5, 2),
        record("mine:A", "pong", 0, 3, termination=SUSPENDED, blame=0),
    )
    found = gather([run])
    (entry,) = entries(found.episodes)
    assert sorted(entry.scores["pong"]) == [-3, 5]
    assert entry.forfeits["pong"] == 1
    assert found.warnings == ["mine:A: suspended after faults, 1 episodes were not played"]


def test_protocols_are_not_mixed(runs):
    run = runs(
        "a",
        record("random", "pong", 1, 1),
        record("random", "pong", 2, 2, "nature"),
        record("mine:A", "pong", 3, 3),
    )
    found = gather([run]).episodes
    with pytest.raises(CompareError) as told:
        entries(found)
    for stamp in ("sticky", "nature"):
        assert atari_games.PROTOCOLS[stamp].stamp in str(told.value)
    assert "--protocol nature|sticky" in str(told.value) and "\n" not in str(told.value)
    (entry,) = entries(found, ["random"], protocol="nature")
    assert entry.scores["pong"].tolist() == [2] and entry.protocol == "nature"
    stamp = atari_games.PROTOCOLS["sticky"].stamp
    assert {e.name for e in entries(found, protocol=stamp)} == {"random", "mine:A"}
    assert {e.name for e in entries(found, protocol="nature")} == {"random"}
    with pytest.raises(CompareError, match="no episode of mine:A under protocol 'nature'"):
        entries(found, ["mine:A", "random"], protocol="nature")
    assert entries(found, protocol="nature-full") == []


def test_two_versions_of_one_protocol_are_two_protocols(runs):
    old = "sticky-00000000"
    changed = replace(record("random", "pong", 3, 3), protocol=old)
    found = gather([runs("a", record("random", "pong", 1, 1), changed)]).episodes
    with pytest.raises(CompareError, match=rf"--protocol {old}\|sticky-[0-9a-f]+"):
        entries(found, protocol="sticky")
    (entry,) = entries(found, protocol=old)
    assert entry.scores["pong"].tolist() == [3] and entry.protocol == "sticky"


def test_the_newest_checkpoint_stands_for_a_training_unless_it_is_named(runs):
    steps = ("runs/ppo@90", "runs/ppo@100", "runs/ppo@100:greedy=true")
    run = runs("a", *(record(agent, "pong", s, s) for s, agent in enumerate(steps)))
    found = gather([run]).episodes
    names = ["runs/ppo@100", "runs/ppo@100:greedy=true"]
    assert [entry.name for entry in entries(found)] == names
    assert [entry.name for entry in entries(found, ["runs/ppo"])] == names[:1]
    assert [entry.name for entry in entries(found, ["runs/ppo:greedy=true"])] == names[1:]
    assert [entry.name for entry in entries(found, ["runs/ppo@90"])] == ["runs/ppo@90"]
    assert [entry.name for entry in entries(found, ["runs/p*"])] == names


def test_agents_of_one_game_each_are_gathered_under_a_name(runs):
    run = runs(
        "a",
        *(record("runs/ppo-pong@9", "pong", s, s) for s in range(3)),
        *(record("runs/ppo-qbert@9", "qbert", 100 * s, s) for s in range(3)),
        record("random", "pong", -21, 0),
    )
    ours, random = entries(gather([run]).episodes, ["ours=runs/ppo-*", "random"])
    assert (ours.name, ours.unit) == ("ours", "episodes")
    assert {game: len(scores) for game, scores in ours.scores.items()} == {"pong": 3, "qbert": 3}
    assert random.name == "random"
    with pytest.raises(CompareError, match="two groups are called 'x'"):
        entries(gather([run]).episodes, ["x=random", "x=runs/*"])


def test_several_trainings_of_a_game_are_compared_by_their_means(runs):
    run = runs(
        "a",
        *(record("runs/ppo-0@9", "pong", s, s) for s in (1, 3)),
        *(record("runs/ppo-1@9", "pong", s, s) for s in (5, 7, 9)),
    )
    (ours,) = entries(gather([run]).episodes, ["ours=runs/ppo-*"])
    assert ours.unit == "runs" and ours.runs == 2
    assert ours.scores["pong"].tolist() == [2, 7]
    assert ours.episodes["pong"] == 5


def test_the_checkpoint_tells_how_long_it_was_trained(runs, tmp_path):
    run = runs("a", record("runs/ppo@100", "pong", 1, 1), record("runs/gone@5", "pong", 2, 2))
    about = Manifest("ppo", "ALE/Pong-v5", "", {"env_steps": 250_000}, {})
    checkpoint.write(checkpoint.at(tmp_path / "runs" / "ppo", 100), about, {})
    by_name = {entry.name: entry for entry in entries(gather([run]).episodes)}
    assert by_name["runs/ppo@100"].steps == {"pong": 250_000}
    assert by_name["runs/ppo@100"].runs == 1
    assert by_name["runs/gone@5"].steps == {}


def test_who_did_not_play_is_refused_with_the_nearest_name(runs):
    run = runs("a", record("random", "pong", 1, 1))
    found = gather([run]).episodes
    with pytest.raises(CompareError, match="'randm'; did you mean 'random'"):
        entries(found, ["randm"])
    with pytest.raises(CompareError, match="no episode of random in these games"):
        entries(found, ["random"], ["qbert"])
    assert left_out(found, entries(found)) == []
    assert left_out(found, []) == ["random"]
