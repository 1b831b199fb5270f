"""Runs every benchmark of this folder, each alone, and prints one JSON list."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Runs the scripts in order of name; gives 1 when one failed."""
    results, failed = [], 0
    for script in sorted(HERE.glob("*.py")):
        if script.name == Path(__file__).name:
            continue
        print(f"running {script.name}", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
        failed |= done.returncode
        results.append(json.loads(done.stdout) if done.stdout else {"name": script.name})
    print(json.dumps(results, indent=2))
    return int(failed != 0)


if __name__ == "__main__":
    sys.exit(main())
