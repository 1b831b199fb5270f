"""What the pages are told: lists, games, thoughts, verdicts, frames, answers."""

import base64
import json
import os
import subprocess
import sys
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest

from arena import ladder, thoughts
from arena.board import shelf
from arena.board.desk import Desk
from arena.board.query import Query
from arena.board.tables import Tables
from arena.film import Film
from arena.records import Records
from arena.standings import add_by_env
from tests.board.library_games import DAMAGED, DAMAGED_THOUGHTS, FOREIGN, FORFEIT, NASTY


def test_the_ladder_is_that_of_the_command(library, ask):
    by_env = {}
    with Records.read(library / "games") as records:
        add_by_env(by_env, records.episodes("rated = 1"))
    expected = ladder.document("connectx", by_env["connectx"])
    found = ask("ladder", run="games")
    for wanted, agent in zip(expected["agents"], found["agents"], strict=True):
        assert agent == pytest.approx(wanted)
    assert found["pairings"] == expected["pairings"]
    assert found["games"] == 26
    last = found["history"][-1]
    assert last["games"] == 26
    assert last["values"] == pytest.approx({a["agent"]: a["elo"] for a in found["agents"]}, abs=0.1)


def test_tables_that_grew_are_those_read_at_once(copied, board_records):
    tables = Tables(copied / "games")
    tables.read()
    before = tables.ladder("connectx")
    with Records.write(copied / "games") as records:
        records.commit([replace(r, seed=r.seed + 99) for r in board_records[:7]])
    tables.read()
    grown, fresh = tables.ladder("connectx"), Tables(copied / "games")
    fresh.read()
    assert grown["games"] == before["games"] + 7
    assert grown["agents"] == fresh.ladder("connectx")["agents"]


def test_a_solo_ladder_has_returns(ask):
    found = ask("ladder", run="pong")
    assert found["solo"]
    assert found["error"] if "error" in found else not found["agents"]  # of one agent: no ratings


@pytest.mark.parametrize(
    "words",
    [
        {"player": "one-ply"},
        {"player": "one-ply", "other": "random", "outcome": "won"},
        {"player": "random", "outcome": "lost", "least": 10, "most": 20},
        {"outcome": "won"},
        {"faults": 1},
        {"upsets": 1},
    ],
)
def test_games_are_narrowed_down_as_said(ask, words):
    elo = {agent["agent"]: agent["elo"] for agent in ask("ladder", run="games")["agents"]}

    def right(game):
        if game["returns"] is None:
            return False
        margin = game["returns"][0] - game["returns"][1]
        margin = margin if game["blame"] is None else (-1, 1)[game["blame"]]
        one, other = game["agents"]
        sign = -1 if words.get("player") == other else 1
        outcome = "drawn" if margin == 0 else "won" if margin * sign > 0 else "lost"
        better = elo.get(one, 0) - elo.get(other, 0)
        upset = one in elo and (margin > 0 > better + 100 or margin < 0 < better - 100)
        return (
            {words.get("player", one), words.get("other", one)} <= {one, other}
            and outcome == words.get("outcome", outcome)
            and words.get("least", 0) <= game["length"] <= words.get("most", 99)
            and ("faults" not in words or game["blame"] is not None)
            and ("upsets" not in words or upset)
        )

    everything = ask("games", run="games")["games"]
    found = ask("games", run="games", **words)["games"]
    assert [g["number"] for g in found if g["returns"]] == [
        g["number"] for g in everything if right(g)
    ]


def test_pages_of_games_follow_each_other(copied, board_records):
    with Records.write(copied / "games") as records:
        records.commit([replace(r, seed=s) for s in range(9) for r in board_records])
    desk = Desk(copied)
    first = desk.games(Query({"run": "games"}))
    last = first["games"][-1]["number"]
    second = desk.games(Query({"run": "games", "before": str(last)}))
    assert first["more"] and second["games"][0]["number"] == last - 1


def test_a_game_has_its_thoughts(ask, board_records):
    number = 1 + next(i for i, r in enumerate(board_records) if r.agents[0].startswith("mcts"))
    game = ask("game", run="games", number=number)
    record = board_records[number - 1]
    assert game["actions"] == list(record.actions) and game["opening"] == [3]
    stored = thoughts.unpack(record.search)
    shown = [t and t.get("visits") for t in game["thoughts"]]
    assert shown == [t and t.visits for t in stored]
    assert any(shown)
    assert (game["before"], game["after"]) == (number - 1 or None, number + 1)


def test_damage_stays_in_its_game(ask):
    assert "damaged" in ask("game", run="games", number=DAMAGED)["error"]
    spoiled = ask("game", run="games", number=DAMAGED_THOUGHTS)
    assert "damaged" in spoiled["thoughts_problem"] and spoiled["kind"] == "board"
    listed = {g["number"]: g for g in ask("games", run="games")["games"]}
    assert listed[DAMAGED]["returns"] is None and len(listed) == 28
    assert ask("game", run="games", number=FOREIGN)["agents"][0] == NASTY
    assert ask("game", run="games", number=FORFEIT)["fault"] == "too <late>"


