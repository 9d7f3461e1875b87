"""`bmaddb demo`: the main job, on a real server and real files, ending in a proof."""

from __future__ import annotations

import argparse

from bmaddb import errors as e
from bmaddb.settings import Settings

HELP = "three devices of two people, a real server, a cut network, and the proof that nothing was lost"


def configure(parser: argparse.ArgumentParser) -> None:
    """Whether the server stays."""
    parser.add_argument(
        "--keep", action="store_true", help="leave the server up at the end, and say how to look around"
    )


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Play it; 0 when every claim of the proof holds."""
    try:
        from bmaddb.cli.demonstration.play import play
    except ModuleNotFoundError as missing:
        raise e.ServerError(
            f"the demo needs the package {missing.name}", hint="pip install 'bmaddb[server,embedded]'"
        ) from missing
    return 0 if play(keep=options.keep) else 1
