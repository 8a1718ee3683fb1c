"""slicecheck --version: the version, what it was built from, and every part with its version."""

import re
import subprocess
import unittest
from pathlib import Path

from program import PROGRAM, ProgramTest

ROOT = Path(__file__).resolve().parents[2]
VECTOR_FLAGS = {"AVX3": "avx512f", "AVX3_DL": "avx512f", "AVX3_ZEN4": "avx512f", "AVX2": "avx2", "SSE4": "sse4_1", "SSSE3": "ssse3"}


class Version(ProgramTest):
    def setUp(self) -> None:
        super().setUp()
        result = self.run_program("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.first, *lines = result.stdout.splitlines()
        self.parts = dict(re.split(r"  +", line.strip(), maxsplit=1) for line in lines)

    def test_first_line(self) -> None:
        header = (ROOT / "src/slicecheck/version.h").read_text()
        version = ".".join(re.search(rf"VERSION_{part} (\d+)\n", header)[1] for part in ("MAJOR", "MINOR", "PATCH"))
        self.assertRegex(self.first, rf"^slicecheck {re.escape(version)} \((Release|Debug|RelWithDebInfo|MinSizeRel), (GNU|Clang) [\d.]+, .+, CUDA (on|off)\)$")

    def test_every_part_has_a_version(self) -> None:
        self.assertLessEqual(
            {"revision", "sources", "instruction set", "Boost", "CUDA toolkit", "Eigen", "fmt", "Highway", "LibTorch", "MPI", "nlohmann_json", "OpenMP", "Random123"},
            set(self.parts))
        for name in ("Boost", "Eigen", "fmt", "Highway", "LibTorch", "nlohmann_json"):
            self.assertRegex(self.parts[name], r"^\d+\.\d+\.\d+", name)
        self.assertRegex(self.parts["OpenMP"], r"^\d\.\d$")
        self.assertRegex(self.parts["Random123"], r"^(\d+\.\d+|unknown)")
        self.assertRegex(self.parts["MPI"], r"^(.* v?\d+\.\d+|none$)")
        self.assertRegex(self.parts["CUDA toolkit"], r"^\d+\.\d+" if self.first.endswith("CUDA on)") else "^none$")
        self.assertRegex(self.parts["sources"], r"^[0-9a-f]{16}$")

    def test_versions_are_those_of_the_headers(self) -> None:
        highway = Path("/usr/include/hwy/highway.h")
        if not highway.exists():
            self.skipTest("Highway's header lies elsewhere")
        numbers = [re.search(rf"define HWY_{part} (\d+)", highway.read_text())[1] for part in ("MAJOR", "MINOR", "PATCH")]
        self.assertEqual(self.parts["Highway"], ".".join(numbers))

    def test_revision_is_that_of_the_tree(self) -> None:
        head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
        if head.returncode != 0 or (Path(PROGRAM).resolve().parents[1] / "share/slicecheck").exists():
            self.skipTest("no git here, or an installed program")
        self.assertEqual(self.parts["revision"].removesuffix("-dirty"), head.stdout.strip())

    def test_instruction_set_is_one_of_this_processor(self) -> None:
        chosen, among = re.fullmatch(r"(\S+), chosen when it runs, of (.+)", self.parts["instruction set"]).groups()
        self.assertEqual(chosen, among.split(", ")[0], "the best one is taken")
        flags = re.search(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if flags is None or chosen not in VECTOR_FLAGS:
            self.skipTest("no flags of this processor to compare with")
        self.assertIn(VECTOR_FLAGS[chosen], flags[1].split())


if __name__ == "__main__":
    unittest.main()
