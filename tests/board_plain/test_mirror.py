"""What a TensorBoard without the arena's tab reads from a run's folder."""

import io
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from agents import registry as agents
from arena import ladder, match
from arena.board import filmed, mirror
from arena.board.mirror import TournamentMirror, TrainingMirror
from arena.board.scalars import Events
from arena.evaluation import Verdict
from arena.match_record import MatchRecord
from arena.records import Records
from arena.standings import add_by_env
from arena.training import Event
from envs import registry
from muzero.progress import Progress

ROOT = Path(__file__).parents[2]


def read(run):
    found = EventAccumulator(str(run), tensor_size_guidance={"scalars": 0, "images": 0, "text": 0})
    found.Reload()
    return found


def points(found, tag):
    return [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in found.Tensors(tag)]


def recorded(env, names, seed=0):
    alone = len(names) == 1
    episodes = match.play(
        registry.make_recorded(env, 2),
        [agents.make(name) for name in names],
        np.array([[0], [0]] if alone else [[0, 1], [1, 0]]),
        [()] * 2,
        np.array([seed, seed + 1]),
    )
    return [
        MatchRecord(
            env=registry.canonical(env),
            protocol=registry.spec(env).protocol,
            agents=tuple(names[player] for player in episode.players),
            seed=seed + number,
            start=b"",
            actions=bytes(episode.actions),
            returns=episode.returns,
            digests=episode.digest_bytes,
            termination=episode.termination,
            options=registry.spec(env).options,
        )
        for number, episode in enumerate(episodes)
    ]


def standings(records):
    by_env = {}
    add_by_env(by_env, records)
    return by_env


@pytest.fixture(scope="module")
def games():
    return recorded("connectx", ["one-ply", "random"]) + recorded("connectx", ["one-ply", "random"])


def test_a_tournament_has_its_ladder_as_curves_a_table_and_a_film(tmp_path, games):
    by_env = standings(games)
    with Records.write(tmp_path) as records:
        records.commit(games)
        told = TournamentMirror(tmp_path)
        told.show(by_env)  # too soon
        told.finish(by_env, records)
        told.close()
    found = read(tmp_path)
    document = ladder.document("connectx", by_env["connectx"], partial=True)
    for agent in document["agents"]:
        ((step, elo),) = points(found, f"elo/{agent['agent']}")
        assert step == 4 and elo == pytest.approx(agent["elo"], abs=0.01)
    (text,) = found.Tensors("ladder/connectx")
    assert mirror.table(document) == text.tensor_proto.string_val[0].decode()
    width, height, png = found.Tensors("best/connectx")[0].tensor_proto.string_val
    film = Image.open(io.BytesIO(png))
    assert film.is_animated and film.size == (int(width), int(height)) and len(png) < 15_000


def test_a_tournament_that_goes_on_writes_no_point_twice(tmp_path, games):
    first, both = standings(games[:2]), standings(games)
    with Records.write(tmp_path) as records:
        records.commit(games)
        for known in (first, both, both):  # a stop, going on, and once more when it was over
            told = TournamentMirror(tmp_path)
            told._due = 0.0
            told.show(known)
            told.finish(known, records)
            told.close()
            time.sleep(1.05)  # files are read in the order of the seconds in their names
    found = read(tmp_path)
    for tag in ("elo/one-ply", "ladder/connectx", "best/connectx"):
        steps = [event.step for event in found.Tensors(tag)]
        assert steps == [2, 4], tag


def test_what_is_written_again_after_a_stop_is_forgotten(tmp_path):
    for since, steps in ((0, (10, 20, 30, 40)), (30, (30, 40, 50))):
        events = Events(tmp_path, since)
        for step in steps:
            events.add(step, {"curve": step + since})
        events.close()
    assert points(read(tmp_path), "curve") == [(10, 10), (20, 20), (30, 60), (40, 70), (50, 80)]


