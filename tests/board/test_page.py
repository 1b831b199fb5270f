"""The tab and the report in a real browser: every view, by mouse and by keys."""

import subprocess
import sys
from dataclasses import replace
from urllib.parse import quote

import pytest

from arena import report
from arena.board.desk import Desk
from arena.records import Records
from tests.board.browser import CHROMIUM, Browser
from tests.board.library_games import DAMAGED, FOREIGN, NASTY

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium; `make browser` installs it"),
    pytest.mark.timeout(600),
]

UNLABELLED = """[...document.querySelectorAll('button, select, input, a, canvas, [role=img]')]
    .filter(e => !(e.labels && e.labels.length && e.labels[0].textContent.trim())
        && !e.getAttribute('aria-label') && !e.textContent.trim()).map(e => e.outerHTML)"""
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
PLACE = "document.querySelector('.count').textContent"


@pytest.fixture(scope="module")
def folder(library, tmp_path_factory):
    import shutil

    return shutil.copytree(library, tmp_path_factory.mktemp("page") / "runs")


@pytest.fixture(scope="module")
def link(folder):
    command = [sys.executable, "-m", "arena", "watch", str(folder), "--port", "0", "--no-open"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="module")
def tab(link):
    """The page of the tab by itself: TensorBoard's own around it takes a while to begin."""
    return link.replace("#arena", "data/plugin_entry.html?name=arena#arena")


@pytest.fixture(scope="module")
def chromium():
    browser = Browser()
    browser.size(1280, 900)
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium):
    """The browser; afterwards nothing may have gone wrong in it."""
    chromium.faults.clear()
    chromium.requests.clear()
    yield chromium
    sound(chromium)


def sound(browser):
    assert not browser.faults
    local = ("http://127.0.0.1:", "data:", "blob:", "file:", "about:")
    assert [url for url in browser.requests if not url.startswith(local)] == []
    assert browser.ask(UNLABELLED) == []
    assert browser.ask(WIDER) <= 0


def shown(browser, link, words, selector):
    named = "".join(
        f"&p.arena.{name}={quote(str(value), safe='')}" for name, value in words.items()
    )
    browser.go(link + named)
    browser.until(f"document.querySelector({selector!r}) !== null")


def test_the_tab_stands_in_tensorboard_and_leads_to_the_games_of_two(browser, link):
    shown(browser, link, {"run": "games"}, ".ladder tbody tr")
    assert browser.ask("document.querySelectorAll('.ladder tbody tr').length") == 4
    assert browser.ask("document.querySelectorAll('.cross td.cell').length") == 12
    assert browser.ask("document.querySelectorAll('.chart polyline').length") == 4
    sound(browser)
    browser.click(".cross td.cell button")
    browser.until("document.querySelectorAll('.games tbody tr').length >= 4")
    assert browser.ask("document.querySelector('.filters select').value") == "negamax:depth=2"
    browser.click(".games tbody tr button")
    browser.until("document.querySelector('.board') !== null")
    assert "p.arena.game=games%2F" in browser.ask("location.hash", outside=True)


def test_a_game_is_walked_through_by_keys(browser, tab):
    shown(browser, tab, {"game": "games/1", "at": 3}, ".board")
    assert browser.ask("document.querySelectorAll('.piece').length") == 3
    for key, pieces in (("ArrowRight", 4), ("ArrowLeft", 3), ("Home", 0)):
        browser.press(key)
        assert browser.ask("document.querySelectorAll('.piece').length") == pieces
    browser.press("End")
    length = int(browser.ask(PLACE).split("/")[1])
    assert browser.ask("document.querySelectorAll('.piece').length") == length
    assert browser.ask("document.querySelectorAll('.winning').length") >= 4
    browser.until(f"parent.location.hash.endsWith('p.arena.at={length}')")
    scrub = "(e => { e.value = 5; e.dispatchEvent(new Event('input')); })"
    browser.ask(f"{scrub}(document.querySelector('input[type=range]'))")
    assert browser.ask("document.querySelectorAll('.piece').length") == 5


def test_thoughts_and_verdicts_are_shown(browser, tab, board_records):
    number = 1 + next(i for i, r in enumerate(board_records) if r.agents[0].startswith("mcts"))
    opening = len(board_records[number - 1].start)
    shown(browser, tab, {"game": f"games/{number}", "at": opening + 1}, ".thoughts")
    visits = "[...document.querySelectorAll('.thoughts .share')].map(e => Number(e.textContent))"
    assert sum(browser.ask(visits)) >= 40
    assert browser.ask("document.querySelectorAll('.ghost').length") >= 1
    browser.until("document.querySelector('.proof.win, .proof.loss, .proof.draw') !== null")
    assert browser.ask("document.querySelectorAll('.chart polyline').length") == 2


