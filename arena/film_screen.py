"""Shows a film in the terminal: one picture, or all of them in time, led by keys."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence

from arena import half_blocks, keyboard, playback, thought_screen
from arena.film import Film
from arena.playback import Playback
from arena.screen import harmless
from envs import registry

_FLASH = 8
"""Actions for which a reward is shown."""
_DRAWN_S = 1 / 30
"""Least time between two pictures."""
_IDLE_S = 0.5
"""Longest time until the size of the terminal is asked for again."""
_BOLD, _DIM, _GREEN, _RED, _RESET = "\x1b[1m", "\x1b[2m", "\x1b[1;32m", "\x1b[1;31m", "\x1b[0m"
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
"""The terminal's second screen without a cursor, and back."""
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
_AROUND = 4
"""Lines around a picture, without the one that tells what the player thinks."""


def has_colour() -> bool:
    """Tells whether pictures are shown in colour."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def still(film: Film, place: int, colour: bool) -> str:
    """Gives the text of one moment: its title, the picture, what has happened."""
    film.wind(place)
    columns, lines = shutil.get_terminal_size((80, 60))
    size = (lines - _around(film), columns) if sys.stdout.isatty() else (60, 80)
    rows = [_styled(title(film), _BOLD, colour), *_picture(film, *size, colour)]
    rows.append(_styled(status(film, place), _BOLD, colour))
    rows += [line[:columns] for line in thinking(film, place)]
    if place == film.length:
        rows.append(ending(film))
    return "\n".join(rows)


def play(film: Film, seen: Playback) -> None:
    """Plays a film on the terminal until its viewer leaves."""
    sys.stdout.write(_ENTER)
    try:
        with keyboard.pressed_at_once():
            _play(film, seen)
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _play(film: Film, first: Playback) -> None:
    seen: Playback | None = first
    drawn, now = None, time.monotonic()
    while seen is not None:
        wanted = seen, shutil.get_terminal_size()
        if wanted != drawn:
            film.wind(seen.shown)
            sys.stdout.write(_whole(film, seen, *wanted[1]))
            sys.stdout.flush()
            drawn = wanted
        keys = keyboard.wait(_until_next(seen))
        before, now = now, time.monotonic()
        seen = playback.tick(seen, now - before)
        for key in keys:
            seen = playback.press(seen, key, film.rewards) if seen else None


def _until_next(seen: Playback) -> float:
    """Gives the seconds until another picture is due."""
    if not seen.playing:
        return _IDLE_S
    left = 1 - (seen.place - seen.shown)
    return max(left / (playback.STEPS_S * seen.speed), _DRAWN_S)


def _whole(film: Film, seen: Playback, columns: int, lines: int) -> str:
    """Gives what fills the terminal."""
    colour = has_colour()
    rows = [_styled(title(film)[:columns], _BOLD, colour)]
    rows += _picture(film, lines - _around(film), columns, colour)
    rows.append(_status_line(film, seen, columns, colour))
    rows += [line[:columns] for line in thinking(film, seen.shown)]
    rows.append(_bar(film, seen.shown, columns, colour))
    rows.append(_styled(playback.HELP[:columns], _DIM, colour))
    ends = f"{_REST_OF_LINE}\n"
    return _HOME + ends.join(rows) + _REST_OF_LINE + _REST_OF_SCREEN


def _around(film: Film) -> int:
    return _AROUND + bool(film.thoughts)


def _picture(film: Film, lines: int, columns: int, colour: bool) -> list[str]:
    picture = film.picture()
    height, width = picture.shape[:2]
    size = half_blocks.fitted(height, width, max(lines, 1), columns)
    draw = half_blocks.coloured if colour else half_blocks.plain
    return draw(picture, *size)


def title(film: Film) -> str:
    """Gives who plays what."""
    record = film.record
    protocol = (record.protocol or "").rpartition("-")[0]
    parts = harmless(record.agents[0]), harmless(record.env), harmless(protocol)
    return "  ".join(part for part in parts if part)


def status(film: Film, place: int) -> str:
    """Gives what has happened until a place."""
    record = film.record
    skip = int(registry.spec(record.env).options.get("frame_skip", 1))
    parts = [f"step {place:,} of {film.length:,}"]
    if skip > 1:
        parts.append(f"frame {place * skip:,}")
    parts.append(f"return {film.returns[place]:g}")
    if place:
        parts.append(f"last {registry.action_name(record.env)(record.actions[place - 1])}")
    if any(film.lives):
        parts.append(f"lives {film.lives[place]}")
    return "  ".join(parts)


def thinking(film: Film, place: int) -> list[str]:
    """Gives what the player thinks of the moment at a place, in one line or none at all."""
    if not film.thoughts:
        return []
    thought = film.thought(place)
    if thought is None:
        return [""]
    return [f"thinks  {thought_screen.short(thought, registry.action_name(film.record.env))}"]


def _status_line(film: Film, seen: Playback, columns: int, colour: bool) -> str:
    mark = "▶" if seen.playing else "‖"
    words = f"{mark} {seen.speed:g}x  {status(film, seen.shown)}"
    flash = _flash(film.rewards, seen.shown)
    if not flash or len(words) + 2 + len(flash) > columns:
        return _styled(words[:columns], _BOLD, colour)
    style = _RED if flash.startswith("-") else _GREEN
    return f"{_styled(words, _BOLD, colour)}  {_styled(flash, style, colour)}"


def _flash(rewards: Sequence[float], place: int) -> str:
    """Gives the last reward if it is new, else nothing."""
    recent = [reward for reward in rewards[max(place - _FLASH, 0) : place] if reward]
    return f"{recent[-1]:+g}" if recent else ""


def _bar(film: Film, place: int, columns: int, colour: bool) -> str:
    """Gives the whole episode as a line, its rewards coloured and the place marked."""
    gained = [0.0] * columns
    for number, reward in enumerate(film.rewards):
        gained[number * columns // film.length] += reward
    at = min(place * columns // max(film.length, 1), columns - 1)
    cells = []
    for cell, gain in enumerate(gained):
        style = _DIM if not gain else _GREEN if gain > 0 else _RED
        mark = "─" if not gain else "+" if gain > 0 else "-"
        cells.append(
            "●" if cell == at else _styled("━" if gain and colour else mark, style, colour)
        )
    return "".join(cells)


def ending(film: Film) -> str:
    """Gives how the episode ended."""
    record = film.record
    if film.difference is not None:
        return f"differs from the record: {film.difference}"
    if record.blame is not None:
        detail = (record.fault or "no detail").strip().splitlines()[-1]
        who = harmless(record.agents[record.blame])
        return f"{who} forfeits ({record.termination}): {harmless(detail)}"
    how = "by the rules" if record.termination == "terminated" else "by the limit of frames"
    return f"ended {how} with return {record.returns[0]:g}, as recorded"


def _styled(text: str, style: str, colour: bool) -> str:
    return f"{style}{text}{_RESET}" if colour else text
