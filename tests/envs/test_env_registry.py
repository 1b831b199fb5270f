import pytest

from envs import registry
from envs.base import EnvOptionError, IllegalActionError


def test_ids_name_each_family_once_with_a_line():
    listings = registry.ids()
    assert len({listing.id for listing in listings}) == len(listings)
    for listing in listings:
        assert "\n" not in listing.summary
        assert listing.examples
        for example in listing.examples:
            assert listing.matches(example)
            assert registry.canonical(example) == registry.spec(example).id
            assert registry.canonical(registry.canonical(example)) == registry.canonical(example)


@pytest.mark.parametrize(
    ("id", "canonical"),
    [
        ("connectx", "connectx"),
        ("connectx-7x6x4", "connectx"),
        ("connectx-07x6x4", "connectx"),
        ("connectx-5x4x3", "connectx-5x4x3"),
        ("connectx-6x7x4", "connectx-6x7x4"),
    ],
)
def test_equal_rules_have_one_id(id, canonical):
    assert registry.canonical(id) == canonical
    assert registry.make(id).spec == registry.make_vector(canonical, 2).spec
    assert registry.make_recorded(id, 3).num_rows == 3


def test_options_hold_what_the_id_leaves_out():
    assert registry.spec("connectx").options == {"columns": 7, "rows": 6, "inarow": 4}


@pytest.mark.parametrize(
    ("id", "hint"),
    [
        ("conectx", "did you mean 'connectx'?"),
        ("ConnectX", "did you mean 'connectx'?"),
        ("connectx-5x4", "did you mean 'connectx-5x4x3'?"),
        ("connectx-5x4x3x2", "did you mean 'connectx-5x4x3'?"),
        ("zzz", "known are connectx"),
        ("", "known are connectx"),
    ],
)
@pytest.mark.parametrize("call", [registry.spec, registry.make, registry.canonical])
def test_unknown_ids_get_a_hint(id, hint, call):
    with pytest.raises(registry.UnknownEnvError) as error:
        call(id)
    assert hint in str(error.value)


@pytest.mark.parametrize("id", ["connectx-0x6x4", "connectx-9x9x4", "connectx-7x6x0"])
def test_boards_that_cannot_be_are_refused(id):
    with pytest.raises(EnvOptionError):
        registry.spec(id)


def test_people_count_columns_from_one():
    name = registry.action_name("connectx")
    assert [name(action) for action in range(7)] == list("1234567")


def test_drawing_refuses_illegal_actions():
    with pytest.raises(IllegalActionError):
        registry.draw("connectx-1x1x1")([0, 0], False)
