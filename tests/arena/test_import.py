"""Models that were trained elsewhere become runs, by the command."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from stable_baselines3 import DQN, PPO

import tests.sb3_zips as zips
from agents import checkpoint
from arena import runs

ENV = "connectx-4x3x3"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Saved models, one for boards and one for pictures."""
    folder = tmp_path_factory.mktemp("zips")
    for name, algorithm, policy, env, options in (
        ("board", PPO, "MlpPolicy", zips.board(), zips.FEW),
        ("picture", DQN, "CnnPolicy", zips.atari(), {"buffer_size": 2}),
    ):
        model = zips.model(algorithm, policy, env, **options)
        model.num_timesteps = 500
        model.save(folder / f"{name}.zip")
    return folder


def document(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_imported_model_plays_like_every_other(arena, files, workshop):
    made = document(arena("import", str(files / "board.zip"), "--env", ENV, "--json"))
    assert made["run"] == "board" and made["agent"] == "runs/board@500" and made["kind"] == "ppo"
    about = checkpoint.manifest(checkpoint.at(workshop / "runs" / "board", 500))
    origin = about.card["imported"]
    assert origin["sha256"] == hashlib.sha256((files / "board.zip").read_bytes()).hexdigest()
    assert origin["file"] == "board.zip" and origin["algorithm"] == "PPO"
    assert origin["library"].startswith("stable-baselines3 2.") and origin["timesteps"] == 500
    assert about.env == ENV and about.counters == {"env_steps": 500}
    assert runs.config(workshop / "runs" / "board")["import"]["env"] == ENV
    played = document(
        arena(
            *("tournament", "-a", "runs/board", "-a", "random", "--env", ENV),
            *("--games", "4", "--openings", "1", "--executor", "inline", "--json"),
        )
    )
    assert {agent["agent"] for agent in played["agents"]} == {"runs/board@500", "random"}
    assert not any(agent["faults"] for agent in played["agents"])
    assert any(a["agent"] == "runs/board" for a in document(arena("agents", "--json"))["agents"])


def test_a_model_of_pictures_is_said_how_to_use(arena, files):
    from agents import registry

    shutil.copy(files / "picture.zip", "dqn-Pong.ZIP")
    done = arena("import", "dqn-Pong.ZIP", "--env", "pong@nature", "--name", "seen")
    assert done.returncode == 0, done.stderr
    told = done.stdout + done.stderr
    assert "DQN of stable-baselines3" in told and "500 timesteps" in told
    assert "plays ALE/Pong-v5@nature as runs/seen" in told
    assert "`arena eval runs/seen` measures it" in told
    assert np.asarray(bytearray.fromhex(registry.make("runs/seen").digest)).size == 32


def test_without_a_name_the_run_has_the_files(arena, files):
    shutil.copy(files / "board.zip", "my model.zip")
    done = arena("import", "my model.zip", "--env", ENV)
    assert done.returncode == 2 and "run name 'my model'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("board.zip", "--env", "conectx"), "did you mean 'connectx'?"),
        (("board.zip", "--env", "pong@natur"), "did you mean 'nature'?"),
        (("board.zip", "--env", "atari-5"), "names 5 games; give one of them"),
        (("board.zip", "--env", "pong"), "sees 2 x 3 x 4 numbers, ALE/Pong-v5 shows 4 x 84 x 84"),
        (("picture.zip", "--env", "breakout"), "chooses among 6 actions, ALE/Breakout-v5 has 4"),
        (("board.zip",), "give --env, such as pong@nature"),
        (("board.zip", "--env", ENV, "--name", "../x"), "run name '../x'"),
        (("bord.zip", "--env", ENV), "no file 'bord.zip'; did you mean 'board.zip'?"),
        (("none/board.zip", "--env", ENV), "no file 'none/board.zip'; give the path"),
        (("folder.zip", "--env", ENV), "no file 'folder.zip'"),
        (("cut.zip", "--env", ENV), "cut.zip is no whole zip"),
        (("model.h5",), "supported are: a model of Stable-Baselines3 (.zip), episodes of Kaggle"),
        (
            ("board.zip", "--env", ENV, "--name", "taken"),
            "run 'taken' exists in runs; give another",
        ),
        ((), "Missing argument 'FILES...'"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_run(arena, files, workshop, arguments, message):
    for file in files.glob("*.zip"):
        (workshop / file.name).symlink_to(file)
    (workshop / "cut.zip").write_bytes((files / "board.zip").read_bytes()[:20_000])
    (workshop / "folder.zip").mkdir()
    (workshop / "runs" / "taken").mkdir(parents=True)
    done = arena("import", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("arena: ")
    assert [path.name for path in (workshop / "runs").iterdir()] == ["taken"]