def test_an_agent_is_asked_and_played_on_against(browser, tab):
    shown(browser, tab, {"game": "games/1", "at": 2}, ".analyse select option[value='one-ply']")
    choose = "(e => { e.value = 'one-ply'; e.dispatchEvent(new Event('change')); })"
    browser.ask(f"{choose}(document.querySelector('.analyse select'))")
    browser.click(".analyse button", "Analyse")
    browser.until("document.querySelector('.answer').textContent.includes('one-ply in')")
    browser.click(".analyse button", "Play on")
    browser.press("1")
    browser.until("document.querySelectorAll('.piece').length === 4")
    browser.click(".said button", "Back")
    assert browser.ask("document.querySelectorAll('.piece').length") == 2


def test_an_episode_is_played_again(browser, tab):
    shown(browser, tab, {"game": "pong/1", "at": 90}, "canvas")
    lit = """(() => { const c = document.querySelector('canvas'); if (c.width !== 160) return 0;
        const d = c.getContext('2d').getImageData(0, 0, 160, 210).data;
        return new Set(new Uint32Array(d.buffer)).size; })()"""
    browser.until(f"{lit} >= 4")
    browser.press("n")
    assert browser.ask("document.querySelector('.said h2').textContent").startswith("score −")
    browser.press("PageDown")
    assert int(browser.ask(PLACE).split("/")[0]) > 180
    scrub = """(e => { for (let k = 0; k < 300; k++) {
        e.value = k; e.dispatchEvent(new Event('input')); } })"""
    before = browser.processor_ms()
    browser.ask(f"{scrub}(document.querySelector('input[type=range]'))")
    spent = browser.processor_ms() - before
    print(f"{spent / 300:.2f} ms a step")
    assert spent / 300 < 16


def test_damage_foreign_names_and_missing_games_are_told(browser, tab):
    shown(browser, tab, {"game": f"games/{DAMAGED}"}, ".notice.error")
    shown(browser, tab, {"game": f"games/{FOREIGN}"}, ".board")
    assert NASTY in browser.ask("document.querySelector('.heads .name').title")
    assert browser.ask("document.querySelectorAll('.heads img').length") == 0
    sound(browser)
    shown(browser, tab, {"game": "games/999"}, ".notice.error")
    assert "holds 1-28" in browser.ask("document.querySelector('.notice').textContent")
    assert all("404" in fault for fault in browser.faults)
    browser.faults.clear()


def test_a_new_game_appears_by_itself(browser, tab, folder, board_records):
    shown(browser, tab, {"run": "games", "view": "games"}, ".games tbody tr")
    with Records.write(folder / "games") as records:
        number = records.commit([replace(board_records[0], seed=77)])
    first = "document.querySelector('.games tbody tr button').textContent"
    browser.until(f"{first} === '{number}'")


@pytest.mark.parametrize("words", [{"run": "games"}, {"game": "games/3"}, {"game": "pong/1"}])
def test_it_is_readable_in_the_dark_and_at_800_pixels(browser, tab, words):
    browser.size(800, 900)
    shown(browser, tab, words, ".board, canvas, .cross")
    browser.ask("document.body.classList.add('dark-mode')", outside=True)
    browser.until("document.documentElement.classList.contains('dark')")
    ink = "getComputedStyle(document.querySelector('.arena')).color"
    assert browser.ask(ink) == "rgb(232, 234, 236)"
    assert browser.ask("innerWidth") == 800
    sound(browser)
    browser.size(1280, 900)


def test_the_report_is_one_file(browser, library, tmp_path):
    document = report.gather(Desk(library), ["games", "pong"], 8, False, lambda done, total: None)
    file = tmp_path / "report.html"
    file.write_text(report.page(document, "A <report>"), encoding="utf-8")
    browser.go("about:blank")
    browser.ask("1")
    browser.requests.clear()
    browser.go(file.as_uri())
    browser.until("document.querySelector('.ladder tbody tr') !== null")
    browser.click("nav button", "Games")
    browser.until("document.querySelectorAll('.games tbody tr').length === 4")
    browser.click(".games tbody tr button")
    browser.until("document.querySelector('.board') !== null")
    browser.press("End")
    browser.press("ArrowLeft")
    sound(browser)
    browser.go(f"{file.as_uri()}#game=pong%2F1&at=40")
    browser.until(
        "document.querySelector('canvas') && document.querySelector('canvas').width === 160"
    )
    assert {url.partition("#")[0] for url in browser.requests} <= {file.as_uri(), "about:blank"}
