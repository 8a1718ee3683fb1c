"""slicecheck over MPI ranks: the same bytes for any number of ranks and threads, SIGKILL and another number of ranks afterwards, errors, and what is not distributed.

Usage: test_ranks.py RANKS. Ends with exit code 77 (skipped) where the program was built without MPI or there is no mpirun.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

SKIPPED = 77
RANKS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 2
AFTER_KILL = {1: 4, 2: 1, 4: 2}.get(RANKS, 1)

EXPERIMENT = "flow-limit"
SMALL = ["replicates=4", "step_sizes=3", "horizon=1.0", "defects.replicates=4", "defects.step_sizes=3", "defects.horizon=1.0", "steps.replicates=100",
         "tie.replicates=4", "tie.step_sizes=3", "network.replicates=4", "network.step_sizes=3", "network.horizon=1.0", "network.hidden=[4]",
         "network.atoms=4", "network.batch=4", "network.directions=4", "network.reference_steps=1"]
# A save after every replicate, and enough of them that a kill falls in between.
INTERRUPTED = [*SMALL, "replicates=24", "checkpoint.seconds=0.0"]

# So few replicates decide nothing: exit codes of verdicts, refuted and inconclusive, are as good as 0 here.
ENDED_WELL = (0, 1, 4)

NOT_DISTRIBUTED = ["experiment", "run", "plane-sgd", "--seed", "7"]
NOT_DISTRIBUTED_SETTINGS = ['targets=["two-moons"]', "hidden=[8]", "steps=40", "evaluation.batches=3", "evaluation.directions=40",
                            "evaluation.w2_points=40", "figure_points=50", "evaluate_every=0"]

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def launched(ranks: int, *words: object) -> list[str]:
    return ["mpirun", "--oversubscribe", "--bind-to", "none", "-np", str(ranks), PROGRAM, *map(str, words)]


def settings(assignments: list[str]) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


def shown_files(folder: Path) -> dict[str, bytes]:
    """All files of an experiment but the manifest and the private checkpoints."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file() and path.name != "manifest.json"}


def children(parent: int) -> list[int]:
    """Process ids of everything below a process."""
    below = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                below += [int(entry.name), *children(int(entry.name))]
        except (OSError, IndexError):  # it has just ended
            pass
    return below


def kill(processes: list[int]) -> None:
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass


def saved_parts(folder: Path) -> set[tuple[Path, int]]:
    """The files of rows and when they were written."""
    try:
        return {(path, path.stat().st_mtime_ns) for path in folder.glob("checkpoints/*/part-*.cbor")}
    except FileNotFoundError:  # a folder that was listed is set aside now: nothing new was seen, look again
        return set()


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class RanksTest(ProgramTest):
    def run_ranks(self, ranks: int, *words: object) -> subprocess.CompletedProcess:
        return subprocess.run(launched(ranks, *words), capture_output=True, text=True, cwd=self.folder, timeout=900)

    def words(self, out: str, assignments: list[str], *more: object, seed: int = 7) -> list[object]:
        return ["experiment", "run", EXPERIMENT, "--seed", seed, "--out", out, *settings(assignments), *more]

    def files(self, out: str) -> dict[str, bytes]:
        return shown_files(self.folder / out / "experiments" / EXPERIMENT)

    def manifest(self, out: str, name: str = EXPERIMENT) -> dict:
        return json.loads((self.folder / out / "experiments" / name / "manifest.json").read_text())


class Bits(RanksTest):
    def test_the_same_bytes_as_alone(self) -> None:
        alone = self.run_program(*self.words("alone", SMALL, "--threads", 1))
        self.assertIn(alone.returncode, ENDED_WELL, alone.stderr)
        expected = self.files("alone")
        self.assertIn("summary.json", expected)
        self.assertTrue([name for name in expected if name.endswith(".csv")])
        for threads in (1, 2):
            out = f"ranks-{threads}"
            result = self.run_ranks(RANKS, *self.words(out, SMALL, "--threads", threads))
            self.assertEqual(result.returncode, alone.returncode, result.stderr)
            self.assertEqual(result.stdout.count("summary.json"), 1, "rank 0 alone prints")
            self.assertEqual(self.files(out), expected)
            manifest = self.manifest(out)
            self.assertEqual((manifest["ranks"], manifest["threads"], manifest["complete"]), (RANKS, threads, True))


