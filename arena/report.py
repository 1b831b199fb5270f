"""Runs as one HTML file: the pages of the Arena tab with their data inside, opened from disk."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from arena.board import verdicts
from arena.board.desk import Desk
from arena.board.query import Query
from arena.board.verdicts import ENV

STATIC = Path(__file__).parent / "board" / "static"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?function|const|class) (\w+)", re.MULTILINE)
_FRAMES = 1500
"""Pictures of a solo episode that a report holds at most: those from its beginning on."""
_SOLO = 2
"""Solo episodes of each run that have pictures; those of the others are a table."""

Document = dict[str, Any]
Told = Callable[[int, int], None]


class ReportError(ValueError):
    """A report that cannot be made."""


def gather(desk: Desk, names: Sequence[str], most: int, solve: bool, told: Told) -> Document:
    """Gives everything that a report holds: `runs`, and of each ladder, training and games.

    Args:
        desk: whom to ask.
        names: of the runs.
        most: games of all runs together, the newest of each run, as many of one as of another.
        solve: whether the solver is asked about every position that it knows.
        told: told how many games are done, and of how many.

    Raises:
        ReportError: when a run cannot be read.
    """
    share = max(most // max(len(names), 1), 1)
    lists = {name: _games(desk, name, share) for name in names}
    total, done = sum(len(found) for found in lists.values()), 0
    runs: dict[str, Document] = {}
    for name, found in lists.items():
        games, films = {}, 0
        for listed in found:
            game = _asked(desk, "game", run=name, number=listed["number"])
            if game.get("kind") == "film":
                films += 1
                if films <= _SOLO:
                    game["film"], game["frames"] = _film(desk, name, listed["number"])
            if solve and game.get("env") == ENV and game.get("kind") == "board":
                game["verdicts"] = list(verdicts.verdicts(game["opening"], game["actions"]))
            games[listed["number"]] = game
            done += 1
            told(done, total)
        runs[name] = {
            "ladders": _ladders(desk, name),
            "training": _asked(desk, "training", run=name),
            "list": found,
            "games": games,
        }
    return {"runs": runs}


def page(document: Document, title: str) -> str:
    """Gives the HTML of a report; nothing in it asks anything of anybody."""
    packed = base64.b64encode(zlib.compress(json.dumps(document, ensure_ascii=False).encode(), 9))
    style = (STATIC / "style.css").read_text(encoding="utf-8")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escaped(title)}</title>\n<style>\n{style}</style></head>\n"
        '<body><div class="arena" id="arena"></div>\n'
        f'<script type="text/plain" id="data">{packed.decode()}</script>\n'
        f'<script type="module">\n{bundle("report")}</script></body></html>\n'
    )


def bundle(name: str) -> str:
    """Gives a module of the tab and those that it needs as one text, each in a function of its own.

    Modules import `{ names } from "./module.js"` on one line and export functions, constants and
    classes where they are declared; nothing else.
    """
    order: list[str] = []
    texts: dict[str, str] = {}

    def visit(module: str) -> None:
        if module in texts:
            return
        texts[module] = (STATIC / f"{module}.js").read_text(encoding="utf-8")
        for _, needed in _IMPORT.findall(texts[module]):
            visit(needed)
        order.append(module)

    visit(name)
    return "\n".join(_wrapped(module, texts[module]) for module in order)


def _wrapped(module: str, text: str) -> str:
    exports = ", ".join(name for _, name in _EXPORT.findall(text))
    body = _IMPORT.sub(r"const {\1} = module_\2;", text)
    body = _EXPORT.sub(r"\1 \2", body)
    return f"const module_{module} = (() => {{\n{body}\nreturn {{ {exports} }};\n}})();"


def _games(desk: Desk, run: str, most: int) -> list[Document]:
    """Gives the newest games of a run as its list shows them."""
    found: list[Document] = []
    while len(found) < most:
        before = found[-1]["number"] if found else 0
        answer = _asked(desk, "games", run=run, before=before)
        found += answer["games"]
        if not answer["more"]:
            break
    return found[:most]


def _ladders(desk: Desk, run: str) -> list[Document]:
    """Gives the ladder of each env of a run, that of most games first."""
    first = _asked(desk, "ladder", run=run)
    return [first, *(_asked(desk, "ladder", run=run, env=env) for env in first["envs"][1:])]


def _film(desk: Desk, run: str, number: int) -> tuple[Document, list[Document]]:
    """Gives what is known of an episode, as far as there are pictures, and these."""
    about = dict(_asked(desk, "film", run=run, number=number))
    length = min(about["length"], _FRAMES - 1)
    chunks = [
        _asked(desk, "frames", run=run, number=number, chunk=chunk)
        for chunk in range(length // about["chunk"] + 1)
    ]
    kept = {"length": length, "returns": about["returns"][: length + 1]}
    return {**about, **kept, "lives": about["lives"][: length + 1]}, chunks


def _asked(desk: Desk, name: str, **words: Any) -> Document:
    code, answer = desk.answer(name, Query({key: str(value) for key, value in words.items()}))
    if code != 200 or ("error" in answer and name != "game"):
        raise ReportError(f"{words.get('run')}: {answer.get('error')}")
    return answer


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")
