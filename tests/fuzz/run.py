"""Coverage-guided fuzzing with atheris: one process for each target, each for a limited time.

``make fuzz`` starts this. New inputs that reach new code go to ``build/fuzz/<target>/`` and are used again by
the next run; ``--keep`` takes the best of them over into the corpus that is in the repository. An input that
breaks something is left in ``tests/fuzz/crashes/``.
"""

# ruff: noqa: T201
from __future__ import annotations

import argparse
import contextlib
import importlib.util
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

FUZZ = Path(__file__).resolve().parent
ROOT = FUZZ.parent.parent
CORPUS = FUZZ / "corpus"
CRASHES = FUZZ / "crashes"
FOUND = ROOT / "build" / "fuzz"
KEPT_FILES = 30
KEPT_BYTES = 12_000
"""Of one target's corpus. Seeds and regressions stay, whatever their number."""
_PACKAGES = ["gate", "markdown_it", "tomllib"]
_ALWAYS = ("seed-", "regression-")
_WORD = re.compile(rb"[A-Za-z_$][A-Za-z0-9_.:-]{2,30}")


def main() -> int:
    """Run what the command line asks for; 1 when something was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", help="names of targets; all of them if absent")
    parser.add_argument("--seconds", type=int, default=10, help="for each target")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time")
    parser.add_argument("--supported", action="store_true", help="only say whether this Python can do it")
    parser.add_argument("--keep", action="store_true", help="only take new inputs over into the corpus")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.supported:
        return 0 if _supported() else 1
    if options.one:
        _fuzz(options.targets[0], rest)
        return 0  # atheris ends the process itself
    from targets import TARGETS

    unknown = sorted(set(options.targets) - TARGETS.keys())
    if unknown or rest:
        parser.error(f"no such target: {' '.join([*unknown, *rest])}; there are {' '.join(TARGETS)}")
    names = options.targets or list(TARGETS)
    if options.keep:
        for name in names:
            print(f"{name:18} {_keep(name)} files in the corpus")
        return 0
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed; `make fuzz` does that")
    with ThreadPoolExecutor(options.jobs) as pool:
        broken = [not good for good in pool.map(lambda name: _start(name, options.seconds), names)]
    return int(any(broken))


def _supported() -> bool:
    """Whether atheris has a wheel for this Python; says why not."""
    version, place = sys.version_info[:2], sys.platform
    if sys.implementation.name == "cpython" and (3, 11) <= version <= (3, 13) and place == "linux":
        return True
    print(f"fuzzing skipped: atheris has no wheel for Python {version[0]}.{version[1]} on {place}")
    return False


def _start(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own and print a line about it; whether all was well."""
    found = FOUND / name
    found.mkdir(parents=True, exist_ok=True)
    CRASHES.mkdir(exist_ok=True)
    before = set(CRASHES.glob(f"{name}-*"))
    old = len(list(found.iterdir()))
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
        words.writelines(f'"{word}"\n' for word in sorted(_words(name)))
        words.flush()
        done = subprocess.run(
            [
                sys.executable,
                __file__,
                "--one",
                name,
                f"-max_total_time={seconds}",
                "-timeout=60",
                "-rss_limit_mb=3000",
                "-print_final_stats=1",
                f"-dict={words.name}",
                f"-artifact_prefix={CRASHES}/{name}-",
                str(found),
                str(CORPUS / name),
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    said = done.stdout + done.stderr
    executions = re.findall(r"number_of_executed_units: (\d+)", said) or re.findall(r"^#(\d+)", said, re.M)
    edges = re.findall(r" cov: (\d+) ", said)
    crashes = sorted(set(CRASHES.glob(f"{name}-*")) - before)
    print(
        f"{name:18} {(executions or ['?'])[-1]:>8} executions, {(edges or ['?'])[-1]:>5} edges,"
        f" {len(list(found.iterdir())) - old:>4} new inputs"
        + (f": BROKEN by {crashes[0].relative_to(ROOT)}" if crashes else ""),
        flush=True,
    )
    if done.returncode:
        print(_report(said), flush=True)
    return done.returncode == 0


def _report(said: str) -> str:
    """The exception, without the fuzzer's own lines."""
    _, found, rest = said.partition("=== Uncaught Python exception: ===")
    lines = (rest.partition("\n==")[0] if found else said).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("#", "INFO", "MS:")))[-4000:]


