import numpy as np
import pytest

import tests.faulty_players as faulty
from agents import registry as agents
from arena import match
from arena.match import TimeControl
from envs import registry as envs
from envs.base import IllegalActionError

ROWS = 6


def play(first, second, rows=ROWS, openings=None, seed=0, env="connectx", **options):
    order = [[0, 1] if row % 2 == 0 else [1, 0] for row in range(rows)]
    return match.play(
        envs.make_vector(env, rows),
        [first, second],
        np.array(order),
        openings or [()] * rows,
        np.arange(rows) * 7 + seed,
        **options,
    )


def replayed(episode, opening=(), env="connectx"):
    """The digest and returns of the episode's moves, played on a scalar env."""
    single = envs.make(env)
    single.reset(0, list(opening))
    returns = np.zeros(2)
    for action in episode.actions:
        returns += single.step(action).rewards
    return int.from_bytes(single.digest(), "little"), tuple(returns.tolist())


def test_games_are_played_to_their_end_and_can_be_played_again():
    openings = [(3,), (0, 6), (), (1, 1, 1), (), (5,)]
    for opening, episode in zip(
        openings,
        play(agents.make("random"), agents.make("one-ply"), openings=openings),
        strict=True,
    ):
        assert episode.termination == "terminated" and episode.blame is None
        assert sorted(episode.returns) in ([-1.0, 1.0], [0.0, 0.0])
        assert replayed(episode, opening) == (episode.digests[-1], episode.returns)


def test_a_game_is_the_same_alone_and_among_others():
    together = play(agents.make("random"), agents.make("random:seed=4"))
    for row in range(ROWS):
        order = [[0, 1] if row % 2 == 0 else [1, 0]]
        alone = match.play(
            envs.make_vector("connectx", 1),
            [agents.make("random"), agents.make("random:seed=4")],
            np.array(order),
            [()],
            np.array([row * 7]),
        )
        assert alone == [together[row]]


def test_the_same_seed_gives_the_same_games_and_another_other_ones():
    first = play(agents.make("random"), agents.make("random:seed=4"))
    assert first == play(agents.make("random"), agents.make("random:seed=4"))
    assert first != play(agents.make("random"), agents.make("random:seed=4"), seed=1)


def test_equal_players_of_one_kind_do_not_share_their_luck():
    episodes = play(agents.make("random"), agents.make("random"), rows=64)
    assert {e.actions[:2] for e in episodes} - {(a, a) for a in range(7)}


@pytest.mark.parametrize(
    ("player", "reason", "detail", "lost"),
    [
        (faulty.Raises, "error", "no idea", ROWS),
        (faulty.RaisesAtReset, "error", "cannot begin", ROWS),
        (faulty.Illegal, "illegal", "action 99, legal were [0, 1, 2, 3, 4, 5, 6]", ROWS // 2),
        (faulty.WrongShape, "error", "expected int[", ROWS),
        (faulty.Fractional, "error", "float64", ROWS),
        (faulty.GivesUp, "memory", "too big", 1),
        (faulty.Exits, "error", "SystemExit: 7", ROWS),
    ],
)
def test_a_fault_loses_the_games_it_touches_and_names_its_reason(player, reason, detail, lost):
    episodes = play(player(), faulty.First())
    forfeited = [e for e in episodes if e.blame is not None]
    assert len(forfeited) == lost
    for episode in forfeited:
        assert episode.termination == reason
        assert episode.players[episode.blame] == 0
        assert detail in episode.detail
        assert replayed(episode)[0] == episode.digests[-1]
    for episode in episodes:
        if episode.blame is None:
            assert episode.termination == "terminated"


def test_the_other_games_of_a_chunk_do_not_notice_a_fault():
    clean = play(faulty.First(), agents.make("random"))
    mixed = play(faulty.Illegal(), agents.make("random"))
    assert [m for m in mixed if m.blame is None] == [
        c for row, c in enumerate(clean) if row % 2 == 1
    ]


def test_time_beyond_move_and_bank_is_forfeited():
    quick = TimeControl(move_s=0.01, bank_s=0.05)
    for episode in play(faulty.Slow(), faulty.First(), clock=quick):
        assert episode.termination == "timeout"
        assert episode.players[episode.blame] == 0
        assert 2 <= sum(1 for _ in episode.actions) <= 8
    patient = TimeControl(move_s=0.05, bank_s=1.0)
    assert all(e.blame is None for e in play(faulty.Slow(), faulty.First(), clock=patient))
    assert all(e.blame is None for e in play(faulty.Slow(), faulty.First(), clock=TimeControl(0.0)))


def test_a_watch_is_told_before_each_act():
    seen = []
    play(
        faulty.First(),
        faulty.First(),
        rows=2,
        watch=lambda player, rows, seconds, history: seen.append(
            (player, rows.tolist(), seconds, len(history))
        ),
    )
    assert seen[:4] == [(0, [0], 62.0, 0), (1, [1], 62.0, 0), (0, [1], 62.0, 1), (1, [0], 62.0, 1)]


def test_an_opening_against_the_rules_is_an_error():
    with pytest.raises(IllegalActionError):
        play(faulty.First(), faulty.First(), rows=1, openings=[(9,)])
