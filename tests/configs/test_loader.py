import dataclasses
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs import loader
from configs.loader import ConfigError


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5
    deep: bool = False


@dataclass(frozen=True)
class Outer:
    steps: int = 3
    name: str = "x"
    agents: tuple[str, ...] = ()
    limit: int | None = None
    inner: Inner = field(default_factory=Inner)


def test_defaults_preset_and_command_line_in_this_order():
    tree = loader.override({"steps": 4, "inner": {"rate": 1}}, ["inner.deep=true", "steps=5"])
    assert loader.load(Outer, tree) == Outer(steps=5, inner=Inner(rate=1.0, deep=True))


def test_text_needs_no_quotes_on_the_command_line():
    config = loader.load(Outer, loader.override({}, ["name=negamax:depth=4", "agents=['a', 'b']"]))
    assert config == Outer(name="negamax:depth=4", agents=("a", "b"))


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"stps": 1}, "unknown key 'stps' for Outer; did you mean 'steps'?"),
        ({"inner": {"rat": 1}}, "unknown key 'inner.rat' for Inner; did you mean 'rate'?"),
        ({"steps": "4"}, "'steps' is a whole number, got '4'"),
        ({"steps": True}, "'steps' is a whole number, got True"),
        ({"steps": 1.5}, "'steps' is a whole number, got 1.5"),
        ({"inner": {"rate": "fast"}}, "'inner.rate' is a number, got 'fast'"),
        ({"inner": 3}, "'inner' is a table, got 3"),
        ({"agents": "random"}, "'agents' is a list, got 'random'"),
        ({"agents": ["random", 3]}, "'agents[1]' is a text, got 3"),
    ],
)
def test_a_mistake_is_named(tree, message):
    with pytest.raises(ConfigError) as caught:
        loader.load(Outer, tree)
    assert str(caught.value) == message


@pytest.mark.parametrize("assignment", ["steps", "=3", "steps.a=1"])
def test_a_setting_that_is_none_is_refused(assignment):
    with pytest.raises(ConfigError):
        loader.override({"steps": 3}, [assignment])


def test_overriding_leaves_the_preset_alone():
    tree = {"inner": {"rate": 1.0}}
    loader.override(tree, ["inner.rate=2.0"])
    assert tree == {"inner": {"rate": 1.0}}


@given(
    st.builds(
        Outer,
        steps=st.integers(-(2**62), 2**62),
        name=st.text(st.characters(exclude_categories=("Cs",))),
        agents=st.lists(st.text(st.characters(exclude_categories=("Cs",)))).map(tuple),
        limit=st.none() | st.integers(0, 9),
        inner=st.builds(Inner, rate=st.floats(allow_nan=False), deep=st.booleans()),
    )
)
def test_a_config_survives_toml(config):
    import tomllib

    tree = tomllib.loads(loader.to_toml(loader.dump(config)))
    assert loader.load(Outer, tree) == config
    assert loader.digest(loader.load(Outer, tree)) == loader.digest(config)


def test_a_difference_is_told_key_by_key():
    old = loader.dump(Outer())
    new = loader.dump(dataclasses.replace(Outer(), steps=4, inner=Inner(rate=0.1)))
    assert loader.difference(old, new) == ["inner.rate: 0.5, now 0.1", "steps: 3, now 4"]


def test_presets_are_found_by_name():
    assert "demo" in loader.presets("tournament")
    with pytest.raises(ConfigError, match="did you mean 'demo'"):
        loader.preset("tournament", "dem")


def test_a_file_that_is_no_toml_is_named(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text("a = = 3")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        loader.read(file)
    with pytest.raises(ConfigError, match="No such file"):
        loader.read(tmp_path / "none.toml")
