"""Games for one in chunks of steps: they go on as if nothing had happened between."""

import numpy as np
import pytest

from envs import registry
from muzero import views
from muzero.gumbel import GumbelConfig
from muzero.models import Evaluation, LearnedModel
from muzero.selfplay_config import SelfplayConfig, SoloConfig
from muzero.stretches import Part, Stretches
from muzero.trajectory import TrajectoryBuffer
from muzero.views import stacked


@pytest.fixture
def made(hashed):
    """Gives stretches of an env, played by a network that is a hash of what it sees."""

    def make(env_id, steps, rows=3, side=0, **changes):
        spec = registry.spec(env_id)

        def answer(latent):
            return Evaluation(latent, *hashed.predict(latent, spec.num_actions))

        def recurrent(latent, action):
            return answer(latent * np.uint32(31) + action.astype(np.uint32))

        model = LearnedModel(
            lambda seen: answer(hashed.observed(seen)), recurrent, spec.num_actions, spec.discount
        )
        search = GumbelConfig(simulations=4, range_floor=0.1)
        config = SelfplayConfig(steps=steps, rows=rows, search=search, **changes)
        return Stretches(env_id, model, config, views.pictures(spec, side))

    return make


def pieces(trajectory):
    """Gives the moments of each piece that were played, and its last one."""
    ends = np.flatnonzero(trajectory.left == 0)
    begins = np.concatenate([[0], ends[:-1] + 1])
    return [
        np.arange(b, e + 1)[trajectory.left[b : e + 1] >= 0]
        for b, e in zip(begins, ends, strict=True)
    ]


def played(trajectories, rows):
    """Gives the actions and rewards of each row, of stretches one after the other."""
    out = [[] for _ in range(rows)]
    for trajectory in trajectories:
        actions, rewards = trajectory.action, trajectory.reward
        left = sum(trajectory.left > 0) // rows
        whose, counts = {}, [0] * rows
        for number, piece in enumerate(pieces(trajectory)):
            row = number if number < rows else min(r for r in range(rows) if counts[r] < left)
            whose[number] = row
            counts[row] += len(piece) - 1
            out[row] += [(int(actions[m]), float(rewards[m])) for m in piece[:-1]]
    return out


def test_two_stretches_are_one_that_is_twice_as_long(made):
    """One row, so that its pieces follow each other."""
    whole = made("catch", 22, 1).play(Part(1, 0, 0))
    short = made("catch", 11, 1)
    first = short.play(Part(1, 0, 0))
    second = short.play(Part(1, 1, 0), first.left)
    both = first.trajectory, second.trajectory
    assert played(both, 1) == played([whole.trajectory], 1)
    assert second.left == whole.left
    assert first.returns + second.returns == whole.returns
    assert len(whole.returns) == 2


@pytest.mark.parametrize("env_id", ["catch", "cartpole", "pong"])
def test_another_process_goes_on_from_what_was_left(made, env_id):
    here, there = made(env_id, 12, 2), made(env_id, 12, 2)
    first = here.play(Part(1, 0, 0))
    held, restored = (s.play(Part(1, 1, 0), first.left) for s in (here, there))
    assert held.left == restored.left
    assert held.trajectory.pack() == restored.trajectory.pack()
    assert held.returns == restored.returns
    other = there.play(Part(1, 1, 1))
    assert other.trajectory.pack() != first.trajectory.pack()


@pytest.mark.parametrize(("env_id", "side"), [("catch", 0), ("pong", 42), ("breakout", 84)])
def test_stacks_are_what_the_env_showed(made, env_id, side):
    stretches, seen = made(env_id, 10, 2, side), []
    see = stretches._view.see

    def watching(observation):
        seen.extend(see(observation))
        return see(observation)

    stretches._view = stretches._view._replace(see=watching)
    trajectory = stretches.play(Part(1, 0, 0)).trajectory
    shown = {picture.tobytes() for picture in seen}
    places = np.flatnonzero(trajectory.left >= 0)
    found = stacked(trajectory.observation, places, stretches._view.frames)
    assert len(found) > 20
    assert {picture.tobytes() for picture in found} == shown


def test_a_piece_that_the_chunk_cuts_goes_on_and_one_that_ends_does_not(made):
    trajectory = made("catch", 12, 2).play(Part(1, 0, 0)).trajectory
    ends = np.flatnonzero(trajectory.left == 0)
    assert [len(piece) for piece in pieces(trajectory)] == [10, 10, 4, 4]
    assert trajectory.action[ends].tolist() == [0, 0, -1, -1]
    assert not trajectory.value[ends[:2]].any()
    assert trajectory.value[ends[2:]].all()
    assert np.abs(trajectory.reward[ends[:2] - 1]).tolist() == [1, 1]


