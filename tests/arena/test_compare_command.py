"""`arena compare`, from records to tables, CSV, JSON and picture."""

import csv
import json
import re

import pytest

from arena import compare_screen
from arena.records import MatchRecord, Records
from envs import atari_games

FIVE = atari_games.GROUPS["atari-5"]


@pytest.fixture
def played(workshop):
    """Records so many episodes of an agent in games, under a protocol, into a run."""

    def play(run, agent, games, number=12, protocol="sticky", faulty=()):
        made = [
            MatchRecord(
                env=atari_games.env_id(game, protocol),
                agents=(agent,),
                seed=seed,
                start=b"",
                actions=bytes([seed, len(game)]),
                returns=(1000.0 + 100 * seed,),
                digests=bytes(8),
                termination="error" if seed in faulty else "terminated",
                blame=0 if seed in faulty else None,
                purpose="evaluation",
                protocol=atari_games.PROTOCOLS[protocol].stamp,
            )
            for game in games
            for seed in range(number)
        ]
        with Records.write(workshop / "runs" / run) as store:
            store.commit(made)

    return play


def table(text, title):
    """Lines of the table whose header begins with a word."""
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.split()[:1] == [title])
    end = next((k for k in range(start, len(lines)) if not lines[k].strip()), len(lines))
    return lines[start:end]


def test_a_fresh_clone_compares_published_agents(arena):
    done = arena("compare", "--with", "dqn,rainbow,muzero")
    assert done.returncode == 0 and done.stderr == ""
    assert len(table(done.stdout, "game")) == 58
    first, second, third = table(done.stdout, "#")[1:4]
    assert first.split()[:5] == ["1", "rainbow@199M", "sticky", "199M", "49.8M"]
    assert second.split()[:2] == ["2", "dqn@199M"]
    assert third.split()[:5] == ["†", "muzero", "nature-full", "20B", "5B"]
    assert "the 55 games that all have" in done.stdout
    assert "Not measured of dqn@199M, rainbow@199M: defender, surround." in done.stdout
    assert "† nature-full, not ranked with sticky" in done.stdout
    assert "video_pinball: random play is taken to score 16,256.9" in done.stdout
    assert "199M frames" in done.stdout and "49.8M steps" in done.stdout
    assert "\x1b" not in done.stdout and "…" not in done.stdout


def test_recorded_agents_stand_beside_published_ones(arena, played):
    played("mine", "random", FIVE, faulty=(3,))
    done = arena("compare", "--with", "dqn@10M,ppo", "--csv", "out.csv", "--png", "out.png")
    assert done.returncode == 0 and done.stderr == ""
    assert "95 %" in done.stdout and "1,550!" in done.stdout
    forfeits = "! random forfeited 5 episodes of battle_zone, double_dunk,"
    assert forfeits in done.stdout
    assert atari_games.PROTOCOLS["sticky"].stamp in done.stdout
    assert "off by 25 %" in re.sub(r"\s+", " ", done.stdout)
    assert "held 17 of 23 published agents" in re.sub(r"\s+", " ", done.stdout)


def test_the_csv_is_tidy(arena, played, workshop):
    played("mine", "random", ["pong", "qbert"])
    done = arena("compare", "--with", "sb3-ppo", "--csv", "out.csv", "--games", "pong,qbert")
    assert done.returncode == 0
    with (workshop / "out.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == (
        ["agent", "game", "protocol", "episodes", "mean", "std", "hns", "frames", "steps", "source"]
    )
    assert [(row["agent"], row["game"]) for row in rows] == [
        ("random", "pong"),
        ("random", "qbert"),
        ("sb3-ppo", "pong"),
        ("sb3-ppo", "qbert"),
    ]
    ours, theirs = rows[0], rows[2]
    assert (ours["protocol"], ours["episodes"], ours["mean"]) == ("sticky", "12", "1550.0")
    assert ours["frames"] == ours["steps"] == "" and ours["source"] == "mine"
    assert (theirs["protocol"], theirs["episodes"]) == ("nature", "")
    assert (theirs["frames"], theirs["steps"]) == ("40000000", "10000000")
    assert float(theirs["hns"]) == pytest.approx(1.18, abs=0.005)
    assert "rl-baselines3-zoo" in theirs["source"]