class Interruption(RanksTest):
    def kill_after_the_first_save(self, out: str, only_one_rank: bool) -> int:
        """Kills one rank, or the launcher and all ranks; the exit code of the launcher."""
        folder = self.folder / out / "experiments" / EXPERIMENT
        before = saved_parts(folder)
        with subprocess.Popen(launched(RANKS, *self.words(out, INTERRUPTED, "--threads", 1)), cwd=self.folder, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as launcher:
            while launcher.poll() is None and saved_parts(folder) <= before:
                time.sleep(0.002)
            ranks = children(launcher.pid)
            kill(ranks[-1:] if only_one_rank else [launcher.pid, *ranks])
            code = launcher.wait(timeout=300)
            while any(map(is_alive, ranks)):
                time.sleep(0.01)
            return code

    def resume(self, out: str) -> None:
        """On another number of ranks; the bytes must be those of an undisturbed run."""
        self.assertFalse(self.manifest(out)["complete"], "the program ended before it could be killed; give it more replicates")
        resumed = self.run_ranks(AFTER_KILL, *self.words(out, INTERRUPTED, "--resume", "--threads", 2))
        self.assertIn(resumed.returncode, ENDED_WELL, resumed.stderr)
        self.assertEqual(self.files(out), self.files("whole"))
        self.assertEqual(self.manifest(out)["ranks"], AFTER_KILL)
        self.assertTrue(list((self.folder / out).rglob("earlier.cbor")), "the rows of the killed run were not taken over")

    def test_killed_and_resumed_on_another_number_of_ranks(self) -> None:
        whole = self.run_program(*self.words("whole", INTERRUPTED))
        self.assertIn(whole.returncode, ENDED_WELL, whole.stderr)
        self.assertEqual(self.kill_after_the_first_save("killed", only_one_rank=False), -signal.SIGKILL)
        self.assertNotIn("summary.json", self.files("killed"))
        self.resume("killed")
        # In a folder with checkpoints of another run, which must not stand in the way of this one's.
        self.assertIn(self.run_program(*self.words("lost", SMALL)).returncode, ENDED_WELL)
        self.assertNotEqual(self.kill_after_the_first_save("lost", only_one_rank=True), 0, "a lost rank ends the others")
        self.resume("lost")

    def test_rows_of_another_seed_are_not_continued(self) -> None:
        first = self.run_ranks(RANKS, *self.words("run", SMALL))
        self.assertIn(first.returncode, ENDED_WELL, first.stderr)
        before = self.files("run")
        other = self.run_ranks(AFTER_KILL, *self.words("run", SMALL, "--resume", seed=8))
        self.assertEqual(other.returncode, 2, other.stderr)
        self.assertIn("other settings", other.stderr)
        self.assertEqual(self.files("run"), before)


class RankZeroAlone(RanksTest):
    def test_an_experiment_that_is_not_distributed(self) -> None:
        words = [*NOT_DISTRIBUTED, *settings(NOT_DISTRIBUTED_SETTINGS), "--out"]
        alone = self.run_program(*words, "alone")
        self.assertEqual(alone.returncode, 0, alone.stderr)
        result = self.run_ranks(RANKS, *words, "ranks")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("summary.json"), 1)
        self.assertEqual(shown_files(self.folder / "ranks/experiments/plane-sgd"), shown_files(self.folder / "alone/experiments/plane-sgd"))
        self.assertEqual(self.manifest("ranks", "plane-sgd")["ranks"], 1)

    def test_other_commands(self) -> None:
        result = self.run_ranks(RANKS, "experiment", "list")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count("plane-sgd"), 1)


class Gather(RanksTest):
    def test_messages_in_many_rounds(self) -> None:
        check = os.environ.get("SLICECHECK_GATHER_CHECK", str(Path(PROGRAM).with_name("mpi_gather_check")))
        result = subprocess.run([*launched(RANKS)[:-1], check, str(RANKS)], capture_output=True, text=True, timeout=300)
        self.assertEqual(result.returncode, 0, result.stderr)
        alone = subprocess.run([check, "1"], capture_output=True, text=True, timeout=300)
        self.assertEqual(alone.returncode, 0, alone.stderr)
        self.assertNotEqual(subprocess.run([check, "2"], capture_output=True, timeout=300).returncode, 0, "it can fail")


class Errors(RanksTest):
    def test_what_is_wrong_everywhere_is_told_once(self) -> None:
        result = self.run_ranks(RANKS, *self.words("run", ["stepz=3"]))
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stderr.count("slicecheck: "), 1, result.stderr)
        self.assertIn("'stepz'", result.stderr)
        self.assertFalse((self.folder / "run").exists())

    def test_bad_usage(self) -> None:
        result = self.run_ranks(RANKS, "experiment", "run")
        self.assertEqual(result.returncode, 2, result.stderr)

    def test_processes_that_mpi_does_not_join_are_refused(self) -> None:
        """Each of them would do all the work."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMPI_COMM", "PMI", "SLURM"))}
        for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
            result = self.run_program("experiment", "list", env={**environment, variable: "3"})
            self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
            self.assertIn("3 processes", result.stderr)


if __name__ == "__main__":
    if os.environ.get("SLICECHECK_WITH_MPI", "ON") != "ON":
        print("skipped: the program was built without MPI")
        sys.exit(SKIPPED)
    if shutil.which("mpirun") is None:
        print("skipped: there is no mpirun (Debian: openmpi-bin)")
        sys.exit(SKIPPED)
    unittest.main()
