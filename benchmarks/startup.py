"""How long the command line takes to answer, against bare Python, in turn; and what it must not import.

Usage: python benchmarks/startup.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

HARNESS = str(Path(sys.executable).with_name("harness"))
BARE = [sys.executable, "-c", "pass"]
COMMANDS = {
    "harness --help": [HARNESS, "--help"],
    "harness list": [HARNESS, "list"],
    "harness plugins": [HARNESS, "plugins"],
    "mlflow --help": [sys.executable, "-m", "mlflow", "--help"],
}
HEAVY = ("torch", "pandas", "numpy", "sklearn", "mlflow", "catboost", "matplotlib", "rich")
LIMIT = 0.15
# installed packages have their bytecode cached; a checkout must be let to cache its own
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    """Return the wall time of a command."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - started


def imported(command: str) -> list[str]:
    """Return the heavy packages that a command imports."""
    code = (
        "import sys\nfrom harness.cli import main\n"
        f"try: main({command.split()[1:]!r})\nexcept SystemExit: pass\n"
        f"print('HEAVY', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


def main() -> None:
    """Time each command in turn with bare Python and print the medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    print(f"{'command':<18}{'seconds':>9}{'bare':>8}{'more':>8}   target <= {LIMIT} s more; median of {runs} pairs")
    for name, command in COMMANDS.items():
        seconds(command)
        pairs = [(seconds(command), seconds(BARE)) for _ in range(runs)]
        own, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
        more = statistics.median(one - other for one, other in pairs)
        heavy = imported(name) if name.startswith("harness") else []
        print(f"{name:<18}{own:>9.3f}{bare:>8.3f}{more:>8.3f}   {'imports ' + ', '.join(heavy) if heavy else ''}")


if __name__ == "__main__":
    main()
