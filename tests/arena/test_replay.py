"""Atari episodes in the terminal: winding, keys, pictures, and what the command prints."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents import registry as agents
from arena import film_screen, half_blocks, keyboard, match, playback
from arena.film import Film
from arena.match_record import MatchRecord
from arena.playback import Playback
from arena.records import Records
from envs import registry

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def record():
    """A lost game of Pong, some 800 actions."""
    env = registry.make_recorded("pong", 1)
    (played,) = match.play(env, [agents.make("repeat")], np.zeros((1, 1), int), [()], np.array([3]))
    return MatchRecord(
        env=env.spec.id,
        protocol=env.spec.protocol,
        agents=("repeat",),
        seed=3,
        start=b"",
        actions=bytes(played.actions),
        returns=played.returns,
        digests=played.digest_bytes,
        termination=played.termination,
        options=env.spec.options,
    )


@pytest.fixture(scope="module")
def film(record):
    return Film(record)


@pytest.fixture
def stored(workshop, record):
    with Records.write(workshop / "runs" / "r") as records:
        records.commit([record, replace(record, returns=(0.0,))])


def test_a_film_winds_to_any_place_in_any_order(film, record):
    env = registry.make("pong")
    env.reset(3)
    truth = [env.render()]
    for action in record.actions:
        env.step(action)
        truth.append(env.render())
    assert film.difference is None and film.length == len(record.actions)
    places = [film.length, 0, 205, 204, 100, 99, 300, film.length - 1, film.length, 7]
    for place in places:
        film.wind(place)
        assert (film.picture() == truth[place]).all(), place


def test_a_film_knows_what_happened(film):
    assert film.returns[0] == 0.0 and film.returns[-1] == -21.0
    assert [reward for reward in film.rewards if reward] == [-1.0] * 21
    assert len(film.returns) == len(film.lives) == film.length + 1


def test_a_film_of_what_cannot_be_played_to_its_end_goes_as_far_as_it_can(record):
    cut = Film(replace(record, actions=record.actions[:50] + b"\x63" + record.actions[51:]))
    assert cut.length == 50 and "action 51 cannot be played" in cut.difference
    cut.wind(50)


REWARDS = [0.0] * 99 + [1.0] + [0.0] * 200
SEEN = Playback(length=300, place=40.0)


@pytest.mark.parametrize(
    ("key", "place", "playing"),
    [
        ("left", 39, False),
        ("right", 41, False),
        ("up", 90, False),
        ("]", 90, False),
        ("down", 0, False),
        ("[", 0, False),
        ("home", 0, False),
        ("end", 300, False),
        ("r", 100, False),
        ("space", 40, False),
        ("x", 40, True),
    ],
)
def test_keys_lead_a_film(key, place, playing):
    after = playback.press(SEEN, key, REWARDS)
    assert (after.shown, after.playing) == (place, playing)


def test_keys_stop_at_the_ends_and_play_begins_anew_after_the_end():
    end = playback.press(SEEN, "end", REWARDS)
    assert playback.press(end, "right", REWARDS).shown == 300
    assert playback.press(end, "r", REWARDS).shown == 300
    assert playback.press(replace(SEEN, place=0.0), "left", REWARDS).shown == 0
    again = playback.press(end, "space", REWARDS)
    assert again.shown == 0 and again.playing


def test_speed_doubles_and_halves_within_limits():
    speeds, seen = [], SEEN
    for key in "++++++--------":
        seen = playback.press(seen, key, REWARDS)
        speeds.append(seen.speed)
    assert speeds == [2, 4, 8, 16, 16, 16, 8, 4, 2, 1, 0.5, 0.25, 0.25, 0.25]


@pytest.mark.parametrize("key", ["q", "escape"])
def test_a_viewer_may_leave(key):
    assert playback.press(SEEN, key, REWARDS) is None


def test_time_passes_at_the_speed_of_the_console():
    assert playback.tick(SEEN, 2.0).shown == 70
    assert playback.tick(replace(SEEN, speed=16.0), 0.5).shown == 160
    assert playback.tick(replace(SEEN, playing=False), 9.0) == replace(SEEN, playing=False)
    slow = replace(SEEN, speed=0.25)
    for _ in range(30):
        slow = playback.tick(slow, 1 / 30)
    assert 43 <= slow.place <= 44
    ended = playback.tick(SEEN, 60.0)
    assert ended.shown == 300 and not ended.playing


def test_keys_are_read_from_what_terminals_send():
    sent = " r\x1b[A\x1b[B\x1bOC\x1b[D\x1b[1~\x1b[F+q"
    found = ["space", "r", "up", "down", "right", "left", "home", "end", "+", "q"]
    assert keyboard.names(sent) == found
    assert keyboard.names("\x1b") == ["escape"]
    assert keyboard.names("\x1b[15~\x1b[1;5Cq") == ["q"]
    assert keyboard.names("") == []


@pytest.mark.parametrize("size", [(24, 80), (60, 200), (10, 300), (5, 3), (1, 1)])
def test_a_picture_fits_and_keeps_its_shape(size):
    lines, columns = half_blocks.fitted(210, 160, *size)
    assert 1 <= lines <= size[0] and 1 <= columns <= min(size[1], 160)
    if min(size) > 5:
        assert abs(2 * lines / columns - 210 / 160) < 0.1


def test_a_picture_is_shrunk_by_means_and_its_colours_are_written():
    picture = np.zeros((8, 6, 3), np.uint8)
    picture[:4, :3], picture[4:] = (200, 100, 0), (0, 0, 255)
    assert (half_blocks.shrunk(picture, 8, 6) == picture).all()
    assert half_blocks.shrunk(picture, 1, 1).tolist() == [[[50, 25, 128]]]
    assert half_blocks.shrunk(picture, 3, 2)[0].tolist() == [[200, 100, 0], [0, 0, 0]]
    line = half_blocks.coloured(picture, 1, 2)[0]
    assert line.count("▀") == 2 and line.startswith("\x1b[38;2;200;100;0m\x1b[48;2;0;0;255m▀")
    assert line.endswith("\x1b[0m") and line.count("48;2") == 1
    assert half_blocks.plain(picture, 4, 2)[0] != half_blocks.plain(picture, 4, 2)[3]


def test_pong_can_be_made_out_in_plain_characters(film):
    text = film_screen.still(film, 30, colour=False)
    title, *lines = text.splitlines()
    assert title == "repeat  ALE/Pong-v5  sticky"
    assert "step 30 of" in lines[-1] and "return 0" in lines[-1] and "NOOP" in lines[-1]
    field = lines[8:50]
    right = [line for line in field if line[70:73].strip()]
    assert 5 <= len(right) <= 9  # the own paddle, 16 of 210 points high
    assert any(line[10:68].strip() for line in field)  # the ball
    assert "\x1b" not in text


def test_the_end_of_a_film_is_told(film, record):
    assert film_screen.ending(film) == "ended by the rules with return -21, as recorded"
    lost = Film(replace(record, blame=0, termination="error", fault="Traceback\nKeyError: 3\n"))
    assert film_screen.ending(lost) == "repeat forfeits (error): KeyError: 3"
    other = Film(replace(record, digests=b"\0" * 8))
    assert film_screen.ending(other) == "differs from the record: the last state is another one"


def test_the_screen_fits_its_size_and_tells_what_happens(film, monkeypatch):
    monkeypatch.setattr(film_screen, "has_colour", lambda: True)
    place = next(k + 1 for k, reward in enumerate(film.rewards) if reward)
    film.wind(place)
    seen = Playback(film.length, float(place), playing=False, speed=4.0)
    text = film_screen._whole(film, seen, 90, 30)
    rows = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", row) for row in text.split("\n")]
    assert len(rows) <= 30 and all(len(row) <= 90 for row in rows)
    assert f"‖ 4x  step {place:,} of" in rows[-3] and rows[-3].endswith("return -1  last NOOP  -1")
    assert rows[-2].count("━") >= 15 and rows[-2].count("●") == 1 and "q leave" in rows[-1]


def test_replay_at_the_command_line(arena, stored):
    document = json.loads(arena("replay", "r/1", "--json").stdout)
    assert document["verified"] and sum(document["rewards"]) == document["returns"][0] == -21
    shown = arena("replay", "r/1")
    assert shown.returncode == 0 and "return -21" in shown.stdout
    assert "ended by the rules with return -21, as recorded" in shown.stdout
    assert "step 9 of" in arena("replay", "r/1", "--at", "9").stdout
    differing = arena("replay", "r/2")
    assert differing.returncode == 74
    assert "differs from its record: the returns are -21, not 0" in differing.stderr


def test_a_film_plays_and_obeys_on_a_terminal(stored, workshop):
    parent, child = pty.openpty()
    command = [sys.executable, "-m", "arena", "replay", "r/1", "--speed", "16"]
    with subprocess.Popen(
        command,
        stdin=child,
        stdout=child,
        cwd=workshop,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        told, began = b"", time.monotonic()
        awaited = [(b"q leave", b"\x1b[F"), (b"return -21", b"q")]  # a sight, and the key to press
        while process.poll() is None and time.monotonic() - began < 100:
            if select.select([parent], [], [], 0.1)[0]:
                told += os.read(parent, 65536)
            if awaited and awaited[0][0] in told:
                os.write(parent, awaited.pop(0)[1])
        process.kill()
    assert process.returncode == 0
    os.close(child)
    os.close(parent)
    assert b"return -21" in told and told.startswith(b"\x1b[?1049h")
    assert b"\x1b[?1049l" in told[-40:]