@pytest.mark.parametrize(("limit_ends", "wanted"), [(False, -1), (True, 0)])
def test_what_a_limit_cuts_off_is_expected_to_go_on_unless_told_otherwise(
    made, monkeypatch, limit_ends, wanted
):
    monkeypatch.setattr("envs.cartpole.STEPS", 3)
    solo = SoloConfig(limit_ends=limit_ends)
    trajectory = made("cartpole", 6, 2, solo=solo).play(Part(1, 0, 0)).trajectory
    ends = np.flatnonzero(trajectory.left == 0)
    assert trajectory.action[ends].tolist() == [wanted] * 4
    assert (trajectory.value[ends] != 0).all() == (not limit_ends)


def test_a_life_that_is_lost_ends_a_piece_and_not_the_episode(made):
    lives = {}
    for life_ends in (True, False):
        solo = SoloConfig(life_ends=life_ends)
        stretches = made("breakout", 60, 2, 42, solo=solo)
        stretch = stretches.play(Part(4, 0, 0))
        lives[life_ends] = stretch
        ended = stretch.trajectory.action[stretch.trajectory.left == 0] == 0
        assert ended.any() == life_ends
        assert not stretch.returns
    assert lives[True].left == lives[False].left


def test_rewards_are_clipped_by_name_and_scores_never(made):
    sums = {}
    for clip in (True, False):
        stretches = made("cartpole", 4, 2, solo=SoloConfig(clip_rewards=clip))
        step = stretches._made

        def tenfold(step=step):
            env = step()
            for one in env._envs:
                play = one._show
                one._show = lambda reward, play=play: play(10 * reward)
            return env

        stretches._made = tenfold
        sums[clip] = stretches.play(Part(1, 0, 0)).trajectory.reward.sum()
    assert sums == {True: 8, False: 80}


def test_random_play_comes_first_and_its_returns_stand_for_values(made):
    stretches = made("catch", 20, 4, random_chunks=1)
    first = stretches.play(Part(1, 0, 0)).trajectory
    assert not first.weight.any()
    inside = first.left > 0
    assert np.array_equal(first.value[inside], first.returns[inside])
    whole = pieces(first)[0]
    wanted = first.reward[whole[-2]] * 0.99 ** np.arange(8, -1, -1)
    np.testing.assert_allclose(first.returns[whole[:-1]], wanted, rtol=1e-6)
    second = stretches.play(Part(1, 1, 0), stretches._held[0][0]).trajectory
    assert second.weight[second.left > 0].all()


def test_searching_anew_changes_policies_and_values_alone(made):
    stretches = made("catch", 12, 2, random_chunks=1)
    old = stretches.play(Part(1, 0, 0)).trajectory
    new = stretches.reanalyze(1, 0, old)
    assert np.array_equal(new.observation, old.observation)
    assert np.array_equal(new.action, old.action)
    inside = old.left > 0
    assert new.weight[inside].all()
    assert not new.weight[~inside].any()
    assert not np.array_equal(new.returns[inside], old.returns[inside])
    over = (old.left == 0) & (old.action == 0)
    assert not new.value[over].any()
    assert new.value[(old.left == 0) & (old.action < 0)].all()


def test_batches_see_stacks_and_know_what_follows_an_end(made):
    stretches = made("catch", 12, 2)
    part = stretches.play(Part(1, 0, 0)).trajectory
    buffer = TrajectoryBuffer(1 << 20, 2)
    buffer.add("a", part)
    assert buffer.size == 24
    batch = buffer.sample((np.arange(24) + 0.5) / 24, 4)
    assert batch.observation.shape == (24, 5, 2, 20, 20)
    assert batch.final is None
    places = np.flatnonzero(part.left > 0)
    shown = stacked(part.observation, places, 2)
    assert np.array_equal(batch.observation[:, 0], shown)
    assert np.array_equal(batch.observation[0, 1], shown[1])
    ends = part.action[places + part.left[places]]
    assert np.array_equal(batch.known, np.where(ends[:, None] < 0, batch.inside, 1))
    assert (batch.action >= 0).all()
    first = buffer.sample((np.arange(24) + 0.5) / 24, 4, 1)
    assert first.observation.shape == (24, 1, 2, 20, 20)
