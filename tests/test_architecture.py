"""The house: floors, doors, sizes, and what may be loaded when."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {"configs": 0, "envs": 1, "muzero": 2, "agents": 3, "arena": 4}
DOORS = {
    "kaggle_environments": {"envs/kaggle.py"},
    "kaggle": {"arena/kaggle_account.py"},
    "ale_py": {"envs/atari.py"},
    "gymnasium": {"agents/gym_env.py", "agents/sb3_door.py", "envs/aec.py"},
    "pettingzoo": {"envs/aec.py"},
    "stable_baselines3": {"agents/sb3_door.py"},
    "sb3_contrib": {"agents/sb3_door.py"},
    "tensorboard": {
        "arena/board/scalars.py",
        "arena/board/plugin.py",
        "arena/board/server.py",
    },
    "matplotlib": {
        "arena/training_curves.py",
        "arena/comparison_plot.py",
        "arena/report_figures.py",
    },
    "ray": {"arena/ray_cluster.py"},
}
"""Heavy guests, each with the one file that may import it; `doctor` only asks for versions."""
TORCH_ALLOWED = {"arena/commands/doctor.py"}
FILES = [p for floor in FLOORS if (ROOT / floor).is_dir() for p in (ROOT / floor).rglob("*.py")]
HARD_FILE, HARD_FUNCTION = 400, 60
KERNEL = 140


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def name(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_go_down_only_and_guests_come_by_their_door(path):
    floor = FLOORS[path.relative_to(ROOT).parts[0]]
    for module in imports(path):
        top = module.split(".")[0]
        assert FLOORS.get(top, floor) <= floor, f"{name(path)} imports {module}, a floor above"
        if top in DOORS:
            assert name(path) in DOORS[top], f"{top} comes in by {DOORS[top]}, not {name(path)}"


def test_no_module_imports_itself_in_a_circle():
    modules = {name(p)[:-3].replace("/", ".").removesuffix(".__init__"): p for p in FILES}
    graph = {
        module: {m for m in imports(path) if m in modules and m != module}
        for module, path in modules.items()
    }
    done, walking = set(), []

    def walk(module):
        assert module not in walking, f"circle: {' -> '.join([*walking, module])}"
        if module in done:
            return
        walking.append(module)
        for other in graph[module]:
            if not module.startswith(f"{other}."):  # a package is imported before its parts
                walk(other)
        done.add(walking.pop())

    for module in graph:
        walk(module)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_files_and_functions_are_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= HARD_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            kernel = any("jit" in ast.unparse(decorator) for decorator in node.decorator_list)
            lines = node.end_lineno - node.lineno + 1
            assert lines <= (KERNEL if kernel else HARD_FUNCTION), f"{node.name}: {lines} lines"


def loaded(code):
    """The top modules in `sys.modules` after some code, in a fresh process."""
    program = f"{code}\nimport sys; print(*{{m.split('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    return set(done.stdout.splitlines()[-1].split())


HEAVY = {
    "torch",
    "stable_baselines3",
    "gymnasium",
    "kaggle_environments",
    "tensorboard",
    "ale_py",
    "pettingzoo",
    "ray",
}


def test_the_help_loads_nothing_heavy():
    code = "from arena import cli\ntry: cli.main(['--help'])\nexcept SystemExit: pass"
    assert not loaded(code) & (HEAVY | {"numpy", "numba", "sqlite3", "rich"})


@pytest.mark.parametrize("agent", ["random", "one-ply", "negamax:depth=2"])
def test_players_that_can_travel_load_nothing_heavy(agent):
    code = f"from agents import registry; registry.make('{agent}')"
    assert not loaded(code) & (HEAVY | {"arena", "muzero"})


def test_a_tournament_loads_nothing_that_its_players_do_not_need():
    assert not loaded("import arena.commands.tournament, arena.executor, arena.chunk") & HEAVY
