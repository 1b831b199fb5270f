"""`arena train`: from a preset to checkpoints that play, resume, and the ways it ends early."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents import checkpoint
from agents.checkpoint import CheckpointError
from arena import cli, evaluation, executor, training
from arena.records import Records
from arena.store import FolderStore
from configs import loader
from envs import registry as env_registry
from muzero import learner
from muzero import weights as weight_files

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


def test_a_chunk_whose_process_dies_is_played_by_another(whole, tmp_path, monkeypatch):
    struck = []

    class Unlucky(executor.Local):
        def _dispatch(self, target, waiting):
            super()._dispatch(target, waiting)
            if len(struck) < 3 and self._busy:
                struck.append(next(iter(self._busy)))
                struck[-1].process.kill()

    monkeypatch.setattr(executor, "Local", Unlucky)
    assert train(tmp_path, workers="1") == 0
    assert len(struck) == 3
    assert weights(tmp_path) == weights(whole)


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


@pytest.mark.parametrize("last", [2, 4])
def test_what_was_stopped_while_it_was_measured_is_measured_first(tmp_path, monkeypatch, last):
    judge, measured = evaluation.Evaluator.judge, []

    def stopped(self, agent):
        measured.append(int(agent.rpartition("@")[2]))
        if measured == [2, 4]:
            raise KeyboardInterrupt
        return judge(self, agent)

    monkeypatch.setattr(evaluation.Evaluator, "judge", stopped)
    run, chunks = tmp_path / "it", f"train.chunks={last + 2}"
    assert train(tmp_path, chunks) == 130
    assert ["elo" in card for card in training.curve(run)] == [True, False]
    assert train(tmp_path, chunks, "--resume") == 0
    assert measured == [2, 4, 4, *range(6, last + 3, 2)]
    found = training.curve(run)
    assert all(card["elo"] is not None for card in found)
    assert [card["chunks"] for card in found] == list(range(2, last + 3, 2))
    assert sorted(card["seconds"] for card in found) == [card["seconds"] for card in found]
    assert train(tmp_path, chunks, "--resume") == 0
    assert measured.count(4) == 2, "what was measured is not measured again"


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


def test_a_seed_that_diverges_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    def failing(self, *arguments):
        raise learner.DivergedError("the loss is nan")

    learn = learner.Learner.learn
    monkeypatch.setattr(learner.Learner, "learn", failing)
    assert train(tmp_path, "train.chunks=2", name="it-s0") == 3
    monkeypatch.setattr(learner.Learner, "learn", learn)
    assert train(tmp_path, "train.chunks=2", "--seeds", "1") == 0
    monkeypatch.setattr(learner.Learner, "learn", failing)
    assert train(tmp_path, "train.chunks=2", "--seeds", "0,1", "--resume") == 3
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[-1] == "·" for row in rows if row.startswith("it-s")][-2:] == [True, False]


def test_damage_is_passed_over_and_told_where_nothing_is_left(whole, tmp_path):
    assert train(tmp_path, "train.chunks=4") == 0
    run = tmp_path / "it"
    newest = checkpoint.at(run, 4) / "state.safetensors"
    newest.write_bytes(newest.read_bytes()[:-1])
    said = []
    found = training.newest(run, said.append)
    assert found is not None
    assert len(said) == 1 and f"{newest.name} is damaged" in said[0] and "passed over" in said[0]
    assert found[0] == checkpoint.at(run, 2)
    FolderStore(run / "objects").prune([])
    with pytest.raises(CheckpointError):
        training.newest(run)


@pytest.mark.parametrize("kind", ["ppo", "dqn"])
def test_a_training_on_atari_goes_on_from_its_last_barrier(tmp_path, kind):
    small = ["train.rows=2", "train.barrier=64", "train.network.pictures=small"]
    small += ["evaluation.episodes=0", "--workers", "0", "--dir", str(tmp_path), "--name", "it"]
    small += {
        "ppo": ["train.rollout=16", "train.batch=32"],
        "dqn": ["train.learning_starts=32", "train.buffer=96"],
    }[kind]
    assert cli.run(["train", f"pong/{kind}", *small, "train.env_steps=128"]) == 0
    found = training.newest(tmp_path / "it")
    assert found is not None
    assert found[0] == checkpoint.at(tmp_path / "it", 128)


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


def played(root, name, step):
    """Gives the arrays of the player of a checkpoint."""
    data = checkpoint.read(checkpoint.at(root / name, step), checkpoint.WEIGHTS)
    return weight_files.unpack_network(data).arrays


def test_it_starts_from_the_weights_of_an_agent_and_goes_on_without_it(whole, tmp_path):
    shutil.copytree(whole / "it", tmp_path / "teacher")
    still = ("train.chunks=2", "train.learner.replay_ratio=0", f"init={tmp_path / 'teacher'}")
    assert train(tmp_path, *still) == 0
    stored = runs_config(tmp_path / "it")["train"]
    assert stored["init"] == f"{tmp_path / 'teacher'}@8"
    for name, array in played(tmp_path, "it", 2).items():
        np.testing.assert_allclose(array, played(whole, "it", 8)[name], atol=2e-3, err_msg=name)
    shutil.rmtree(tmp_path / "teacher")
    assert train(tmp_path, *still, "--resume") == 0, "the name that was typed means the same run"


def test_some_games_begin_from_those_of_a_run_as_they_were_at_the_start(whole, tmp_path):
    shutil.copytree(whole / "it", tmp_path / "played")
    named = ("openings=run:played", "train.chunks=4")
    with Records.read(tmp_path / "played") as records:
        count = records.count()
        first = next(records.episodes())
    assert train(tmp_path, *named) == 0
    assert runs_config(tmp_path / "it")["train"]["openings"] == f"run:played@{count}"
    about = checkpoint.manifest(checkpoint.at(tmp_path / "it", 4))
    games = json.loads(FolderStore(tmp_path / "it" / "objects").get(about.objects[0]))
    assert len(games) == count
    assert games[0] == [*first.start, *first.actions]
    with Records.write(tmp_path / "played") as records:
        records.commit([replace(first, source="again", slot=None)])
    assert train(tmp_path, *named, name="later") == 0
    assert weights(tmp_path, "later", 4) != weights(tmp_path, step=4), "one game more"
    exact = ("openings=run:played@" + str(count), "train.chunks=4")
    assert train(tmp_path, *exact, name="exact") == 0
    assert weights(tmp_path, "exact", 4) == weights(tmp_path, step=4)
    shutil.rmtree(checkpoint.at(tmp_path / "it", 4))
    shutil.rmtree(tmp_path / "played")
    assert train(tmp_path, *named, "--resume") == 0
    assert weights(tmp_path, step=4) == weights(tmp_path, "exact", 4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("init=zoo/connectx-alphazer",), "did you mean 'zoo/connectx-alphazero'"),
        (("init=zoo/connectx-alphazero",), "trained for connectx, not for connectx-4x4x3"),
        (("init=random",), "'random' has no weights; give zoo/NAME"),
        (("init={it}@3",), "has no checkpoint 3; the nearest are 2, 4"),
        (
            ("init={it}", "train.network.channels=16"),
            "with channels=8, that of the training has channels=16",
        ),
        (
            (
                "init={it}",
                "kind=muzero",
                "train.learner.unroll=2",
                "train.network.name=board-model",
            ),
            "weights of kind 'alphazero', from which no training of kind 'muzero' may start",
        ),
        (("openings=run:itt",), "did you mean 'it'"),
        (("openings=it",), "did you mean 'run:it'"),
        (("openings=run:it", "env=connectx-5x4x3"), "did you mean env=connectx-4x4x3"),
        (("openings=run:it@100000",), "games; give at most that"),
        (("train.selfplay.openings_share=2",), "openings_share = 2.0 is impossible"),
    ],
)
def test_what_it_cannot_begin_with_is_refused_before_anything_is_written(
    whole, capsys, arguments, words
):
    arguments = [argument.format(it=whole / "it") for argument in arguments]
    assert train(whole, *arguments, name="refused") == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert not (whole / "refused").exists()


def test_games_that_break_the_rules_are_refused(whole, tmp_path, capsys):
    shutil.copytree(whole / "it", tmp_path / "played")
    with Records.write(tmp_path / "played") as records:
        first = next(records.episodes())
        records.commit([replace(first, actions=bytes(9), source="wrong", slot=None)])
    assert train(tmp_path, "openings=run:played") == 2
    assert "a game does not follow the rules of connectx-4x4x3" in capsys.readouterr().err


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    root = tmp_path_factory.mktemp("seeds")
    assert train(root, "--seeds", "0,1", "train.chunks=4") == 0
    return root


def test_each_of_several_seeds_is_what_it_would_be_alone(whole, seeds):
    assert train(seeds, "--seed", "1", "train.chunks=4", name="alone") == 0
    assert weights(seeds, "it-s1", 4) == weights(seeds, "alone", 4)
    assert weights(seeds, "it-s0", 4) != weights(seeds, "alone", 4)
    assert (seeds / "it.png").read_bytes().startswith(b"\x89PNG")


def test_several_seeds_go_on_and_are_compared(seeds, capsys):
    shutil.rmtree(checkpoint.at(seeds / "it-s1", 4))
    before = weights(seeds, "it-s1", 2)
    arguments = ["train", "--name", "it", "--seeds", "0-2", "--resume", "--dir", str(seeds)]
    capsys.readouterr()
    assert cli.run([*arguments, "--workers", "0", "--device", "cpu", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in found["runs"]] == ["it-s0", "it-s1", "it-s2"]
    assert [len(row["evaluations"]) for row in found["runs"]] == [2, 2, 2]
    assert weights(seeds, "it-s1", 2) == before
    elo = sorted(row["elo"] for row in found["runs"])
    assert found["median"]["elo"] == elo[1]
    assert found["picture"] == str(seeds / "it.png")
    assert cli.run([*arguments, "--workers", "0", "--device", "cpu"]) == 0
    table = capsys.readouterr().out
    assert table.count("it-s") == 3
    assert "median" in table
    assert "min to" not in table, "nothing is graded on this board"


def test_an_interrupt_ends_all_seeds(seeds):
    command = [sys.executable, "-m", "arena", "train", "connectx/alphazero", *TINY]
    command += ["train.chunks=100000", "--seeds", "0-1", "--dir", str(seeds), "--name", "stopped"]
    process = subprocess.Popen([*command, "--workers", "0"], cwd=ROOT, stderr=subprocess.PIPE)
    while not (checkpoint.at(seeds / "stopped-s0", 2) / checkpoint.MANIFEST).exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert training.newest(seeds / "stopped-s0") is not None
    assert not checkpoint.steps(seeds / "stopped-s1")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seeds", "0-1", "--seed", "1"), "--seed and --seeds exclude each other"),
        (("--seeds", "1-0"), "--seeds '1-0': write them as 0-2 or 0,3,5"),
        (("--seeds", "3,0"), "'it-s0' exists in"),
    ],
)
def test_seeds_that_cannot_be_trained_are_refused_before_anything_is_written(
    seeds, capsys, arguments, words
):
    assert train(seeds, *arguments, "train.chunks=4") == 2
    assert words in capsys.readouterr().err
    assert not (seeds / "it-s3").exists()


def test_what_does_not_exist_cannot_be_gone_on_with(whole, capsys):
    assert cli.run(["train", "--name", "itt", "--resume", "--dir", str(whole)]) == 2
    assert "no training 'itt'" in capsys.readouterr().err


def test_presets_are_good():
    for name in loader.presets("train"):
        config = training.load(loader.preset("train", name))
        training.check(config)
        assert env_registry.spec(config.env)
