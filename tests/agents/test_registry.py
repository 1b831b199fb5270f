"""The grammar of players' names, and every message about a wrong one."""

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents import registry
from agents.base import AgentError
from agents.registry import AgentSpec

WORD = st.text(string.ascii_letters + string.digits + "_-./@", min_size=1)
HEAD = st.lists(WORD, min_size=1, max_size=3).map(":".join)
OPTIONS = st.dictionaries(WORD, WORD, max_size=4)

MINE = """
class Centre:
    max_batch = None
    digest = None

    def __init__(self, *, style: int = 1, bold: bool = False, name: str = "x", rate: float = 1.0):
        if style > 9:
            raise ValueError("style is at most 9")
        self.options = (style, bold, name, rate)

    def reset(self, spec, seats, seeds): ...

    def act(self, rows, steps, clock=None): ...


class Needy(Centre):
    def __init__(self, *, size: "int | None"): ...


class Stone:
    digest = None
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "arena_test_mine.py").write_text(MINE)
    (tmp_path / "arena_test_broken.py").write_text("1 / 0")
    (tmp_path / "arena_test_lonely.py").write_text("import arena_test_nowhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    return tmp_path


@given(HEAD, OPTIONS)
def test_text_of_a_spec_parses_to_it(head, options):
    spec = AgentSpec(head, options)
    assert registry.parse(str(spec)) == spec


@given(st.integers(0, 2**63 - 1), st.integers(0, 5))
def test_canonical_names_are_fixed_points(seed, zeros):
    name = registry.canonical(f" random : seed = {'0' * zeros}{seed} ".replace(" :", ":"))
    assert name == (f"random:seed={seed}" if seed else "random")
    assert registry.canonical(name) == name


def test_options_are_what_follows_the_last_colon_if_it_holds_an_equals_sign():
    assert registry.parse("kaggle:negamax") == AgentSpec("kaggle:negamax", {})
    assert registry.parse("a=b") == AgentSpec("a=b", {})
    assert registry.parse("m:C:x=1,y=a/b") == AgentSpec("m:C", {"x": "1", "y": "a/b"})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("arena_test_mine:Centre", "arena_test_mine:Centre"),
        ("arena_test_mine:Centre:rate=2.50,style=02", "arena_test_mine:Centre:style=2,rate=2.5"),
        ("arena_test_mine:Centre:bold=TRUE,rate=3.0", "arena_test_mine:Centre:bold=true,rate=3"),
        ("arena_test_mine:Centre:name=x,rate=1e0,style=1", "arena_test_mine:Centre"),
    ],
)
def test_canonical_sorts_and_normalises_options_of_own_players(folder, text, name):
    assert registry.canonical(text) == name


def test_make_passes_typed_options_to_own_players(folder):
    player = registry.make("arena_test_mine:Centre:bold=true,rate=2,name=7,style=3")
    assert player.options == (3, True, "7", 2.0)


def test_kinds_can_all_be_named():
    for kind in registry.kinds():
        text = kind.agent.replace("=N", "=1").replace("=S", "=1")
        assert registry.canonical(text) == text
        assert registry.parse(text).head == kind.kind
        assert kind.card


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no player in ''; expected NAME[:option=value,...]"),
        (":seed=1", "no player in ':seed=1'"),
        ("negamx", "unknown agent 'negamx'; did you mean 'negamax:depth=N'?"),
        ("negamx:depth=2", "unknown agent 'negamx'; did you mean 'negamax:depth=N'?"),
        ("one_ply", "unknown agent 'one_ply'; did you mean 'one-ply'?"),
        ("kaggle:negamx", "unknown agent 'kaggle:negamx'; did you mean 'kaggle:negamax'?"),
        ("kagle:random", "did you mean 'kaggle:random'?"),
        ("xyzzy", "unknown agent 'xyzzy'; expected one of random, one-ply, negamax:depth=N"),
        ("negamax:dept=4", "unknown option 'dept' for negamax; did you mean 'depth'?"),
        ("negamax:q=4", "unknown option 'q' for negamax; expected depth or seconds"),
        ("negamax", "negamax needs depth=N or seconds=S"),
        ("negamax:depth=1,seconds=1", "negamax takes depth=N or seconds=S, not both"),
        ("negamax:depth=0", "negamax cannot take depth=0"),
        ("negamax:depth=-1", "negamax cannot take depth=-1"),
        ("negamax:seconds=0", "negamax cannot take seconds=0"),
        ("negamax:depth=four", "option 'depth' for negamax must be a whole number, got 'four'"),
        ("negamax:depth=4.5", "option 'depth' for negamax must be a whole number, got '4.5'"),
        ("negamax:seconds=nan", "option 'seconds' for negamax must be a number, got 'nan'"),
        ("negamax:seconds=1.2.3", "option 'seconds' for negamax must be a number, got '1.2.3'"),
        ("negamax:seconds=1e999", "option 'seconds' for negamax must be a number, got '1e999'"),
        ("random:seed", "option 'seed' for random needs a value; write random:seed=VALUE"),
        ("random:seed=", "cannot read 'seed=' in 'random:seed='; expected option=value"),
        ("random:seed=1,", "cannot read '' in 'random:seed=1,'; expected option=value"),
        ("random:seed=1,seed=1", "option 'seed' stands twice in 'random:seed=1,seed=1'"),
        ("random:seed=-1", "random cannot take seed=-1; choose one in [0, 2**63)"),
        ("one-ply:seed=-1", "one-ply cannot take seed=-1; choose one in [0, 2**63)"),
        ("kaggle:random:seed=1", "kaggle:random takes no options, got 'seed'; leave it out"),
        ("arena_test_nowhere:Centre", "no module 'arena_test_nowhere' here or on sys.path"),
        ("arena_test_mime:Centre", "did you mean 'arena_test_mine'?"),
        ("arena_test_mine:Center", "has no class 'Center'; did you mean 'Centre'?"),
        ("arena_test_mine:Xyzzy", "expected the name of a class in it"),
        ("arena_test_mine:Stone", "is not a player: it lacks max_batch, reset, act; see"),
        ("arena_test_mine:Needy", "needs size; write arena_test_mine:Needy:size=VALUE"),
        ("arena_test_mine:Needy:size=x", "must be a whole number, got 'x'"),
        ("arena_test_mine:Centre:bold=1", "must be true or false, got '1'"),
        ("arena_test_mine:Centre:style=10", "style is at most 9; choose another value"),
        ("arena_test_broken:Centre", "ZeroDivisionError: division by zero; mend the module"),
        ("arena_test_lonely:Centre", "No module named 'arena_test_nowhere'; mend the module"),
    ],
)
def test_messages(folder, text, message):
    with pytest.raises(AgentError, match=re.escape(message)) as caught:
        registry.make(text)
    assert "\n" not in str(caught.value)
    with pytest.raises(AgentError, match=re.escape(message)):
        registry.canonical(text)
