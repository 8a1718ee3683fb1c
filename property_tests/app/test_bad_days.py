"""Bad days: disks that are full or read-only, SIGKILL at random moments, two runs in one folder, and files that are not what they should be."""

import csv
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

KILLS = int(os.environ.get("SLICECHECK_KILLS", "6"))
LOCK = ".slicecheck.lock"

SMALL = ["experiment", "run", "plane-sgd", "--seed", "7", "--threads", "1"]
SMALL_SETTINGS = ['targets=["two-moons", "swiss-roll"]', "hidden=[16]", "steps=600", "record_every=10", "evaluation.batches=3", "evaluation.directions=40",
                  "evaluation.w2_points=40", "figure_points=50", "evaluate_every=0", "checkpoint.steps=20", "checkpoint.seconds=1000.0"]
VERIFY = ["verify", "--claim", "L1", "--subject", "reference", "cpu", "--cases", "200", "--seed", "3"]


def small(out: str, *more: str) -> list[str]:
    return [*SMALL, *[word for setting in SMALL_SETTINGS for word in ("--set", setting)], "--out", out, *more]


def mounted(mount: str) -> list[str] | None:
    """Words before a command: it runs in a mount namespace of its own, with `mount` done there; None where this process may not do that. The mounts go when the
    command ends."""
    for rights in ([], ["--user", "--map-root-user"]):
        words = ["unshare", *rights, "--mount", "--propagation", "private", "sh", "-c", f'{mount} && exec "$@"', "sh"]
        try:
            if subprocess.run([*words, "true"], capture_output=True, timeout=20).returncode == 0:
                return words
        except OSError:
            return None
    return None