def test_a_ladder_is_a_table_whatever_agents_are_called():
    evil = "a|b`<script>\x1b[2J"
    agent = {"agent": evil, "elo": 1.0, "error95": None, "bound": None, "games": 3, "score": 0.5}
    rows = mirror.table({"agents": [agent]}).split("\n")
    assert len({row.count("|") for row in rows}) == 1
    assert "\x1b" not in rows[-1] and rows[-1].count("`") == 2


def event(step, verdict=None, agent=None):
    counters = {"env_steps": step, "episodes": step // 10}
    progress = Progress(counters, {"loss": 1 / step}, verdict is not None, dict, dict, tuple)
    return Event(progress, float(step), verdict, agent)


def test_a_training_tells_its_curves_parameters_and_a_film_of_each_evaluation(tmp_path):
    agent, played = "runs/x@200", []
    for other in ("random", "negamax:depth=1"):
        names = {"one-ply": f"{agent}:simulations=4"}
        for record in recorded("connectx", ["one-ply", other]):
            played.append((record, tuple(names.get(a, a) for a in record.agents)))
    renamed = [replace(r, agents=names) for r, names in played]
    with Records.write(tmp_path) as records:
        records.commit(renamed)
        for steps in ((100, 200, 300), (200, 300)):  # stopped in the last step, and gone on
            told = TrainingMirror(tmp_path, {"kind": "alphazero", "train.seed": 3}, "kind = 1\n")
            for step in steps:
                verdict = Verdict(None, None, 12.0, None) if step == 200 else None
                told.show(event(step, verdict, agent if verdict else None), records)
            told.close()
    found = read(tmp_path)
    assert [step for step, _ in points(found, "train/loss")] == [100, 200, 300]
    assert points(found, "evaluation/elo") == [(200, 12.0)]
    assert len(found.Tensors("evaluation/against negamax:depth=1")) == 1
    assert "    kind = 1" in found.Tensors("config")[0].tensor_proto.string_val[0].decode()
    assert len(found.Tensors("config")) == 1
    assert "_hparams_/session_start_info" in found.PluginTagToContent("hparams")


def test_an_atari_episode_becomes_a_film_of_few_bytes():
    record = recorded("breakout", ["random"])[0]
    film = Image.open(io.BytesIO(png := filmed.animated(record)))
    assert film.size == (160, 210) and film.n_frames > 50 and len(png) < 100_000
    env = registry.make("breakout")
    env.reset(record.seed)
    for action in record.actions:
        env.step(action)
    film.seek(film.n_frames - 1)
    assert (np.array(film.convert("RGB")) == env.render()).all()


def test_of_an_episode_that_cannot_even_begin_there_is_no_film(games):
    assert filmed.animated(replace(games[0], start=bytes([0] * 9))) is None


def test_a_board_is_drawn_disc_by_disc(games):
    film = Image.open(io.BytesIO(filmed.animated(games[0])))
    assert film.n_frames == len(games[0].actions) + 1
    env = registry.make("connectx")
    step = env.reset(games[0].seed)
    for place in range(film.n_frames):
        film.seek(place)
        picture = np.array(film.convert("RGB"))[5:-5, 5:-5].astype(int)
        middles = picture[20::40, 20::40]
        red, yellow = middles[..., 1] < 100, middles[..., 2] < 100
        mine, theirs = step.observation if step.to_play == 0 else step.observation[::-1]
        assert (red == mine).all() and (yellow & ~red == theirs).all()
        if place < len(games[0].actions):
            step = env.step(games[0].actions[place])


def test_pictures_with_many_shades_have_few_colours():
    record = recorded("cartpole", ["random"])[0]
    film = Image.open(io.BytesIO(png := filmed.animated(record)))
    assert film.is_animated and len(png) < 100_000


def test_to_tell_tensorboard_nothing_heavy_is_loaded():
    heavy = "torch", "tensorflow", "matplotlib", "stable_baselines3"
    script = f"import sys, arena.board.mirror; assert not set({heavy}) & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=ROOT)
