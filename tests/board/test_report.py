"""Reports: one file that asks nothing of anybody, and figures."""

import base64
import json
import re
import zlib

import pytest

from arena import report, report_figures
from arena.board.desk import Desk


@pytest.fixture(scope="module")
def document(library):
    return report.gather(Desk(library), ["games"], 12, False, lambda done, total: None)


def test_a_report_holds_what_the_tab_shows(document, ask):
    assert document["runs"]["games"]["ladders"][0] == ask("ladder", run="games")
    assert document["runs"]["games"]["games"][20] == ask("game", run="games", number=20)
    assert len(document["runs"]["games"]["games"]) == 12


def test_the_page_is_whole_and_asks_nothing(document):
    text = report.page(document, "<b>")
    assert "&lt;b>" in text and text.count("<script") == text.count("</script>") == 2
    assert not re.findall(r"(?:src|href)=", text)
    assert re.findall(r"https?://[^\s\"]+", text) == ["http://www.w3.org/2000/svg"]
    packed = re.search(r'id="data">([^<]*)<', text)[1]
    stored = json.loads(zlib.decompress(base64.b64decode(packed)))
    assert stored["runs"]["games"]["list"] == document["runs"]["games"]["list"]


def test_modules_are_bundled_in_their_order_without_imports():
    text = report.bundle("report")
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)
    assert text.index("const module_dom") < text.index("const module_charts")
    assert text.count("const module_app ") == 1


def test_300_games_take_less_than_a_megabyte(document):
    found = document["runs"]["games"]["games"].values()
    games = [game for game in found if "actions" in game]
    many = {number: games[number % len(games)] | {"seed": str(number)} for number in range(300)}
    # Equal games pack too well: each gets thoughts with numbers of its own.
    for number, game in many.items():
        plies = len(game["actions"])
        game["thoughts"] = [thought(number * 50 + ply) for ply in range(plies)]
    run = document["runs"]["games"] | {"games": many}
    size = len(report.page({"runs": {"games": run}}, ""))
    print(f"{size:,} bytes")
    assert size < 1_000_000


def thought(seed):
    import random

    chance = random.Random(seed)
    visits = [chance.randrange(40) for _ in range(7)]
    q = [round(chance.uniform(-1, 1), 2) for _ in range(7)]
    return {
        "value": q[0],
        "visits": visits,
        "q": q,
        "line": [chance.randrange(7) for _ in range(4)],
    }


def test_figures_are_drawn(ask, tmp_path):
    points = [{"env_steps": 100 * k, "weak": 0.5 + 0.1 * k} for k in range(3)]
    files = report_figures.draw("games", ask("ladder", run="games"), points, tmp_path / "png")
    assert [file.name for file in files] == [
        f"games-{name}.png" for name in ("ladder", "crosstable", "history", "training")
    ]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)


def test_the_command_writes_both(arena, library, tmp_path):
    out = tmp_path / "out" / "all.html"
    done = arena(
        "report", str(out), "games", "--dir", str(library), "--no-solver", "--games", "3", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["games"] == 3 and out.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.pdf"], "name it such as x.html"),
        (["x.html", "gmaes"], "did you mean 'games'"),
        (["x.html", "--dir", "nowhere"], "arena tournament demo"),
    ],
)
def test_mistakes_are_told_in_a_line(arena, library, arguments, said):
    more = [] if "--dir" in arguments else ["--dir", str(library)]
    done = arena("report", *arguments, *more)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1
