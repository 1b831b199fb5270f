"""The short form of `make faults`."""

from tests.faults import battery


def test_interrupts_and_kills_end_everything_at_once(tmp_path):
    stops = battery.rounds("interrupt", 2, 2.0)
    assert all(stop["code"] in (130, -2) for stop in stops)
    assert not any(one["left"] for one in [*stops, *battery.rounds("kill", 2, 2.0)])
