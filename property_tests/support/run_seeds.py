"""Usage: run_seeds.py COUNT PROGRAM [WORD...]

Runs a test program with the seeds 1001, 1002, ... (SLICECHECK_TEST_SEED), one after another, and ends with 1 if any run failed, after naming the seeds of those that
did. Every run may fail by chance with probability 1e-6 (false_alarm.h), 200 of them with 2e-4.
"""

import os
import subprocess
import sys

FIRST = 1001

count = int(sys.argv[1])
failed = []
for seed in range(FIRST, FIRST + count):
    run = subprocess.run(sys.argv[2:], capture_output=True, text=True, env=dict(os.environ, SLICECHECK_TEST_SEED=str(seed)))
    if run.returncode:
        failed.append(seed)
        print(f"SLICECHECK_TEST_SEED={seed}: exit code {run.returncode}\n{run.stdout[-4000:]}{run.stderr[-1000:]}", flush=True)
print(f"{count} seeds, {len(failed)} failed: {failed}")
sys.exit(1 if failed or count < 1 else 0)
