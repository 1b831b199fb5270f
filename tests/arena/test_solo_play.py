"""Solo tournaments and evaluations on the real emulator: seeds, faults, resume, commands."""

import json

import pytest

import tests.faulty_players as faulty
from arena import solo, solo_chunks, solo_eval, tournament
from arena.executor import Inline, Local
from arena.match import DIGEST_EVERY, TimeControl
from arena.records import Records
from arena.tournament import TournamentConfig
from configs.loader import ConfigError
from envs import registry

PONG = "ALE/Pong-v5"
TWO = TournamentConfig(env="pong", agents=("random", "random:seed=3"), games=2)
RAISES = f"{faulty.__name__}:{faulty.Raises.__name__}"


def played(config, folder, executor):
    try:
        cards = tournament.inspect(config, executor)
        with Records.write(folder) as records:
            for _ in tournament.run(config, cards, records, executor):
                pass
        with Records.read(folder) as records:
            return list(records.episodes())
    finally:
        executor.close()


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    return played(TWO, tmp_path_factory.mktemp("solo"), Inline())


def test_every_agent_plays_the_same_seeds_once(episodes):
    by_agent = {}
    for record in episodes:
        by_agent.setdefault(record.agents, []).append(record.seed)
    assert by_agent == {("random",): solo.seeds(0, 2), ("random:seed=3",): solo.seeds(0, 2)}
    assert {record.env for record in episodes} == {PONG}
    assert {record.protocol for record in episodes} == {registry.spec(PONG).protocol}
    assert len({record.slot for record in episodes}) == 4


def test_an_episode_is_played_again_from_its_record(episodes):
    record = episodes[0]
    env = registry.make(record.env)
    env.reset(record.seed)
    digests, total = b"", 0.0
    for number, action in enumerate(record.actions, 1):
        total += env.step(action).rewards[0]
        digests += env.digest() if number % DIGEST_EVERY == 0 else b""
    assert (total,) == record.returns
    assert digests + env.digest() == record.digests


def test_workers_and_a_stop_change_nothing(episodes, tmp_path):
    config, executor = TWO, Local(2)
    try:
        cards = tournament.inspect(config, executor)
        with Records.write(tmp_path) as records:
            next(tournament.run(config, cards, records, executor))  # one chunk, then a stop
    finally:
        executor.close()
    assert played(config, tmp_path, Local(1)) == episodes


def test_who_forfeits_an_episode_is_blamed_and_the_rest_goes_on(tmp_path):
    config = TournamentConfig(env="pong", agents=("random", RAISES), games=1)
    good, bad = sorted(played(config, tmp_path, Inline()), key=lambda record: record.blame or -1)
    assert (good.blame, good.agents) == (None, ("random",))
    assert (bad.blame, bad.agents, bad.termination) == (0, (RAISES,), "error")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"games": 0}, "at least 1 seed"),
        ({"schedule": "swiss"}, "play alone"),
        ({"openings": 2}, "has none"),
        ({"sprt": (0.0, 10.0)}, "sprt"),
        ({"agents": ("random",)}, "at least two agents"),
    ],
)
def test_what_solo_play_has_not_is_refused(settings, words):
    with pytest.raises(ConfigError, match=words):
        tournament.check(TournamentConfig(**{"env": "pong", "agents": TWO.agents, **settings}))


def test_a_group_of_envs_is_one_tournament():
    config = TournamentConfig(env="atari-5", agents=TWO.agents, games=9)
    tournament.check(config)
    assert tournament.total_games(config) == 5 * 2 * 9
    cards = [tournament.AgentCard(agent, None, None) for agent in TWO.agents]
    drawn = list(tournament.draw(config, cards, None))
    assert len({(c.env, c.agents, g.seed) for c in drawn for g in c.games}) == 5 * 2 * 9
    assert max(len(chunk.games) for chunk in drawn) == solo_chunks.ROWS


def evaluated(folder, agent, count):
    executor, clock = Inline(), TimeControl()
    (card,) = tournament.cards_of((agent,), (PONG,), clock, executor)
    with Records.write(folder) as records:
        chunks = solo_eval.wanted(PONG, card, solo.seeds(0, count), clock)
        left = solo_eval.missing(chunks, card, records)
        new = sum(len(stored) for stored in solo_eval.play(left, card, records, executor))
        return new, solo_eval.recorded(chunks, card, records)


def test_an_evaluation_plays_only_what_is_not_recorded(tmp_path):
    assert evaluated(tmp_path, "random", 1)[0] == 1
    new, found = evaluated(tmp_path, "random", 2)
    assert new == 1 and [record.seed for record in found] == solo.seeds(0, 2)
    document = solo_eval.document(PONG, "random", found)
    assert document["returns"] == [record.returns[0] for record in found]
    assert document["hns"] == pytest.approx((document["mean_return"] + 20.7) / (14.6 + 20.7))
    assert document["protocol"].startswith("sticky-")


def test_one_episode_has_no_interval_and_a_game_without_scores_no_human_share(tmp_path):
    _, found = evaluated(tmp_path, "random", 1)
    document = json.loads(json.dumps(solo_eval.document(PONG, "random", found)))
    assert document["mean_interval"] == [None, None] and document["std"] is None
    assert solo_eval.document("ALE/Klax-v5", "random", found)["hns"] is None


def test_eval_at_the_command_line(arena):
    done = arena("eval", "random", "--env", "pong", "--episodes", "1", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    keys = {"agent", "env", "protocol", "episodes", "mean_return", "std", "hns", "returns"}
    assert keys <= set(document) and document["episodes"] == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("random",), "no env of its own"),
        (("random", "--env", "connectx"), "game for two"),
        (("random", "--env", "pogn"), "did you mean"),
        (("one-ply", "--env", "pong"), "pong"),
        (("random", "--env", "pong", "--episodes", "0"), "0"),
    ],
)
def test_mistakes_at_the_command_line_are_one_line(arena, arguments, words):
    done = arena("eval", *arguments)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert words.lower() in done.stderr.lower()
