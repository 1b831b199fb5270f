"""`arena import`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from agents import checkpoint
from agents.checkpoint import Manifest
from arena import runs, screen
from arena.commands import dir_option, json_option, print_json
from arena.runs import RunError
from configs import loader
from configs.loader import ConfigError
from envs import registry


class _Wanted(NamedTuple):
    """What is to be made."""

    file: Path
    env: str | None
    """Id as typed; None = none was."""
    run: Path


@click.command()
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--env", help="Env that the model was trained for, such as pong@nature or connectx.")
@click.option("--name", help="Name of the run.  [default: the file's; of episodes, import]")
@click.option("--no-analysis", is_flag=True, help="Do not look for moves that lost value.")
@dir_option
@json_option
def command(
    files: tuple[Path, ...],
    env: str | None,
    name: str | None,
    no_analysis: bool,
    root: Path,
    as_json: bool,
) -> int:
    """Make a run of a model that was trained elsewhere, or record episodes of Kaggle.

    Any number of episodes (.json, as `arena kaggle fetch` gets them) are added to the run `import`:
    they replay, count in its ladder, and the first move of each player that lost value is told.
    Those that are there already are left out.

    A model is a zip that Stable-Baselines3 or rl_zoo3 saved, of PPO, MaskablePPO, A2C, TRPO or DQN:
    with CnnPolicy for Atari games (84 x 84, four frames, the game's own actions or all 18 by
    @sticky-full), with MlpPolicy for boards as agents.gym_env shows them. No code in it is run.

    The run has one checkpoint, which plays like every other: arena eval runs/NAME,
    arena tournament -a runs/NAME. A model knows only its own env and protocol; of Atari, import it
    once for each protocol that it shall play.
    """
    if all(file.suffix.lower() == ".json" for file in files):
        from arena import kaggle_import  # it loads NumPy, which the help does not need

        return kaggle_import.show(
            kaggle_import.run(files, runs.path(root, name or "import"), not no_analysis), as_json
        )
    if len(files) > 1:
        raise ConfigError("only episodes (.json) come in several files; import models one by one")
    (file,) = files
    make = _MAKERS.get(file.suffix.lower())
    if make is None:
        raise ConfigError(
            f"'{file.name}' cannot be imported; supported are: a model of Stable-Baselines3 "
            "(.zip), episodes of Kaggle (.json)"
        )
    if not file.is_file():
        known = file.parent.glob(f"*{file.suffix}") if file.parent.is_dir() else ()
        near = loader.closest(file.name, [path.name for path in known])
        raise ConfigError(f"no file '{file}'{near or '; give the path of a saved model'}")
    run = runs.path(root, name or file.stem)
    if run.exists():
        raise RunError(f"run '{run.name}' exists in {root}; give another with --name")
    document = make(_Wanted(file, env, run))
    if as_json:
        print_json(document)
    else:
        _show(document)
    return 0


def _model(wanted: _Wanted) -> dict[str, Any]:
    """Makes a run of a model of Stable-Baselines3; gives what people should know of it."""
    if wanted.env is None:
        raise ConfigError("a model does not say what it plays; give --env, such as pong@nature")
    spec = registry.spec(wanted.env)
    from agents import sb3_model, sb3_zip  # they load PyTorch, which the help does not need

    saved = sb3_zip.read(wanted.file)
    model = sb3_model.convert(saved, spec)
    origin = {
        "file": saved.file,
        "sha256": saved.sha256,
        "library": f"stable-baselines3 {saved.version}".strip(),
        "algorithm": model.algorithm,
        "timesteps": model.timesteps,
    }
    tree = {"env": spec.id, **origin}
    folder = checkpoint.at(wanted.run, model.timesteps)
    about = Manifest(
        kind=model.kind,
        env=spec.id,
        config=hashlib.sha256(loader.to_toml(tree).encode()).hexdigest(),
        counters={"env_steps": model.timesteps},
        parts={},
        card={"imported": origin},
    )
    checkpoint.write(folder, about, {checkpoint.WEIGHTS: model.network})
    runs.settle(wanted.run, "import", tree, resume=False)
    return {
        "run": wanted.run.name,
        "agent": f"{wanted.run}@{model.timesteps}",
        "env": spec.id,
        "kind": model.kind,
        **origin,
    }


def _show(document: dict[str, Any]) -> None:
    """Says what was imported and how it plays."""
    agent = document["agent"].rpartition("@")[0]
    screen.note(
        f"{document['algorithm']} of {document['library']}, {document['timesteps']:,} timesteps, "
        f"plays {document['env']} as {agent}."
    )
    if registry.spec(document["env"]).num_players == 1:
        screen.note(f"`arena eval {agent}` measures it.")
    else:
        screen.note(f"`arena play {agent}` plays against it.")


_MAKERS: dict[str, Callable[[_Wanted], dict[str, Any]]] = {".zip": _model}
"""End of a file's name to what makes a run of it and gives a document."""
