"""The way to Kaggle and back, with the real `kaggle` package against a server on this machine."""

import base64
import importlib.util
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents import registry
from agents import solver as solving
from agents.confined import Confined, Order
from arena import kaggle_account, kaggle_episode, training_start, value_lost
from arena.kaggle_account import Account, KaggleError
from arena.kaggle_episode import EpisodeFileError
from arena.moves import MovesError
from arena.records import Records
from configs.loader import ConfigError
from envs import kaggle
from muzero.selfplay import opening
from muzero.selfplay_config import SelfplayConfig

ALWAYS = SelfplayConfig(openings_share=1.0)

spec = importlib.util.spec_from_file_location(
    "kaggle_server", Path(__file__).with_name("kaggle_server.py")
)
kaggle_server = importlib.util.module_from_spec(spec)
spec.loader.exec_module(kaggle_server)

CANARY = "0123456789canary0123456789canary"
BASIC = base64.b64encode(f"somebody:{CANARY}".encode()).decode()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server, and a credential in the environment."""
    for name in ("KAGGLE_API_TOKEN", "KAGGLE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    monkeypatch.setenv("KAGGLE_USERNAME", "somebody")
    monkeypatch.setenv("KAGGLE_KEY", CANARY)
    monkeypatch.setattr(kaggle_account, "_POLL_S", 0)
    from kagglesdk import kaggle_env

    running = kaggle_server.Server()
    local = kaggle_env.KaggleEnv.LOCAL
    monkeypatch.setitem(kaggle_env._env_to_endpoint, local, running.url)
    yield running
    running.close()


def scripted(columns):
    """An agent that plays these columns, then the first that is free."""
    left = list(columns)

    def agent(observation, configuration):
        if left:
            return left.pop(0)
        return observation.board[: configuration.columns].index(0)

    return agent


def episode(first, second, **info):
    """An episode as the official interpreter writes it."""
    tree = kaggle.run([first, second], {}).toJSON()
    tree["info"] = {"EpisodeId": 31, "TeamNames": ["ours", "theirs"], **info}
    return tree


@pytest.fixture(scope="module")
def won():
    """A game that `theirs` loses by moves of its own."""
    return episode(scripted([3, 3, 2, 4, 1]), scripted([6, 6, 6]))


def test_submit_episodes_fetch_import_replay(server, won, arena, tmp_path):
    server.episodes = {31: won}
    sent = arena("submit", "one-ply", "--message", "mine", "--wait", "--json")
    assert (sent.returncode, sent.stderr) == (0, "")
    assert json.loads(sent.stdout)["ref"] == 4711
    assert json.loads(sent.stdout)["status"] == "COMPLETE"
    with tarfile.open(fileobj=io.BytesIO(server.uploads[0])) as archive:
        assert archive.getnames()[0] == "main.py"
    assert server.created[0]["submissionDescription"] == "mine"
    assert server.created[0]["competitionName"] == "connectx"

    listed = arena("kaggle", "submissions", "--json")
    assert json.loads(listed.stdout)["allowed_now"] == 2
    assert json.loads(listed.stdout)["submissions"][0]["score"] == "612.3"
    episodes = arena("kaggle", "episodes", "--json")
    assert json.loads(episodes.stdout)["episodes"][0]["teams"] == ["ours", "theirs"]
    assert "theirs" in arena("kaggle", "episodes", "4711").stdout
    fetched = arena("kaggle", "fetch", "--json")
    (file,) = json.loads(fetched.stdout)["files"]
    again = arena("kaggle", "fetch", "4711", "--json")
    assert json.loads(again.stdout) == {"files": [], "there_already": [31]}

    imported = arena("import", file, file)
    assert imported.returncode == 0, imported.stderr
    assert "1 episodes added to import, 1 were there already" in imported.stdout
    assert "drawn" in imported.stdout or "won to" in imported.stdout
    replayed = arena("replay", "import/1", "--json")
    document = json.loads(replayed.stdout)
    assert document["verified"]
    assert document["agents"] == ["import:ours", "import:theirs"]
    assert arena("verify", "import/1").returncode == 0
    ladder = json.loads(arena("ladder", "import", "--json").stdout)
    assert {agent["agent"] for agent in ladder["agents"]} == {"import:ours", "import:theirs"}

    assert any(BASIC in str(sent) for sent in server.authorizations)  # it was used...
    outputs = (sent, listed, episodes, fetched, imported, replayed)
    said = "".join(done.stdout + done.stderr for done in outputs)
    places = [p for p in tmp_path.rglob("*") if p.is_file()]
    kept = b"".join(p.read_bytes() for p in places) + b"".join(server.uploads)
    for secret in (CANARY, BASIC):  # ... and never kept
        assert secret not in said
        assert secret.encode() not in kept


def test_agents_see_no_credential(server, tmp_path):
    main = tmp_path / "spy" / "main.py"
    main.parent.mkdir()
    main.write_text(
        "import os\n"
        "def agent(observation, configuration):\n"
        "    raise RuntimeError(repr(sorted(os.environ.items())))\n"
    )
    child = Confined(Order(str(main), str(main.parent), (str(main.parent),), (), 1024))
    try:
        player = registry.make(str(main))
        from envs import registry as envs

        step = envs.make_vector("connectx", 1)
        import numpy as np

        player.reset(envs.spec("connectx"), np.zeros(1, int), np.zeros(1, int))
        moment = step.reset(np.arange(1), np.zeros(1, int))
        failure = player.act(np.arange(1), moment).failure[0]
        player.stop()
    finally:
        child.kill()
    assert "RuntimeError" in failure.detail
    assert "PATH" in failure.detail
    assert CANARY not in failure.detail
    assert "KAGGLE" not in failure.detail


@pytest.mark.parametrize(
    ("call", "code", "message", "words"),
    [
        ("StartSubmissionUpload", 401, "Unauthenticated", "refuses the credential"),
        ("StartSubmissionUpload", 403, "You must accept the rules", "accept them at https"),
        ("CreateSubmission", 400, "Daily submission limit of 2 reached", "no more submissions"),
        ("CreateSubmission", 429, "Too many requests", "no more submissions"),
        ("CreateSubmission", 500, "oops", "answers 500"),
        ("StartSubmissionUpload", 403, f"key {CANARY} is bad", "forbids it"),
        ("upload", 400, "no", "did not take"),
    ],
)
def test_what_kaggle_refuses_is_one_line_that_helps(server, arena, call, code, message, words):
    server.errors[call] = (code, {} if call == "upload" else message)
    done = arena("submit", "one-ply", "--message", "mine")
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert CANARY not in done.stderr + done.stdout


def test_a_failed_validation_says_why_and_what_to_do(server, arena):
    server.status = ["PENDING", "ERROR"]
    server.error_description = "Validation Episode failed"
    done = arena("submit", "one-ply", "--message", "mine", "--wait")
    assert done.returncode == 2
    assert "Validation Episode failed; `arena submit --rehearse" in done.stderr


def test_no_credential_and_no_network_are_one_line(server, arena, monkeypatch):
    server.close()
    with pytest.raises(KaggleError, match="cannot reach Kaggle") as caught:
        Account().submissions()
    assert CANARY not in str(caught.value)
    monkeypatch.delenv("KAGGLE_KEY")
    done = arena("kaggle", "submissions")
    assert done.returncode == 2
    assert done.stderr.startswith("arena: no credential of Kaggle")
    assert done.stderr.count("\n") == 1


def test_an_unknown_episode_leaves_no_file(server, arena):
    server.errors["GetEpisodeReplay"] = (404, "Not found")
    done = arena("kaggle", "fetch", "7", "--episode")
    assert done.returncode == 2
    assert "Kaggle does not know it" in done.stderr
    assert not list(Path("episodes").iterdir())


def test_an_episode_keeps_players_moves_and_result(won):
    record = kaggle_episode.record(won)
    assert record.agents == ("import:ours", "import:theirs")
    assert record.scores == (1.0, 0.0)
    assert list(record.actions)[:5] == [3, 6, 3, 6, 2]
    assert record.source == "kaggle:31"
    assert record.purpose == "import"


def failing(observation, configuration):
    raise RuntimeError("broken")


@pytest.mark.parametrize(
    ("agent", "reason"), [(lambda o, c: 9, "illegal"), (failing, "error")], ids=["illegal", "error"]
)
def test_forfeits_keep_who_and_why(agent, reason, tmp_path):
    record = kaggle_episode.record(episode(scripted([0]), agent))
    assert (record.blame, record.termination, record.scores) == (1, reason, (1.0, 0.0))
    with Records.write(tmp_path / "import") as records:
        records.commit([record])
        assert records.episode(1) == replace(record, number=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.update(name="halite"), "only connectx"),
        (lambda t: t.update(schema_version=7), "version 7"),
        (lambda t: t["steps"].pop(), "cut off"),
        (lambda t: t.pop("configuration"), "no whole episode"),
        (lambda t: t["steps"][1][0].update(action=17), "breaks the rules"),
        (lambda t: t.update(rewards=[-1, 1]), "its moves give"),
        (lambda t: t["configuration"].update(columns=99), "board"),
    ],
)
def test_files_of_something_else_are_one_line(won, tmp_path, change, words):
    tree = json.loads(json.dumps(won))
    change(tree)
    file = tmp_path / "episode.json"
    file.write_text(json.dumps(tree))
    with pytest.raises(EpisodeFileError, match=words) as caught:
        kaggle_episode.read(file)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_cut_off_stores_nothing(won, arena, workshop):
    Path("good.json").write_text(json.dumps(won))
    Path("cut.json").write_text(json.dumps(won)[:-40])
    done = arena("import", "good.json", "cut.json")
    assert done.returncode == 2
    assert "'cut.json' is cut off" in done.stderr
    assert not Path("runs/import").exists()


def test_the_first_move_that_lost_value_is_found():
    record = kaggle_episode.record(episode(scripted([0, 3, 3, 3]), scripted([3, 2, 2, 1])))
    lost, solved = value_lost.first(record)
    assert solved
    first = next(one for one in lost if one.seat == 0)
    assert first == (1, 0, 0, 1, -1)  # the corner gives the won game away
    assert first.words == "won to lost"
    assert len({one.seat for one in lost}) == len(lost)


def outcome(actions, column=None):
    """1, 0 or -1 for who is to move after actions, by the solver; of a column, if it is given."""
    solver = solving.new_solver((7, 6, 4))
    mine = occupied = 0
    for action in actions:
        mine, occupied = mine ^ occupied, occupied | solver.cell(occupied, action)
    scores = solver.scores(mine, occupied)
    best = max(score for score in scores if score is not None)
    return np.sign(best if column is None else scores[column])


def test_a_replay_shows_again_what_every_move_was_worth(won, arena, workshop):
    Path("game.json").write_text(json.dumps(won))
    imported = json.loads(arena("import", "game.json", "--json").stdout)
    found = json.loads(arena("replay", "import/1", "--analyse", "--json").stdout)
    actions, moves = found["actions"], found["analysis"]
    assert [one["move"] for one in moves] == list(range(1, len(actions) + 1))
    (lost,) = [imported["episodes"][0]["lost_value"]]
    firsts = [one for one in moves if one["first_lost"]]
    assert [(m["move"], m["before"], m["after"]) for m in firsts] == [
        (m["move"], m["before"], m["after"]) for m in lost
    ]
    for one in moves[8:]:  # earlier positions take the solver long without its book
        before = actions[: one["move"] - 1]
        assert one["before"] == outcome(before)
        if one["move"] < len(actions):
            assert one["after"] == -outcome([*before, one["column"] - 1])
        if one["after"] < one["before"]:
            assert one["kept_by"] == [
                c + 1 for c in range(7) if outcome(before, c) == one["before"]
            ]
    told = arena("replay", "import/1", "--analyse").stdout
    assert told.count("the first") == len(firsts) == 2
    assert f"ours lost value by move {firsts[0]['move']}: " in told


def test_what_is_no_connect_x_is_not_analysed(won):
    record = replace(kaggle_episode.record(won), env="ALE/Pong-v5")
    with pytest.raises(MovesError, match="only connectx can be solved, not ALE/Pong-v5"):
        value_lost.judged(record)


def test_a_training_begins_where_imported_games_lost_value(won, arena, workshop):
    Path("game.json").write_text(json.dumps(won))
    imported = json.loads(arena("import", "game.json", "--json").stdout)
    lost = imported["episodes"][0]["lost_value"]
    with Records.read(workshop / "runs" / "import") as records:
        actions = list(records.episode(1).actions)
    name = training_start.exact_games("lost:import", workshop / "runs")
    assert name == "lost:import@1"
    games = training_start.games(name, workshop / "runs", "connectx")
    assert [len(given) + len(rest) for given, rest in games] == [one["move"] for one in lost]
    for given, rest in games:
        assert [*given, *rest] == actions[: len(given) + len(rest)]
        assert len(rest) == min(4, len(given) + len(rest))
    begun = {opening("connectx", seed, ALWAYS, games) for seed in range(300)}
    wanted = {tuple(actions[:plies]) for one in lost for plies in range(one["move"])[-4:]}
    assert begun == wanted
    again = opening("connectx", 5, ALWAYS, json.loads(json.dumps(games)))
    assert again == opening("connectx", 5, ALWAYS, games), "as it is kept for --resume"


def test_games_that_lost_no_value_begin_no_training(arena, workshop):
    best = [3, 3, 3, 3, 3, 1]
    kept = kaggle.run([scripted(best[::2]), scripted(best[1::2])], {}).toJSON()
    record = replace(kaggle_episode.record(kept), actions=bytes(best), returns=(0.0, 0.0), blame=0)
    with Records.write(workshop / "runs" / "good") as records:
        records.commit([record])
    with pytest.raises(ConfigError, match="no move of these games lost value; give run:good"):
        training_start.games("lost:good@1", workshop / "runs", "connectx")
