"""`arena train`: from a preset to checkpoints that play, resume, and the ways it ends early."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents import checkpoint
from agents.checkpoint import CheckpointError
from arena import cli, training
from arena.store import FolderStore
from configs import loader
from envs import registry as env_registry
from muzero import learner

ROOT = Path(__file__).parents[2]
TINY = (
    "env=connectx-4x4x3",
    "train.chunks=8",
    "train.barrier=2",
    "train.network.channels=8",
    "train.network.blocks=1",
    "train.network.column_channels=8",
    "train.network.hidden=8",
    "train.selfplay.games=8",
    "train.selfplay.rows=8",
    "train.selfplay.keep=0",
    "train.selfplay.search.simulations=4",
    "train.learner.batch=16",
    "train.learner.first_moments=20",
    "evaluation.games=2",
    "evaluation.openings=1",
    "evaluation.simulations=4",
    'evaluation.opponents=["random","one-ply"]',
)


def train(root, *arguments, name="it", workers="0"):
    return cli.run(
        ["train", "connectx/alphazero", *TINY, "--dir", str(root), "--name", name]
        + ["--workers", workers, "--device", "cpu", *arguments]
    )


def weights(root, name="it", step=8):
    about = checkpoint.manifest(checkpoint.at(root / name, step))
    return about.parts[checkpoint.WEIGHTS]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    assert train(root) == 0
    return root


def test_a_run_has_players_of_every_barrier_and_states_of_the_last(whole):
    run = whole / "it"
    assert checkpoint.steps(run) == [2, 4, 6, 8]
    objects = [len(checkpoint.manifest(checkpoint.at(run, s)).objects) for s in (2, 4, 6, 8)]
    assert objects[0] == 0
    assert all(objects[1:])
    named = set(checkpoint.manifest(checkpoint.at(run, 8)).objects)
    kept = {file.name for file in (run / "objects").iterdir()}
    assert named <= kept
    card = checkpoint.manifest(checkpoint.at(run, 8)).card
    assert card["elo"] is not None
    assert card["weak"] is None, "there are no solved positions of this board"
    assert list(run.glob("events.out.tfevents.*"))
    assert runs_config(run)["train"]["train"]["chunks"] == 8


def runs_config(run):
    return loader.read(run / "config.toml")


def test_its_games_are_in_its_ladder(whole, capsys):
    assert cli.run(["ladder", "it", "--dir", str(whole), "--json"]) == 0
    agents = [row["agent"] for row in json.loads(capsys.readouterr().out)["agents"]]
    assert f"{whole / 'it'}@8:simulations=4" in agents
    assert len(agents) == 6


def test_a_process_of_its_own_for_the_games_changes_nothing(whole):
    assert train(whole, name="local", workers="1") == 0
    assert weights(whole, "local") == weights(whole)


def test_a_training_that_was_killed_ends_as_if_it_had_not_been(whole):
    command = [sys.executable, "-m", "arena", "train", "connectx/alphazero", *TINY]
    command += ["--dir", str(whole), "--name", "killed", "--workers", "0", "--device", "cpu"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    second = checkpoint.at(whole / "killed", 4) / checkpoint.MANIFEST
    while not second.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert train(whole, "--resume", name="killed") == 0
    assert weights(whole, "killed") == weights(whole)


def test_an_interrupt_ends_it_with_130_and_something_to_go_on_from(whole):
    command = [sys.executable, "-m", "arena", "train", "connectx/alphazero", *TINY]
    command += ["train.chunks=100000", "--dir", str(whole), "--name", "stopped", "--workers", "1"]
    process = subprocess.Popen(
        [*command, "--device", "cpu"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    first = checkpoint.at(whole / "stopped", 2) / checkpoint.MANIFEST
    while not first.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    assert process.returncode == 130
    assert "interrupted" in said
    assert "Traceback" not in said
    assert training.newest(whole / "stopped") is not None


def test_a_loss_that_is_not_finite_ends_it_with_3_and_names_the_last_good_one(
    tmp_path, monkeypatch, capsys
):
    learn = learner.Learner.learn

    def failing(self, *arguments):
        if self.step > 60:
            raise learner.DivergedError("the loss is nan")
        return learn(self, *arguments)

    monkeypatch.setattr(learner.Learner, "learn", failing)
    assert train(tmp_path) == 3
    said = capsys.readouterr().err
    assert "training diverged: the loss is nan; the last good checkpoint is" in said
    assert f"it@{checkpoint.steps(tmp_path / 'it')[-1]}" in said.replace("\n", "")


def test_damage_is_passed_over_and_told_where_nothing_is_left(whole, tmp_path):
    assert train(tmp_path, "train.chunks=4") == 0
    run = tmp_path / "it"
    newest = checkpoint.at(run, 4) / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    found = training.newest(run)
    assert found is not None
    assert found[0] == checkpoint.at(run, 2)
    FolderStore(run / "objects").prune([])
    with pytest.raises(CheckpointError):
        training.newest(run)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--device", "cuda:7"), "this machine has no such GPU"),
        (("--device", "gpu"), "no such device"),
        (("train.selfplay.search.simulations=0",), "simulations = 0 is impossible"),
        (("train.selfplay.search.max_considered=9",), "more than the 4 actions"),
        (("train.chunks=-1",), "chunks = -1 is impossible"),
        (("train.chunk=3",), "did you mean 'chunks'"),
        (("kind=alphazer",), "did you mean 'alphazero'"),
        (("env=conectx",), "did you mean 'connectx'"),
        (("evaluation.games=3",), "give an even number"),
        (('evaluation.opponents=["randm"]',), "did you mean 'random'"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(
    tmp_path, capsys, arguments, words
):
    assert train(tmp_path, *arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_of_that_name_is_not_overwritten_nor_resumed_with_another_config(whole, capsys):
    assert train(whole) == 2
    assert "--resume goes on with it" in capsys.readouterr().err
    assert train(whole, "--resume", "--seed", "4") == 2
    assert "train.seed: 0, now 4" in capsys.readouterr().err
    assert train(whole, "--resume") == 0, "it is already over"


def test_presets_are_good():
    for name in loader.presets("train"):
        config = loader.load(training.TrainingConfig, loader.preset("train", name))
        training.check(config)
        assert env_registry.spec(config.env)
