"""Names of trained players: zoo, runs, and steps of runs."""

import shutil
from dataclasses import replace

import pytest

from agents import checkpoint, registry, trained
from agents.base import AgentError

ZOO = trained.ZOO / "connectx-alphazero"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run with two checkpoints, in the folder `runs` of the current one."""
    made = tmp_path / "runs" / "first"
    for step in (10, 20):
        shutil.copytree(ZOO, checkpoint.at(made, step))
    monkeypatch.chdir(tmp_path)
    return made


def test_a_run_is_recorded_with_its_newest_step(run):
    assert registry.canonical("runs/first") == "runs/first@20"
    assert registry.canonical("runs/first:simulations=50") == "runs/first@20:simulations=50"
    assert registry.canonical("runs/first@10") == "runs/first@10"
    assert registry.canonical("runs/first@10:simulations=200") == "runs/first@10"
    assert registry.canonical(f"{run}@10") == f"{run}@10"


def test_players_carry_the_digest_of_their_weights(run):
    assert registry.make("runs/first").digest == checkpoint.manifest(ZOO).parts[checkpoint.WEIGHTS]


def test_names_that_are_not_there_are_refused(run):
    with pytest.raises(AgentError, match="did you mean 'zoo/connectx-alphazero'"):
        registry.make("zoo/connectx-alphazer")
    with pytest.raises(AgentError, match="did you mean 'runs/first'"):
        registry.make("runs/frist")
    with pytest.raises(AgentError, match="no checkpoint 15; the nearest are 10, 20"):
        registry.make("runs/first@15")
    with pytest.raises(AgentError, match="no checkpoint in runs/x"):
        registry.make("runs/x@3")


def test_damaged_checkpoints_are_refused_in_one_line(run):
    file = checkpoint.at(run, 20) / checkpoint.WEIGHTS
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(AgentError, match="is damaged") as caught:
        registry.make("runs/first")
    assert "\n" not in str(caught.value)


def test_unknown_kinds_are_refused(run):
    folder = checkpoint.at(run, 20)
    parts = {checkpoint.WEIGHTS: checkpoint.read(folder, checkpoint.WEIGHTS)}
    checkpoint.write(folder, replace(checkpoint.manifest(folder), kind="oracle"), parts)
    with pytest.raises(AgentError, match="of kind 'oracle', which nobody here can play"):
        registry.make("runs/first")


def test_zoo_and_runs_are_listed(run):
    names = [name for name, _ in trained.listed(run.parent)]
    assert names[0] == "zoo/breakout-ppo" and "zoo/connectx-alphazero" in names
    assert names[-1] == str(run)
