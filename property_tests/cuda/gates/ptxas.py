"""What ptxas says about the kernels of a PTX text."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

COMPILING = re.compile(r"Compiling entry function '([^']+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
SHARED = re.compile(r"(\d+) bytes smem")


@dataclass(frozen=True)
class Use:
    """What one kernel takes; bytes, and registers of a thread."""

    registers: int
    stack: int
    spill_stores: int
    spill_loads: int
    static_shared: int


def assemble(ptxas: Path, text: str, architecture: int) -> tuple[dict[str, Use], bytes]:
    """Runs `ptxas -v` with its own defaults: what each kernel takes, by symbol, and the ELF file of machine code."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "kernels.ptx", Path(folder) / "kernels.cubin"
        source.write_text(text)
        words = [str(ptxas), "-v", f"-arch=sm_{architecture}", str(source), "-o", str(result)]
        said = subprocess.run(words, capture_output=True, text=True, check=False)
        if said.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {said.stdout}{said.stderr}")
        machine_code = result.read_bytes()
    out: dict[str, Use] = {}
    symbol, frame = "", (0, 0, 0)
    for line in said.stderr.splitlines():
        if match := COMPILING.search(line):
            symbol = match[1]
        elif match := STACK.search(line):
            frame = (int(match[1]), int(match[2]), int(match[3]))
        elif match := USED.search(line):
            shared = SHARED.search(line)
            out[symbol] = Use(int(match[1]), *frame, int(shared[1]) if shared else 0)
    return out, machine_code


def version(ptxas: Path) -> str:
    """`13.0.88`."""
    said = subprocess.run([str(ptxas), "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"V(\d+\.\d+\.\d+)", said)
    if match is None:
        raise RuntimeError(f"{ptxas} --version says nothing like a version: {said}")
    return match[1]