def test_one_json_document_holds_all(arena, played):
    played("mine", "random", ["pong"])
    document = json.loads(arena("compare", "random", "--with", "dqn", "--json").stdout)
    assert list(document["games"]) == ["pong"] and document["protocol"] == "sticky"
    ours, theirs = document["agents"]
    assert ours["ours"] and not theirs["ours"]
    assert ours["aggregates"]["iqm"]["low"] < ours["aggregates"]["iqm"]["high"]
    assert theirs["aggregates"]["iqm"]["low"] is None
    assert theirs["source"] and theirs["measured"] and theirs["runs"] == 5


def test_runs_and_protocols_are_chosen(arena, played):
    played("a", "random", ["pong"])
    played("b", "random", ["pong"], protocol="nature")
    mixed = arena("compare")
    assert mixed.returncode == 2 and mixed.stderr.count("\n") == 1
    assert "--protocol nature|sticky" in mixed.stderr
    document = json.loads(arena("compare", "--run", "b", "--with", "ppo", "--json").stdout)
    assert document["protocol"] == "nature" and document["agents"][1]["place"] == 2
    document = json.loads(arena("compare", "--protocol", "nature", "--json").stdout)
    assert document["protocol"] == "nature"
    done = arena("compare", "--protocol", "nature-full", "--games", "pong", "--with", "muzero")
    assert done.returncode == 0 and "not compared" in done.stderr and "random" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--with", "rainbw"), "did you mean 'rainbow'"),
        (("--games", "pnog"), "did you mean 'pong'"),
        (("--games", "joust"), "for two players"),
        (("--run", "min"), "did you mean 'mine'"),
        (("randm",), "did you mean 'random'"),
        (("random", "--games", "qbert"), "no episode of random in these games"),
        (("random", "--protocol", "nature"), "under protocol 'nature'"),
        (("--run", "mine", "--games", "qbert", "--with", "dqn"), "in mine"),
        (("--dir", "elsewhere", "random"), "no solo Atari episode in elsewhere"),
        (("--dir", "elsewhere", "--protocol", "stiky"), "did you mean 'sticky'"),
        (("--dir", "elsewhere", "--with", "none"), "nobody to compare"),
        (("ppo=random", "--with", "ppo"), "two agents are called 'ppo'"),
        (("--png", "out.gif"), "choose one of these endings"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(arena, played, arguments, told):
    played("mine", "random", ["pong"], number=2)
    done = arena("compare", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert told in done.stderr and done.stderr.count("\n") == 1


def test_tables_are_split_rather_than_cut(arena, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(compare_screen.screen, "console", narrow(compare_screen.screen.console))
    done = arena("compare", "--games", "atari-5", "--with", "dqn,rainbow,iqn,ppo,muzero")
    assert done.returncode == 0 and "…" not in done.stdout
    headers = [line for line in done.stdout.splitlines() if line.startswith(("game ", "#"))]
    assert len(headers) > 3
    assert max(map(len, done.stdout.splitlines())) <= 80


def narrow(console):
    def made(*arguments):
        found = console(*arguments)
        found.width = 80
        return found

    return made


def test_numbers_are_written_for_people():
    assert [compare_screen.count(n) for n in (None, 950, 49_750_000, 20 * 10**9, 250_000)] == [
        "·",
        "950",
        "49.8M",
        "20B",
        "250k",
    ]
    assert [compare_screen.number(x) for x in (-0.001, 1.178, 233.4, None)] == [
        "0.00",
        "1.18",
        "233",
        "·",
    ]


def test_a_game_that_nobody_has_is_told(arena):
    done = arena("compare", "--games", "pong,alien", "--with", "sb3-ppo")
    assert "Not measured of anybody: alien." in done.stdout
