"""Bundles: what is in them, who cannot travel, and the same moves elsewhere as here."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
import time

import numpy as np
import pytest

from agents import bundled, checkpoint, last_resort, registry, solver_book, trained
from agents.base import AgentError
from agents.pace import LAST_S, Pace
from arena import bundle, bundle_closure, grade
from envs import registry as env_registry

TRAVELLERS = [
    "solver",
    "zoo/connectx-alphazero:simulations=16",
    "zoo/connectx-muzero:simulations=16",
    "zoo/connectx-dqn",
    "zoo/connectx-ppo",
    "negamax:depth=3",
    "mcts:simulations=20",
]
ELSEWHERE = """
import json, os, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {blocked}:
            raise ImportError(f"{{name}} is not installed here")
sys.meta_path.insert(0, Nothing())
path, data = sys.argv[1:]
sys.path.append(os.path.dirname(path))
space = {{}}
exec(compile(open(path).read(), path, "exec"), space)
sys.path.pop()
agent = [value for value in space.values() if callable(value)][-1]
before = set(sys.modules)
found = []
for board, mark in json.load(open(data)):
    configuration = dict(columns=7, rows=6, inarow=4, actTimeout=500)
    observation = dict(board=board, mark=mark, remainingOverageTime=1e6)
    found.append(agent(observation, configuration))
print(json.dumps(found))
own = json.load(open(os.path.join(os.path.dirname(path), "bundle.json")))["modules"]
print(json.dumps(sorted(name for name in sys.modules if name.split(".")[0] in own)))
print(json.dumps([path for path in sys.path if path == os.path.dirname(sys.argv[1])]))
"""
AGAIN = """
import sys, threading
path, spaces, found = sys.argv[1], [], []
code = compile(open(path).read(), path, "exec")
for game in range(4):
    spaces.append(space := {})
    exec(code, space)
    observation = dict(board=[0] * 40 + [1, 2], mark=1, remainingOverageTime=1e6)
    space["agent"](observation, dict(columns=7, rows=6, inarow=4, actTimeout=500))
    found.append((id(sys.modules[f"_bundle_{space['ABOUT']['digest']}"].modules["agents.bundled"]),
        id(space["_player"]), threading.active_count()))
print(len({module for module, *_ in found}), len({player for _, player, _ in found}), found[-1][2])
"""
BLOCKED = {"torch", "stable_baselines3", "gymnasium", "kaggle_environments", "pettingzoo"}


def unpacked(agent, folder):
    packed = bundle.pack(agent)
    with tarfile.open(fileobj=io.BytesIO(packed.data)) as archive:
        archive.extractall(folder, filter="data")
    return folder / "main.py"


def shown(positions):
    """Kaggle's boards and marks, and what players here see of the same positions."""
    env, boards, steps = env_registry.make("connectx"), [], []
    for position in positions:
        step = env.reset(0, position.actions)
        seat = len(position.actions) % 2
        mine, theirs = step.observation.astype(int)
        marks = mine * (seat + 1) + theirs * (2 - seat)
        boards.append((marks.ravel().tolist(), seat + 1))
        steps.append(step)
    return boards, steps


def moves_here(agent, steps):
    player, spec, found = registry.make(agent), env_registry.spec("connectx"), []
    for step in steps:
        player.reset(spec, np.array([step.to_play]), np.zeros(1, np.int64))
        vector = env_registry.make_vector("connectx", 1).reset(np.arange(1), np.zeros(1, np.int64))
        batch = type(vector)(
            step.observation[None],
            step.action_mask[None],
            np.array([step.to_play]),
            step.rewards[None],
            np.zeros(1, np.bool_),
            np.zeros(1, np.bool_),
        )
        found.append(int(player.act(np.zeros(1, np.int64), batch).action[0]))
    return found