def _words(name: str) -> set[str]:
    """Words of the corpus, for the fuzzer to put elsewhere."""
    found: set[bytes] = set()
    for path in sorted((CORPUS / name).iterdir()):
        found.update(_WORD.findall(path.read_bytes())[:2000])
    return {word.decode() for word in sorted(found)[:500]}


def _fuzz(name: str, arguments: list[str]) -> None:
    """Fuzz in this very process; does not return."""
    import atheris

    with atheris.instrument_imports(include=_PACKAGES):
        from targets import TARGETS

    from mutate import MUTATORS

    target = TARGETS[name]
    extra: dict[str, Any] = {}
    if target.grammar is not None:
        inner = MUTATORS[target.grammar]

        def mutate(data: bytes, most: int, seed: int) -> bytes:
            chance = random.Random(seed)  # noqa: S311 - the fuzzer's own seed, so that a run can be repeated
            if chance.random() < 0.7:
                with contextlib.suppress(
                    ValueError, SyntaxError, LookupError, ArithmeticError, RecursionError, sqlite3.Error
                ):
                    made = inner(data, chance)
                    if len(made) <= most:
                        return made
                # it is no such document, or would be too long
            changed: bytes = atheris.Mutate(data, most)
            return changed

        extra["custom_mutator"] = mutate
    atheris.Setup([sys.argv[0], f"-max_len={target.longest}", *arguments], target.run, **extra)
    atheris.Fuzz()


def _keep(name: str) -> int:
    """Write those inputs into the corpus that reach something new, small ones first; how many there are."""
    from targets import TARGETS

    folder = CORPUS / name
    folder.mkdir(parents=True, exist_ok=True)
    always = sorted(path for path in folder.iterdir() if path.name.startswith(_ALWAYS))
    others = [path for path in folder.iterdir() if path not in always]
    others += (FOUND / name).iterdir() if (FOUND / name).is_dir() else []
    seen: set[tuple[str, int, int]] = set()
    for path in always:
        seen |= _reached(TARGETS[name].run, path.read_bytes())
    chosen: dict[str, bytes] = {}
    size = 0
    # by what they reach: the input that adds most for its length goes first
    waiting = {}
    for path in sorted(others, key=lambda path: (path.stat().st_size, path.name))[:1500]:
        data = path.read_bytes()
        waiting[path.name[:16]] = (data, _reached(TARGETS[name].run, data))
    while waiting and len(chosen) + len(always) < KEPT_FILES:
        best = max(waiting, key=lambda key: (len(waiting[key][1] - seen) / (200 + len(waiting[key][0])), key))
        data, reached = waiting.pop(best)
        if not reached - seen:
            break
        if size + len(data) <= KEPT_BYTES:
            seen |= reached
            size += len(data)
            chosen[best] = data
    for path in folder.iterdir():
        if path not in always:
            path.unlink()
    for key, data in chosen.items():
        (folder / key).write_bytes(data)
    return len(chosen) + len(always)


def _reached(run: Any, data: bytes) -> set[tuple[str, int, int]]:
    """The steps from line to line in gate's own files that an input takes."""
    found: set[tuple[str, int, int]] = set()
    last: dict[int, int] = {}
    ours = str(ROOT)

    def step(frame: FrameType, event: str, _: Any) -> Any:
        file = frame.f_code.co_filename
        if not file.startswith(ours) or "/tests/" in file or "/.venv/" in file:
            return None
        key = id(frame)
        found.add((file, last.get(key, 0), frame.f_lineno))
        last[key] = 0 if event == "return" else frame.f_lineno
        return step

    sys.settrace(step)
    try:
        run(data)
    except Exception as error:  # noqa: BLE001 - reported, and such an input is not kept
        sys.settrace(None)
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return set()
    finally:
        sys.settrace(None)
    return found


if __name__ == "__main__":
    sys.exit(main())
