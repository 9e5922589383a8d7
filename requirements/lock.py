"""Pin all that pyproject.toml asks for, with the hashes of the files for every platform: `make lock`.

A version stays if pyproject.toml still allows it. The arguments go to uv: `--upgrade` takes the newest versions. Each
file beside this one has what it adds to those before it.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text())
FILES = ("build", "dev", "torch-cpu", "torch", "gpu", "fuzz")
OF_TORCH = re.compile(r"(torch|triton|cuda-\S+|nvidia-\S+)==")


def run(*command: str, text: str | None = None) -> str:
    done = subprocess.run(command, cwd=HERE.parent, input=text, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def resolve(pins: Path, *arguments: str, text: str | None = None) -> list[str]:
    """What to install, as pip reads it: `name==version`, for which machines, and the hashes. Also left in `pins`."""
    command = ("uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes")
    run(*command, "--no-annotate", "--no-header", "--output-file", str(pins), *arguments, text=text)
    return re.findall(r"^\S.*(?:\n\s.+)*", pins.read_text(), re.MULTILINE)


def cpu_build(torch: str) -> str:
    """PyTorch without CUDA, which PyPI does not have for Linux: the file that pip finds on this machine."""
    command = ("pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps", "--report", "-", torch)
    (found,) = json.loads(run(sys.executable, "-m", *command))["install"]
    return f"{torch} \\\n    --hash=sha256:{found['download_info']['archive_info']['hashes']['sha256']}"


def main(*arguments: str) -> None:
    old = "".join(HERE.joinpath(f"{name}.txt").read_text() for name in FILES if name != "torch-cpu")
    with tempfile.TemporaryDirectory() as folder:
        every, alone, part = (Path(folder, name) for name in ("every.txt", "alone.txt", "part.txt"))
        every.write_text(old)
        alone.write_text(old)
        resolve(every, "pyproject.toml", "--all-extras", *arguments)
        read_alone = resolve(alone, "--group", "alone", "--no-deps", *arguments)

        def of(*sources: str, text: str | None = None) -> list[str]:
            shutil.copy(every, part)  # whose versions stay
            return resolve(part, *sources, text=text)

        dev = of("pyproject.toml", "--extra", "dev")
        torch = [pin for pin in dev if OF_TORCH.match(pin)]
        head = next(pin for pin in torch if pin.startswith("torch==")).splitlines()[0]
        version, _, everywhere = head.partition(" ;")
        files = {
            "build": of("-", text="\n".join(PROJECT["build-system"]["requires"])),
            "dev": [pin for pin in dev if pin not in torch] + read_alone,
            "torch-cpu": [cpu_build(f"{version}+cpu")],
            "torch": torch,
            "gpu": of("pyproject.toml", "--extra", "gpu"),
            "fuzz": of("pyproject.toml", "--extra", "fuzz"),
        }
    done: set[str] = set()
    for name, pins in files.items():
        new = sorted(set(pins) - done)
        HERE.joinpath(f"{name}.txt").write_text("\n".join(new).replace(f" ;{everywhere}", " \\") + "\n")
        done.update(new)


if __name__ == "__main__":
    main(*sys.argv[1:])
