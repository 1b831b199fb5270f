"""Animated PNGs, decoded by Pillow, pixel by pixel."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from arena.board import apng


def decoded(data):
    """Frames as `uint8[F, H, W, 3]`, and the milliseconds of each."""
    picture = Image.open(io.BytesIO(data))
    frames, times = [], []
    for number in range(getattr(picture, "n_frames", 1)):
        picture.seek(number)
        frames.append(np.array(picture.convert("RGBA")))
        times.append(picture.info.get("duration", 0))
    stack = np.stack(frames)
    assert (stack[..., 3] == 255).all(), "something is transparent"
    return stack[..., :3], times


def rgb(frames, colours):
    table = np.array([[c >> 16, c >> 8 & 255, c & 255] for c in colours], np.uint8)
    return table[frames]


def runs(frames, times):
    """Frames without those that repeat the one before, and how long each is shown."""
    kept, shown = [frames[0]], [times[0]]
    for frame, time in zip(frames[1:], times[1:], strict=True):
        if (frame == kept[-1]).all():
            shown[-1] += time
        else:
            kept.append(frame)
            shown.append(time)
    return np.stack(kept), shown


def colours(count):
    return [(number * 2_654_435 + 17) % (1 << 24) for number in range(count)]


def moving(frames, height, width, count, seed):
    """A small block of chance that wanders over a still ground, and sometimes stays."""
    rng = np.random.default_rng(seed)
    out = np.repeat(rng.integers(0, count, (1, height, width), np.uint8), frames, 0)
    for number in range(1, frames):
        out[number:] = out[number - 1]
        if rng.random() < 0.7:
            y, x = rng.integers(0, height), rng.integers(0, width)
            block = out[number, y : y + 3, x : x + 4]
            out[number:, y : y + 3, x : x + 4] = rng.integers(0, count, block.shape, np.uint8)
    return out


@given(
    st.integers(1, 9),
    st.integers(1, 13),
    st.integers(1, 13),
    st.sampled_from([1, 2, 15, 16, 17, 255]),
    st.integers(0, 99),
)
@settings(max_examples=60)
def test_what_is_encoded_comes_back_pixel_by_pixel(count, height, width, known, seed):
    frames, table = moving(count, height, width, known, seed), colours(known)
    times = [20 + 10 * (number % 3) for number in range(count)]
    found, shown = decoded(apng.encode(frames, table, times))
    wanted, lasting = runs(frames, times)
    assert found.shape == (*wanted.shape, 3)
    assert (found == rgb(wanted, table)).all()
    assert len(wanted) == 1 or shown == lasting


def test_few_colours_take_half_a_byte():
    frames = moving(2, 8, 8, 4, 0)
    assert apng.encode(frames, colours(15), [50, 50])[24] == 4
    assert apng.encode(frames, colours(16), [50, 50])[24] == 8
    assert apng.size(apng.encode(frames[:, :, :5], colours(16), [50, 50])) == (5, 8)


def test_a_frame_that_lasts_longer_than_the_format_knows_is_shown_again():
    frames = np.zeros((3, 4, 4), np.uint8)
    found, shown = decoded(apng.encode(frames, [0xFF0000], [40_000] * 3))
    assert sum(shown) == 120_000 and (found == rgb(frames, [0xFF0000])).all()


def test_only_what_changes_is_written():
    still = np.random.default_rng(1).integers(0, 9, (1, 200, 160), np.uint8)
    frames = np.repeat(still, 300, 0)
    frames[np.arange(1, 300), np.arange(1, 300) % 200, np.arange(1, 300) % 160] = 9
    one = len(apng.encode(still, colours(10), [50]))
    assert len(apng.encode(frames, colours(10), [50] * 300)) < one + 300 * 110


@pytest.mark.parametrize(
    ("shape", "known", "times"),
    [
        ((0, 4, 4), 2, 0),
        ((1, 0, 4), 2, 1),
        ((1, 4, 4), 0, 1),
        ((1, 4, 4), 256, 1),
        ((2, 4, 4), 2, 1),
    ],
)
def test_what_is_no_film_is_refused(shape, known, times):
    with pytest.raises(apng.PictureError):
        apng.encode(np.zeros(shape, np.uint8), colours(known), [50] * times)


def test_pixels_without_a_colour_are_refused():
    with pytest.raises(apng.PictureError):
        apng.encode(np.full((1, 2, 2), 3, np.uint8), colours(3), [50])
