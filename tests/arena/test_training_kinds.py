"""The frame takes any trainer: its config, its clock, its files, and what it cannot begin from."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents import checkpoint, trained
from agents.random import RandomPlayer
from agents.trainer import Trainer
from arena import cli, evaluation, training, training_kinds
from arena.records import Records
from configs.loader import ConfigError
from muzero.progress import Progress

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class CountConfig:
    """How far to count."""

    env_steps: int = 6
    """Numbers in all."""
    barrier: int = 2
    """Numbers between barriers."""
    seed: int = 0
    """Where to begin."""


class CountPlayer(RandomPlayer):
    """Plays at random whatever was counted."""

    def __init__(self, name, data):
        super().__init__(seed=int(data))
        self.digest = checkpoint.digest(data)


def count(config, env_id, map, store, state, device):
    """Counts, and keeps each number in the store."""
    number = json.loads(state["number.json"]) if state else config.seed
    while number < config.seed + config.env_steps:
        number += 1
        name, data = store.put(b"%d" % number), str(number).encode()
        done = number - config.seed
        yield Progress(
            {"env_steps": done, "episodes": done, "learner_steps": 0},
            {"loss": 1 / number, "rollout/ep_rew_mean": 0.5},
            done % config.barrier == 0,
            lambda data=data: {checkpoint.WEIGHTS: data},
            lambda data=data: {"number.json": data},
            lambda name=name: (name,),
        )


def validate(config, env):
    if config.env_steps < 1:
        raise ConfigError(f"env_steps = {config.env_steps}; give at least 1")


COUNTER = Trainer(CountConfig, "env_steps", validate, count)


@pytest.fixture
def counting(monkeypatch):
    monkeypatch.setitem(training_kinds.TARGETS, "count", f"{__name__}:COUNTER")
    monkeypatch.setitem(trained.KINDS, "count", f"{__name__}:CountPlayer")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[count.__module__])


def train(root, *arguments):
    evaluation = ("evaluation.positions=4", "evaluation.games=2", "evaluation.openings=1")
    return cli.run(
        ["train", "kind=count", *evaluation, 'evaluation.opponents=["random","one-ply"]']
        + ["--dir", str(root), "--name", "it", "--workers", "0", *arguments]
    )


def test_any_trainer_is_run_named_by_its_clock_measured_and_resumed(counting, tmp_path):
    assert train(tmp_path, "train.env_steps=4") == 0
    run = tmp_path / "it"
    assert checkpoint.steps(run) == [2, 4]
    assert all(card["weak"] is not None for card in training.curve(run))
    text = (run / "config.toml").read_text().partition("\n")[2]  # without its checksum
    (run / "config.toml").write_text(text.replace("env_steps = 4", "env_steps = 6"))
    assert cli.run(["train", "--name", "it", "--resume", "--dir", str(tmp_path)]) == 0
    assert checkpoint.steps(run) == [2, 4, 6]
    about = checkpoint.manifest(checkpoint.at(run, 6))
    assert checkpoint.read(checkpoint.at(run, 6), checkpoint.WEIGHTS) == b"6"
    assert about.kind == "count"
    assert about.counters["env_steps"] == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train.chunks=3",), "unknown key 'train.chunks' for CountConfig"),
        (("train.env_steps=0",), "env_steps = 0; give at least 1"),
        (("train=3",), "'train' is a table, got 3"),
        (("init=zoo/connectx-alphazero",), "kind 'count' begins from nothing; leave it out"),
        (("openings=run:it",), "kind 'count' begins from nothing; leave it out"),
    ],
)
def test_what_a_trainer_cannot_do_is_refused_in_one_line(
    counting, tmp_path, capsys, arguments, words
):
    assert train(tmp_path, *arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_seeds_work_with_any_trainer(counting, tmp_path):
    assert train(tmp_path, "--seeds", "0,7") == 0
    ends = [checkpoint.at(tmp_path / f"it-s{seed}", 6) for seed in (0, 7)]
    assert [checkpoint.read(end, checkpoint.WEIGHTS) for end in ends] == [b"6", b"13"]


def test_every_kind_that_trains_has_a_player():
    assert set(training_kinds.TARGETS) == set(trained.KINDS)
    for kind in training_kinds.TARGETS:
        trainer = training_kinds.find(kind)
        assert {"seed", trainer.clock} <= trainer.config().__dict__.keys()


def test_the_help_of_training_loads_no_trainer():
    code = (
        "from arena import cli\ncli.run(['train', '--help'])\n"
        "import sys; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"


SMALL = {
    "ppo": ("train.rows=16", "train.rollout=8", "train.batch=64", "train.env_steps=768"),
    "dqn": ("train.rows=16", "train.batch=32", "train.learning_starts=128", "train.buffer=512")
    + ("train.env_steps=1024",),
}


def learn(root, kind, *arguments, name="it"):
    sizes = ("channels=4", "blocks=1", "column_channels=4", "hidden=4")
    settings = ["env=connectx-4x4x3", "train.barrier=256", *SMALL[kind]]
    settings += [f"train.network.{size}" for size in sizes]
    settings += ['train.pool.agents=["random"]', "evaluation.games=2", "evaluation.openings=1"]
    settings += ['evaluation.opponents=["random","one-ply"]']
    where = ["--dir", str(root), "--name", name, "--workers", "0", "--device", "cpu"]
    return cli.run(["train", f"connectx/{kind}", *settings, *where, *arguments])


@pytest.mark.parametrize("kind", SMALL)
def test_ppo_and_dqn_that_were_stopped_end_as_if_they_had_not_been(kind, tmp_path, monkeypatch):
    assert learn(tmp_path, kind) == 0
    steps = checkpoint.steps(tmp_path / "it")
    assert len(steps) in (3, 4)
    judge, judged = evaluation.Evaluator.judge, []

    def stopped(self, agent):
        judged.append(agent)
        if len(judged) == 1:
            raise KeyboardInterrupt
        return judge(self, agent)

    monkeypatch.setattr(evaluation.Evaluator, "judge", stopped)
    assert learn(tmp_path, kind, name="stopped") == 130
    assert learn(tmp_path, kind, "--resume", name="stopped") == 0
    one, other = (checkpoint.at(tmp_path / name, steps[-1]) for name in ("it", "stopped"))
    assert checkpoint.manifest(one).parts == checkpoint.manifest(other).parts
    card = checkpoint.manifest(other).card
    assert card["elo"] is not None
    assert cli.run(["ladder", "stopped", "--dir", str(tmp_path)]) == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", SMALL)
def test_ppo_and_dqn_that_were_killed_end_as_if_they_had_not_been(kind, tmp_path):
    assert learn(tmp_path, kind) == 0
    code = (
        "import sys; sys.argv[1:] = []\n"
        "from tests.arena.test_training_kinds import learn\n"
        f"learn({str(tmp_path)!r}, {kind!r}, name='killed')"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.DEVNULL)
    steps = checkpoint.steps(tmp_path / "it")
    first = checkpoint.at(tmp_path / "killed", steps[0]) / checkpoint.MANIFEST
    while not first.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert learn(tmp_path, kind, "--resume", name="killed") == 0
    one, other = (checkpoint.at(tmp_path / name, steps[-1]) for name in ("it", "killed"))
    assert checkpoint.manifest(one).parts == checkpoint.manifest(other).parts


def test_atari_is_measured_by_the_returns_of_its_episodes(tmp_path, capsys):
    settings = ["env=breakout", "train.env_steps=64", "train.barrier=32", "train.rows=2"]
    settings += ["train.rollout=16", "train.batch=32", "evaluation.episodes=1"]
    where = ["--dir", str(tmp_path), "--name", "it", "--workers", "0", "--device", "cpu"]
    assert cli.run(["train", "breakout/ppo", *settings, *where]) == 0
    said = capsys.readouterr().err
    assert "frames" in said
    assert "human" in said
    cards = training.curve(tmp_path / "it")
    assert [card["frames"] for card in cards] == [128, 256]
    assert all(card["mean_return"] >= 0 and card["hns"] < 1 for card in cards)
    assert all(card["elo"] is None for card in cards)
    with Records.read(tmp_path / "it") as records:
        assert records.count() == 2
    assert cli.run(["train", "--name", "it", "--resume", "--dir", str(tmp_path)]) == 0