def moves_elsewhere(main, boards, folder):
    data = folder / "boards.json"
    data.write_text(json.dumps(boards))
    program = ELSEWHERE.format(blocked=BLOCKED)
    done = subprocess.run(
        [sys.executable, "-c", program, str(main), str(data)],
        capture_output=True,
        text=True,
        cwd="/",
        timeout=3000,
        env={"PATH": "/usr/bin:/bin", "TMPDIR": str(folder)},  # no home
    )
    assert done.returncode == 0, done.stderr
    return *map(json.loads, done.stdout.splitlines()), done.stderr


def check_same_moves(agent, folder, positions):
    boards, steps = shown(positions)
    main = unpacked(agent, folder / "bundle")
    found, left, path, said = moves_elsewhere(main, boards, folder)
    assert bundled.SIGN not in said, said
    assert found == moves_here(agent, steps)
    assert not left, "modules of the bundle are visible to others"
    assert not path


def test_a_bundle_plays_the_same_moves_without_home_torch_and_the_rest(tmp_path):
    check_same_moves("one-ply", tmp_path, grade.read(grade.SHIPPED))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("agent", TRAVELLERS)
def test_every_traveller_plays_the_same_moves_elsewhere(agent, tmp_path):
    check_same_moves(agent, tmp_path, grade.read(grade.SHIPPED))


@pytest.mark.parametrize("agent", TRAVELLERS)
def test_a_bundle_is_small_and_holds_sources_that_load_nothing_heavy(agent):
    packed = bundle.pack(agent)
    assert len(packed.data) <= 2_000_000
    with tarfile.open(fileobj=io.BytesIO(packed.data)) as archive:
        names = archive.getnames()
        assert names[0] == "main.py"
        for name in names:
            assert name.endswith((".py", ".xz", ".json", ".safetensors", "SHA256SUMS")), name
            if name.endswith(".py"):
                text = archive.extractfile(name).read().decode()
                compile(text, name, "exec")
                here = bundle_closure.ROOT / name
                if name != "main.py":
                    assert text == here.read_text()


def test_equal_agents_give_equal_bytes():
    assert bundle.pack("one-ply").data == bundle.pack("one-ply").data


def test_players_without_a_strength_play_by_time_and_others_keep_theirs():
    assert bundle.pack("zoo/connectx-muzero").agent == "zoo/connectx-muzero:seconds=1.6"
    told = bundle.pack("zoo/connectx-muzero:simulations=50")
    assert told.about["options"] == {"simulations": 50}


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("follow-ball", "ALE/Pong-v5"),
        ("kaggle:negamax", "interpreter"),
        ("main.py", "submission already"),
        ("zoo/connectx-muzer", "did you mean"),
        ("solver:depth=3", "unknown option"),
        ("negamax", "needs depth"),
    ],
)
def test_who_cannot_travel_is_told_why(agent, words):
    with pytest.raises(AgentError, match=words) as caught:
        bundle.pack(agent)
    assert "\n" not in str(caught.value)


def test_damaged_and_missing_weights_are_one_line(tmp_path):
    folder = tmp_path / "run" / "checkpoints" / "00000001"
    shutil.copytree(trained.ZOO / "connectx-ppo", folder)
    weights = folder / checkpoint.WEIGHTS
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(AgentError, match="damaged"):
        bundle.pack(str(tmp_path / "run"))
    weights.unlink()
    with pytest.raises(AgentError, match="no part"):
        bundle.pack(str(tmp_path / "run"))


def test_a_module_that_loads_torch_cannot_travel():
    with pytest.raises(bundle_closure.ClosureError, match="torch"):
        bundle_closure.closure(["muzero.network"])


def test_the_last_resort_wins_blocks_and_gives_nothing_away():
    size = (7, 6, 4)
    empty = [0] * 42
    assert last_resort.column(empty, 1, size) == 3
    three = list(empty)
    three[35:38] = [1, 1, 1]
    assert last_resort.column(three, 1, size) == last_resort.column(three, 2, size) == 3
    held = list(empty)
    held[28:35] = [0, 1, 1, 1, 0, 0, 0]  # (row 4) 1 wins at columns 0 and 4 once they are filled
    held[35:42] = [0, 2, 1, 2, 0, 2, 0]
    assert last_resort.column(held, 2, size) not in (0, 4)