def test_a_file_that_is_no_database_is_an_error_of_its_run(copied):
    (copied / "broken").mkdir()
    (copied / "broken" / "records.sqlite").write_bytes(b"not a database" * 100)
    desk = Desk(copied)
    about = {run["name"]: run for run in desk.runs(Query({}))["runs"]}
    assert "error" in about["broken"] and about["games"]["games"] == 28
    assert "error" in desk.answer("games", Query({"run": "broken"}))[1]


def test_solver_verdicts_see_a_blunder(copied, board_records):
    record = replace(board_records[0], start=b"", actions=bytes([3, 0, 3, 0, 3, 1, 3]))
    with Records.write(copied / "games") as records:
        number = records.commit([record])
    desk, words = Desk(copied), Query({"run": "games", "number": str(number)})
    while not (found := desk.verdicts(words))["done"]:
        pass
    values = [verdict["value"] for verdict in found["verdicts"]]
    assert len(values) == 7
    assert values[0] == 1  # the first mover wins the empty board
    assert values[5] == -1 and found["verdicts"][5]["q"][1] == -1  # column 2 does not block
    assert values[6] == 1


def test_frames_are_the_pictures_of_the_episode(ask, pong_record):
    about = ask("film", run="pong", number=1)
    assert about["length"] == len(pong_record.actions) and about["difference"] is None
    film, chunk = Film(pong_record), ask("frames", run="pong", number=1, chunk=1)
    shape = chunk["frames"], chunk["height"], chunk["width"]
    frames = np.frombuffer(zlib.decompress(base64.b64decode(chunk["data"])), np.uint8)
    frames = np.bitwise_xor.accumulate(frames.reshape(shape))
    palette = np.array([[c >> 16, c >> 8 & 255, c & 255] for c in chunk["palette"]], np.uint8)
    for place in (300, 301, 450, 599):
        film.wind(place)
        assert (palette[frames[place - 300]] == film.picture()).all()
    assert len(json.dumps(chunk)) < 60_000
    ask("frames", code=400, run="pong", number=1, chunk=99)
    ask("frames", code=400, run="games", number=1)


def test_agents_are_asked_within_bounds(ask):
    found = ask("analyse", env="connectx", moves="4444", agent="mcts", simulations=50)
    assert found["agent"] == "mcts:simulations=50" and sum(found["thought"]["visits"]) >= 50
    capped = ask("analyse", env="connectx", moves="44", agent="negamax:depth=99")
    assert capped["agent"] == "negamax:depth=12"
    assert found["to_play"] == 0 and found["legal"][3]
    full = ask("analyse", env="connectx", moves="444444", agent="one-ply")
    assert not full["legal"][3]
    bare = ask("analyse", env="connectx", moves="121314", agent="")
    assert bare["over"] is False and "thought" not in bare
    won = ask("analyse", env="connectx", moves="1212121", agent="random")
    assert won["over"] and won["returns"] == [1, -1] and "thought" not in won
    film = ask("analyse", run="pong", number=1, at=20, agent="follow-ball")
    assert film["thought"]["action"] in range(6)


@pytest.mark.parametrize(
    "agent", ["main.py", "os:system", "tests.faulty_players:Killer", "runs/gone@3", NASTY, "mcst"]
)
def test_agents_that_cannot_be_asked_are_absent(ask, agent):
    assert ask("analyse", env="connectx", moves="4", agent=agent)["absent"]


def test_bad_questions_are_told_so(ask):
    ask("game", code=400, run="games", number="abc")
    ask("game", code=400, run="games", number="-1")
    ask("game", code=404, run="games", number=999)
    for name in ("..", "../games", "games/../games", "", "/etc"):
        ask("games", code=404, run=name)
    ask("games", code=400, run="games", outcome="maybe")
    ask("games", code=400, run="games", player="x" * 501)
    ask("analyse", code=400, env="connectx", moves="4x")
    ask("analyse", code=400, env="connectx", moves="44444444")
    ask("analyse", code=400, env="checkers", moves="4")
    ask("analyse", code=400, run="pong", number=1, at=99999, agent="random")


def test_one_run_alone_is_a_shelf(library):
    desk = Desk(library / "games")
    assert [run["name"] for run in desk.runs(Query({}))["runs"]] == ["games"]
    assert desk.game(Query({"run": "games", "number": "1"}))["number"] == 1


def test_the_mark_moves_with_a_commit(copied, board_records):
    before = shelf.mark(copied / "games")
    with Records.write(copied / "games") as records:
        records.commit([replace(board_records[0], seed=1234)])
        assert shelf.mark(copied / "games") != before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not write")
def test_a_folder_that_cannot_be_written_is_read(copied):
    program = (
        "import os, sys; from pathlib import Path; from arena.board import shelf; "
        "run = Path(sys.argv[1]); os.seteuid(65534); "
        "assert not os.access(run, os.W_OK, effective_ids=True)\n"
        "with shelf.reading(run) as c: print(c.execute('SELECT count(*) FROM episode').fetchone())"
    )
    for folder in (copied, copied / "games", *copied.parents):
        if folder.stat().st_mode & 0o777 == 0o700:  # pytest's own are
            folder.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-c", program, copied / "games"], capture_output=True, text=True
    )
    assert done.stdout == "(28,)\n", done.stderr


def test_a_hundred_questions_take_no_time(ask):
    began = time.process_time()
    for number in range(1, 21):
        ask("game", run="games", number=number)
    assert time.process_time() - began < 2
