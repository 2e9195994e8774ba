"""What the benchmarks of docs/performance.md share: running a command, naming the machine, writing a table between its marks."""

import datetime
import os
import pathlib
import platform
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"


def output_of(*command, **variables):
    done = subprocess.run(
        list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **variables})
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def processor():
    names = re.findall(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return names[0] if names else platform.machine()


def significant(value):
    """Three digits of it."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def circumstances(cores, load, command):
    """The line above a table."""
    commit = output_of("git", "rev-parse", "--short", "HEAD")
    return f"{processor()}, {cores}; load {load:.1f} when it began; {datetime.date.today()}, commit {commit}, `{command}`."


def write(mark, lines):
    """Puts a table between its marks, and prints it."""
    table = "\n".join(lines)
    text, count = re.subn(
        rf"(<!-- {mark} -->\n).*?(<!-- end -->)", lambda match: f"{match[1]}{table}\n{match[2]}", PAGE.read_text(),
        flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{PAGE} does not have the marks of {mark} once")
    PAGE.write_text(text)
    print(table)
