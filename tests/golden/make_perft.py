"""Prints the counts of `connectx_perft.txt`: python tests/golden/make_perft.py > that file."""

from envs import registry
from envs.connectx.openings import perft

DEPTHS = {
    "connectx": 8,
    "connectx-8x7x4": 6,
    "connectx-10x5x5": 5,
    "connectx-5x4x3": 20,
    "connectx-4x4x4": 16,
    "connectx-4x4x3": 16,
    "connectx-3x3x3": 9,
    "connectx-2x2x2": 4,
    "connectx-1x6x4": 6,
    "connectx-1x1x1": 1,
}


def main() -> None:
    for id, depth in DEPTHS.items():
        print(f"{id}\n  ply  positions           sequences")
        for ply, count in enumerate(perft(registry.spec(id).rules.params, depth)):
            print(f"{ply:5} {count.positions:10} {count.sequences:19}")


if __name__ == "__main__":
    main()
