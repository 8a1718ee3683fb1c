"""One tool of compute-sanitizer over the small GPU tests.

Usage: compute_sanitizer.py memcheck|racecheck|synccheck|initcheck GPU_TESTS. Ends with 77 (skipped) where compute-sanitizer or a CUDA device is missing;
with 1 there where SLICECHECK_REQUIRE_GPU=1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
ERRORS_FOUND = 99
# Sizes around every tile, and the sort of the whole device, are in the ties.
TESTS = "small/*:large/LossTies.*:LossExact.*:SlicedLossMemory.*:Normals.*"
# It asks for more memory than there is, which memcheck reports as the failed call that it is.
LEFT_OUT = "SlicedLossMemory.too_little_memory*"


def skip(reason: str) -> int:
    required = os.environ.get("SLICECHECK_REQUIRE_GPU") == "1"
    print(f"{'SLICECHECK_REQUIRE_GPU=1, but ' if required else 'skipped: '}{reason}")
    return 1 if required else SKIPPED


def sanitizer() -> str | None:
    """compute-sanitizer on PATH, or where the toolkit has it."""
    return shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path=Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"), "bin"))


def main(tool: str, program: str) -> int:
    found = sanitizer()
    if found is None:
        return skip("compute-sanitizer was not found on PATH or in the CUDA toolkit")
    tests = f"--gtest_filter={TESTS}-{LEFT_OUT}"
    plain = subprocess.run([program, tests], capture_output=True, text=True, env={**os.environ, "SLICECHECK_REQUIRE_GPU": "0"})
    if plain.returncode != 0:
        print(plain.stdout + plain.stderr)
        return 1
    if "[  SKIPPED ]" in plain.stdout:
        reasons = [line for line in plain.stdout.splitlines() if "there is no CUDA device" in line]
        return skip(reasons[0].strip() if reasons else "the tests were skipped")
    return subprocess.run([found, "--tool", tool, "--error-exitcode", str(ERRORS_FOUND), program, tests]).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