class Whole(ProgramTest):
    """Checks of whole folders."""

    def assert_whole(self, folder: Path) -> None:
        """Every file is one that a reader can use: JSON parses, CSV has rows of one length, images are as long as their header says."""
        for path in sorted(folder.rglob("*")):
            if not path.is_file() or path.name == LOCK or path.name.endswith(".partial"):
                continue
            data = path.read_bytes()
            self.assertTrue(data, f"{path} is empty")
            if path.suffix == ".json":
                json.loads(data)
            elif path.suffix == ".csv":
                self.assertTrue(data.endswith(b"\n"), path)
                self.assertEqual(len({len(row) for row in csv.reader(data.decode().splitlines())}), 1, path)
            elif path.suffix == ".idx":
                count, height, width = (int.from_bytes(data[k:k + 4], "big") for k in (4, 8, 12))
                self.assertEqual(len(data), 16 + count * height * width, path)
            elif path.suffix in (".html", ".svg"):
                self.assertTrue(data.rstrip().endswith(b"</%s>" % path.suffix[1:].encode()), path)

    def contents(self, folder: Path) -> dict[str, bytes]:
        """All files but those that hold times, the checkpoints, and what a killed process left."""
        return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                if path.is_file() and path.name not in ("manifest.json", LOCK) and "checkpoints" not in path.parts and not path.name.endswith(".partial")}

    def start(self, *words: object) -> subprocess.Popen:
        return subprocess.Popen([PROGRAM, *map(str, words)], cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def kill_at(self, seconds: float, *words: object) -> bool:
        """Runs the program and kills it, and what it started, after so many seconds; whether it was still running."""
        with self.start(*words) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
            _, error = process.communicate()
            self.assertIn(process.returncode, (0, 4, -signal.SIGKILL), error)
            return process.returncode == -signal.SIGKILL

    def seconds_of(self, *words: object) -> float:
        began = time.monotonic()
        result = self.run_program(*words)
        self.assertIn(result.returncode, (0, 4), result.stdout + result.stderr)
        return time.monotonic() - began


class Kills(Whole):
    """SIGKILL at random moments between the start of the program and its end. The moments are drawn with a fixed seed; what they hit depends on the machine."""

    def setUp(self) -> None:
        super().setUp()
        self.random = random.Random(20)

    def kills(self, count: int, earliest: float, words: list[str], prepare=lambda: None, check=lambda: None) -> None:
        """Runs until `count` of them were killed, at moments between a part `earliest` of the whole time and its end; the time is that of the last run that was not."""
        whole = self.seconds_of(*words)
        killed, ended = 0, 0
        while killed < count and ended < 4 * count:
            prepare()
            began = time.monotonic()
            if self.kill_at(self.random.uniform(earliest * whole, whole), *words):
                killed += 1
            else:
                ended += 1
                whole = time.monotonic() - began
            check()
        self.assertEqual(killed, count, "too many runs ended before they could be killed")
        print(f"{words[0]}: {killed} kills within {whole:.1f} s, {ended} runs ended before", file=sys.stderr)

    def test_experiment(self) -> None:
        whole = self.seconds_of(*small("whole"))
        folder = self.folder / "killed/experiments/plane-sgd"
        expected = self.contents(self.folder / "whole")
        kills, finished = 0, 0
        while kills < KILLS:
            # Of a resumed run little may be left: a third of its whole time, and some kills come too late.
            if self.kill_at(self.random.uniform(0.02, 0.35 * whole), *small("killed", *(["--resume"] if kills else []))):
                kills += 1
            else:
                finished += 1
                self.assertEqual(self.contents(self.folder / "killed"), expected)
                shutil.rmtree(self.folder / "killed")
            self.assert_whole(self.folder)
            if folder.exists():
                for name, data in self.contents(self.folder / "killed").items():
                    self.assertEqual(data, expected[name], f"{name} is neither absent nor complete")
        result = self.run_program(*small("killed", "--resume"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.contents(self.folder / "killed"), expected)
        self.assertFalse([str(path) for path in self.folder.rglob("*") if path.name == LOCK or path.name.endswith(".partial")], "what killed runs left stays")
        print(f"experiment: {kills} kills within {whole:.1f} s, {finished} runs ended before", file=sys.stderr)

    def test_verify(self) -> None:
        self.seconds_of(*VERIFY, "--out", "whole")
        expected = self.contents(self.folder / "whole")

        def check() -> None:
            self.assert_whole(self.folder)
            for name, data in (self.contents(self.folder / "killed") if (self.folder / "killed").exists() else {}).items():
                self.assertEqual(data, expected[name], f"{name} is neither absent nor complete")

        self.kills(KILLS, 0.05, [*VERIFY, "--out", "killed"], lambda: shutil.rmtree(self.folder / "killed", ignore_errors=True), check)
        self.seconds_of(*VERIFY, "--out", "killed")
        self.assertEqual(self.contents(self.folder / "killed"), expected)

    def test_report(self) -> None:
        """Files are written at the end: the kills fall into the second half of the time."""
        self.assertEqual(self.run_program(*VERIFY, "--out", "run").returncode, 0)
        self.seconds_of("report", "run")
        expected = self.contents(self.folder / "run")
        drawn = [name for name in expected if name.split("/")[0] in ("index.html", "report.md", "plots", "theory")]
        self.assertIn("index.html", drawn)

        def prepare() -> None:
            for name in drawn:
                (self.folder / "run" / name).unlink(missing_ok=True)

        def check() -> None:
            for name, data in self.contents(self.folder / "run").items():
                self.assertEqual(data, expected[name], f"{name} is neither absent nor complete")
        self.kills(max(3, KILLS // 5), 0.5, ["report", "run"], prepare, check)
        self.seconds_of("report", "run")
        self.assertEqual(self.contents(self.folder / "run"), expected)
        self.assertFalse([str(path) for path in (self.folder / "run").rglob("*.partial")])

    def test_gradient(self) -> None:
        """The old gradient or the new one, never a part."""
        rows = 4000
        for name, shift in (("x.csv", 0), ("y.csv", 3), ("z.csv", -5)):
            self.write(name, "".join(f"{(k * 7919) % 1013 / 8 + shift},{(k * 104729) % 997 / 16}\n" for k in range(rows)))
        words = {target: ["distance", "x.csv", target, "--directions", "50", "--gradient", "g.csv"] for target in ("y.csv", "z.csv")}
        complete = {}
        for target in words:
            self.seconds_of(*words[target])
            complete[target] = (self.folder / "g.csv").read_bytes()
        for target, other in (("y.csv", "z.csv"), ("z.csv", "y.csv")):
            self.kills(KILLS // 2, 0.3, words[target], lambda: self.write("g.csv", complete[other]),
                       lambda: self.assertIn((self.folder / "g.csv").read_bytes(), complete.values()))


class FullAndReadOnly(Whole):
    def in_mount(self, mount: str, *words: object) -> subprocess.CompletedProcess:
        """The program with a file system mounted on ./disk for it alone; then everything that it left there, in ./after."""
        before = mounted(f"cd '{self.folder}' && {mount}")
        if before is None:
            self.skipTest("this process may not mount file systems")
        (self.folder / "after").mkdir(exist_ok=True)
        keep = 'program=$1; shift; "$program" "$@"; code=$?; cp -a disk/. after/; exit $code'
        return subprocess.run([*before, "sh", "-c", keep, "sh", PROGRAM, *map(str, words)], cwd=self.folder, capture_output=True, text=True, timeout=300)

    def setUp(self) -> None:
        super().setUp()
        (self.folder / "disk").mkdir()

    def test_a_full_disk(self) -> None:
        cloud = self.write("cloud.csv", "".join(f"{k}.123456789,{k}\n" for k in range(2000)))
        other = self.write("other.csv", "".join(f"{k}.3,{-k}\n" for k in range(2000)))
        # Room for something, not for everything; verify ends after it has written some files, the others begin with an old file.
        disk = "mount -t tmpfs -o size=24k none disk && echo old > disk/g.csv"
        for words in (["distance", cloud, other, "--directions", "3", "--gradient", "disk/g.csv"], [*VERIFY, "--out", "disk/run"], small("disk/run")):
            result = self.in_mount(disk, *words)
            self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
            self.assertIn("No space left on device", result.stderr.splitlines()[-1])  # after the progress
            self.assertEqual((self.folder / "after/g.csv").read_text(), "old\n")
            self.assert_whole(self.folder / "after")
            self.assertFalse(list((self.folder / "after").rglob("*.partial")))
            shutil.rmtree(self.folder / "after")

    def test_a_full_disk_is_emptied_and_the_run_resumed(self) -> None:
        """A limit on the size of a file stands for the disk: the checkpoint outgrows it, and the run ends with exit code 2; then the limit is gone."""
        self.assertEqual(self.run_program(*small("whole")).returncode, 0)
        limited = self.run_program(*small("run"), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000)))
        self.assert_refused(limited, "File too large")
        self.assert_whole(self.folder / "run")
        self.assertTrue(list((self.folder / "run").rglob("*.cbor")), "the limit is so low that no checkpoint was written at all")
        self.assertEqual(self.run_program(*small("run", "--resume")).returncode, 0)
        self.assertEqual(self.contents(self.folder / "run"), self.contents(self.folder / "whole"))

    def test_a_read_only_folder(self) -> None:
        self.write("cloud.csv", "0,0\n1,1\n")
        self.assertEqual(self.run_program(*VERIFY, "--out", "disk/old").returncode, 0)
        before = self.contents(self.folder / "disk")
        read_only = "mount --bind disk disk && mount -o remount,bind,ro disk"
        for words in (["distance", "cloud.csv", "cloud.csv", "--gradient", "disk/g.csv"], [*VERIFY, "--out", "disk/run"], [*VERIFY, "--out", "disk/old"],
                      small("disk/run"), ["report", "disk/old"], ["examples", "--out", "disk/examples"]):
            result = self.in_mount(read_only, *words)
            self.assert_refused(result, "Read-only file system", "disk/")
        self.assertEqual(self.contents(self.folder / "disk"), before)


class TwoRuns(Whole):
    """In one folder there is one run at a time."""

    LONG = ["verify", "--claim", "L1", "--subject", "cpu", "--cases", "100000000", "--out", "run"]
    LONG_EXPERIMENT = small("run", "--set", "steps=100000000")

    def hold(self, words: list[str], folder: Path) -> subprocess.Popen:
        process = self.start(*words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        deadline = time.monotonic() + 60
        while not (folder / "manifest.json").exists():
            self.assertIsNone(process.poll(), "the first run ended")
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        return process

    def assert_held(self, process: subprocess.Popen, *words: object) -> None:
        result = self.run_program(*words)
        self.assert_refused(result, f"process {process.pid} ", " since 20", "in use")

    def test_verify_and_report(self) -> None:
        process = self.hold(self.LONG, self.folder / "run")
        before = self.contents(self.folder / "run")
        self.assert_held(process, *VERIFY, "--out", "run")
        self.assert_held(process, "report", "run")
        self.assertEqual(self.contents(self.folder / "run"), before)
        self.assertEqual(self.run_program(*VERIFY, "--out", "other").returncode, 0)
        process.kill()
        process.wait()
        self.assertTrue((self.folder / "run" / LOCK).exists(), "SIGKILL leaves the file")
        self.assertEqual(self.run_program(*VERIFY, "--out", "run").returncode, 0, "and the file alone holds nobody up")
        self.assertFalse((self.folder / "run" / LOCK).exists())

    def test_experiments(self) -> None:
        process = self.hold(self.LONG_EXPERIMENT, self.folder / "run/experiments/plane-sgd")
        manifest = (self.folder / "run/experiments/plane-sgd/manifest.json").read_bytes()
        self.assert_held(process, *small("run"))
        self.assert_held(process, *small("run", "--resume"))
        self.assertEqual((self.folder / "run/experiments/plane-sgd/manifest.json").read_bytes(), manifest)
        # Another experiment, and verify, write other files of the same run.
        self.assertEqual(self.run_program(*VERIFY, "--out", "run").returncode, 0)
        self.assertEqual(self.run_program("experiment", "run", "clarke-set", "--out", "run").returncode, 0)
        self.assertIsNone(process.poll())

    def test_report_goes_on_without_the_program(self) -> None:
        """The interpreter that draws inherits the lock: killing the program alone does not free the folder while something still writes there."""
        self.assertEqual(self.run_program(*VERIFY, "--out", "run").returncode, 0)
        process = self.start("report", "run")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        while not (words := children.read_text().split()):
            time.sleep(0.001)
            self.assertIsNone(process.poll())
        os.kill(int(words[0]), signal.SIGSTOP)
        try:
            process.kill()
            process.wait()  # not for the end of its standard error, which the interpreter has too
            self.assert_refused(self.run_program(*VERIFY, "--out", "run"), "in use", f"process {process.pid} ")
        finally:
            os.kill(int(words[0]), signal.SIGKILL)
            process.communicate()

    def test_many_at_once(self) -> None:
        """Each ends well or is refused, at least one ends well, and what is left is what one of them wrote."""
        processes = [self.start(*VERIFY, "--out", "run") for _ in range(6)]
        codes = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
        self.assertTrue(all(code == 0 or (code == 2 and "in use" in error) for error, code in codes), codes)
        self.assertIn(0, [code for _, code in codes])
        self.assertEqual(self.run_program(*VERIFY, "--out", "alone").returncode, 0)
        self.assertEqual(self.contents(self.folder / "run"), self.contents(self.folder / "alone"))


class OddFiles(Whole):
    """Input that is no proper file: one sentence, exit code 2."""

    def refused(self, path: object, *fragments: str) -> None:
        self.assert_refused(self.run_program("distance", path, path), *fragments)
        self.assert_refused(self.run_program("experiment", "run", "plane-sgd", "--config", path, "--out", "run"), *fragments)
        self.assertFalse((self.folder / "run").exists())

    def test_bytes(self) -> None:
        for data in (b"steps = 3\0\n1,2\0\n", b"1,\xff\xfe\n", b"\xff\xfe1\x00,\x002\x00\n\x00", b"1,\x1b[31m\n", b"\0" * 100, bytes(range(256))):
            self.write("odd", data)
            self.refused("odd", "odd", "line 1")
        result = self.run_program("experiment", "run", "plane-sgd", "--out", "run", "--set", b"targets=['\xff']".decode(errors="surrogateescape"))
        self.assert_refused(result, "--set", "UTF-8")

    def test_windows_files(self) -> None:
        """A byte order mark and carriage returns are no damage."""
        x = self.write("x.csv", b"\xef\xbb\xbf1,2\r\n3,4\r\n")
        self.assertEqual(self.run_program("distance", x, x).returncode, 0)
        config = self.write("mine.toml", b"\xef\xbb\xbfsteps = 5\r\nhidden = [4]\r\n")
        result = self.run_program(*small("run", "--config", str(config)))
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_folders_and_devices(self) -> None:
        (self.folder / "folder").mkdir()
        self.refused("folder", "folder", "it is a folder")
        self.refused("absent", "absent", "No such file")
        self.assert_refused(self.run_program("distance", "/dev/null", "/dev/null"), "/dev/null", "no points")
        self.refused("/proc/self/mem", "/proc/self/mem")
        (self.folder / "loop").symlink_to("loop")
        self.refused("loop", "loop", "symbolic links")

    def test_an_unreadable_file(self) -> None:
        path = self.write("closed", "1,2\n")
        path.chmod(0)
        before = []
        if os.geteuid() == 0:
            # The superuser reads everything; without that right, the permission bits count.
            before = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-dac_override,-dac_read_search"]
            if shutil.which("setpriv") is None or subprocess.run([*before, "cat", path], capture_output=True).returncode == 0:
                self.skipTest("this process reads every file")
        for words in (["distance", path, path], ["experiment", "run", "plane-sgd", "--config", path, "--out", "run"]):
            result = subprocess.run([*before, PROGRAM, *map(str, words)], cwd=self.folder, capture_output=True, text=True, timeout=60)
            self.assert_refused(result, "closed", "Permission denied")

    def test_a_pipe_is_read_like_a_file(self) -> None:
        for data, code in ((b"1,2\n3,4\n", 0), (b"1,2\n3\n", 2), (b"", 2)):
            pipe = self.folder / f"pipe{len(data)}"
            os.mkfifo(pipe)
            writer = threading.Thread(target=lambda: pipe.write_bytes(data))
            writer.start()
            result = self.run_program("distance", pipe, self.write("same.csv", b"1,2\n3,4\n"))
            writer.join()
            self.assertEqual(result.returncode, code, result.stderr)

    def test_more_than_the_memory_is_refused_before_it_is_read(self) -> None:
        """Files with holes: 2^42 bytes, as 2^31 rows and more would take, on no disk at all."""
        lying = self.folder / "data/fashion-mnist/train-images-idx3-ubyte"
        lying.parent.mkdir(parents=True)
        try:
            for path, head in ((self.folder / "huge.csv", b"1,2\n"), (lying, bytes.fromhex("00000803 01000000 00000100 00000400"))):
                path.write_bytes(head)
                os.truncate(path, 16 + 2**42)
        except OSError:
            self.skipTest("this file system has no files of 2^42 bytes")
        began = time.monotonic()
        self.refused("huge.csv", "huge.csv", "memory of this machine")
        self.assert_refused(self.run_program("experiment", "run", "fashion-mnist", "--data", "data", "--out", "run"), "train-images", "memory of this machine")
        self.assertLess(time.monotonic() - began, 30)

    def test_a_header_that_promises_what_is_not_there(self) -> None:
        path = self.folder / "data/fashion-mnist/train-images-idx3-ubyte"
        path.parent.mkdir(parents=True)
        for sizes in ("ffffffff ffffffff ffffffff", "80000000 00020000 00010000", "7fffffff 00000001 00000001"):
            path.write_bytes(bytes.fromhex("00000803" + sizes) + bytes(100))
            result = self.run_program("experiment", "run", "fashion-mnist", "--data", "data", "--out", "run",
                                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (2**31, 2**31)))
            self.assert_refused(result, "train-images", "100 bytes follow")

    def test_deep_files(self) -> None:
        """Nested so deeply that a reader that calls itself for every level would end by a signal."""
        for text in ("a." * 300_000 + "a = 1\n", "[" + "a." * 300_000 + "a]\n", "a = " + "[" * 300_000 + "]" * 300_000 + "\n", "a = " + "{a=" * 300_000 + "1\n"):
            self.write("deep.toml", text)
            self.assert_refused(self.run_program("experiment", "run", "plane-sgd", "--config", "deep.toml", "--out", "run"), "deep.toml", "line 1")


if __name__ == "__main__":
    unittest.main()