def test_a_process_that_plays_many_games_keeps_modules_and_no_threads(tmp_path):
    main = unpacked("random", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", AGAIN, str(main)], capture_output=True, text=True, check=True
    )
    modules, players, threads = map(int, done.stdout.split())
    assert (modules, players, threads) == (1, 4, 1), done.stderr


class Sleeper:
    """A player that thinks too long, or raises."""

    max_batch = None
    digest = None

    def __init__(self, seconds, failing=False):
        self.seconds, self.failing = seconds, failing

    def reset(self, spec, seats, seeds):
        pass

    def act(self, rows, steps, clock=None):
        if self.failing:
            raise RuntimeError("out of ideas")
        time.sleep(self.seconds)
        raise AssertionError("nobody waited")


def test_a_late_or_failing_player_is_answered_for_in_time(capsys):
    configuration = {"columns": 7, "rows": 6, "inarow": 4, "actTimeout": 0.5}
    board = [0] * 40 + [1, 2]
    observation = {"board": board, "mark": 1, "remainingOverageTime": LAST_S}
    late = bundled.Bundled(Sleeper(30))
    began = time.monotonic()
    assert late.column(observation, configuration) == 3
    assert time.monotonic() - began < 5
    assert late.busy
    failing = bundled.Bundled(Sleeper(0, failing=True))
    assert failing.column(observation, configuration) == 3
    said = capsys.readouterr().err
    assert said.count(bundled.SIGN) == 2
    assert "out of ideas" in said


def test_the_first_move_does_not_wait_for_compilation(capsys):
    configuration = {"columns": 7, "rows": 6, "inarow": 4, "actTimeout": 0.5}
    late = bundled.Bundled(Sleeper(30))
    began = time.monotonic()
    observation = {"board": [0] * 42, "mark": 1, "remainingOverageTime": 60}
    assert late.column(observation, configuration) == 3
    assert time.monotonic() - began < 5
    said = capsys.readouterr().err
    assert bundled.EARLY in said
    assert bundled.SIGN not in said


@pytest.mark.parametrize("first", range(-1, 7))
def test_known_openings_keep_the_outcome(first):
    occupied = 0 if first < 0 else 1 << 7 * first
    board = [0] * 42
    if first >= 0:
        board[35 + first] = 1
    column = last_resort.opening(board, (7, 6, 4))
    after = occupied | (1 << 7 * column + (column == first))
    before = solver_book.score(0, occupied)
    assert np.sign(-solver_book.score(occupied, after)) == np.sign(before)
    assert last_resort.opening([1, 2] + [0] * 40, (7, 6, 4)) is None


def test_the_pace_keeps_the_bank_and_learns_how_late_answers_come():
    pace = Pace()
    begin = pace.first(2, 60)
    assert begin.wait_s == 2 + 60 - LAST_S
    rich, poor = pace.next(2, 60), pace.next(2, 20)
    assert 2 < rich.think_s < rich.wait_s < 2 + 10
    assert 1.5 < poor.think_s < poor.wait_s < 2
    pace.note(poor, poor.think_s + 0.4)
    assert pace.next(2, 20).think_s == pytest.approx(poor.think_s - 0.4)
    assert pace.next(2, 20).wait_s < 2


@pytest.mark.parametrize("late", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("prepared", [1, 3, 21])
def test_the_bank_never_runs_out_however_late_answers_come(late, prepared):
    """Every move takes all that it may, and comes late; preparations go on for some moves."""
    pace, bank = Pace(), 60.0
    for move in range(21):
        limits = (pace.first if move < prepared else pace.next)(2, bank)
        took = limits.wait_s + late
        (pace.note_first if move < prepared else pace.note)(limits, took)
        bank -= max(0.0, took - 2)
        assert bank > 0, move
