"""The frame takes any trainer: its config, its clock, its files, and what it cannot begin from."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents import checkpoint, trained
from agents.random import RandomPlayer
from agents.trainer import Trainer
from arena import cli, training, training_kinds
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
    (run / "config.toml").write_text(
        (run / "config.toml").read_text().replace("env_steps = 4", "env_steps = 6")
    )
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
