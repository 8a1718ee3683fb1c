"""What `cmake --install` leaves: found by CMake, compiled against, run, imported, each from a folder that it was moved to after the installation."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
BUILD = Path(os.environ.get("SLICECHECK_BUILD", SOURCE / "build/release"))
CMAKE = os.environ.get("SLICECHECK_CMAKE", "cmake")
ON = ("ON", "1", "TRUE")


class Installation(unittest.TestCase):
    """An installation of some components in `cls.prefix`, which is not where it was installed to."""

    components: tuple[str, ...] = ()

    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name).resolve()
        first = cls.folder / "first"
        for component in cls.components:
            subprocess.run([CMAKE, "--install", BUILD, "--prefix", first, "--component", component], check=True, stdout=subprocess.DEVNULL)
        cls.prefix = cls.folder / "moved"
        first.rename(cls.prefix)

    def run_quietly(self, *words: object, **options: object) -> subprocess.CompletedProcess:
        """With both streams kept; the folder of this test is the current one."""
        return subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=self.folder, **options)

    def succeeds(self, *words: object, **options: object) -> str:
        result = self.run_quietly(*words, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result.stdout


class Library(Installation):
    components = ("development",) + (("torch",) if os.environ.get("SLICECHECK_WITH_TORCH") in ON else ())

    def configure(self, source: Path, build: str) -> subprocess.CompletedProcess:
        options = [f"-DCMAKE_PREFIX_PATH={self.prefix}"]
        if "SLICECHECK_COMPILER" in os.environ:
            options.append(f"-DCMAKE_CXX_COMPILER={os.environ['SLICECHECK_COMPILER']}")
        return self.run_quietly(CMAKE, "-S", source, "-B", self.folder / build, *options)

    def project(self, name: str, package: str, target: str = "", source: str = "", language: str = "CXX") -> Path:
        folder = self.folder / name
        folder.mkdir()
        lines = ["cmake_minimum_required(VERSION 3.25)", f"project({name} LANGUAGES {language})", package]
        if target:
            (folder / "main.cpp").write_text(source)
            lines += [f"add_executable({name} main.cpp)", f"target_link_libraries({name} PRIVATE {target})"]
        (folder / "CMakeLists.txt").write_text("\n".join(lines) + "\n")
        return folder

    def built(self, source: Path, name: str) -> str:
        configured = self.configure(source, f"{name}-build")
        self.assertEqual(configured.returncode, 0, configured.stdout + configured.stderr)
        self.succeeds(CMAKE, "--build", self.folder / f"{name}-build")
        return self.succeeds(self.folder / f"{name}-build" / name)

    def test_the_example_is_built_and_runs(self) -> None:
        out = self.built(HERE / "consumer", "consumer")
        self.assertRegex(out, r"^SW over 1000 directions 12\.\d+, exact 12\.5\n")

    def test_every_header_that_is_installed_compiles(self) -> None:
        headers = sorted(path.relative_to(self.prefix / "include") for path in (self.prefix / "include").rglob("*.h"))
        self.assertGreater(len(headers), 80)
        for inner in ("cpu/kernels.h", "compile_once.h", "cuda/", "-inl.h", "bridge.h"):
            self.assertFalse([path for path in headers if inner in str(path)], f"{inner} is none of a user's")
        lines = [f"#include <{path}>" for path in headers] + ["int main() { return slicecheck::build::version() == SLICECHECK_VERSION_STRING ? 0 : 1; }"]
        source = self.project("headers", "find_package(SliceCheck REQUIRED)", "SliceCheck::slicecheck", "\n".join(lines) + "\n")
        self.built(source, "headers")

    def test_versions_that_fit_are_found_and_others_refused(self) -> None:
        version = (SOURCE / "src/slicecheck/version.h").read_text()
        major, minor, patch = (int(re.search(rf"VERSION_{part} (\d+)", version)[1]) for part in ("MAJOR", "MINOR", "PATCH"))
        for number, (wanted, fits) in enumerate(
            [
                (f"{major}.{minor}", True),
                (f"{major}.{minor}.{patch} EXACT", True),
                (f"{major}.{minor}.{patch + 1}", False),
                (f"{major}.{minor + 1}", False),
                (f"{major}.{minor - 1}" if minor else f"{major + 2}.0", False),
                (f"{major + 1}.0", False),
            ]
        ):
            language = "CXX" if fits else "NONE"  # the version is looked at first
            source = self.project(f"wants{number}", f"find_package(SliceCheck {wanted} REQUIRED)", language=language)
            result = self.configure(source, f"wants{number}-build")
            self.assertEqual(result.returncode == 0, fits, wanted + result.stderr)
            if not fits:
                self.assertIn("SliceCheckConfig.cmake, version: " + f"{major}.{minor}.{patch}", result.stderr)

    def test_the_component_torch(self) -> None:
        code = """#include <slicecheck/torch/torch_loss.h>
#include <cmath>
int main() {
  const slicecheck::Points<double> x{{0.0}, {2.0}};
  const slicecheck::Points<double> y{{5.0}, {1.0}};
  return std::abs(slicecheck::TorchLoss<double>(2.0).evaluate(x, y, slicecheck::Points<double>{{1.0}}).value - 5.0) < 1e-14 ? 0 : 1;
}
"""
        source = self.project("with_torch", "find_package(SliceCheck REQUIRED COMPONENTS torch)", "SliceCheck::torch", code)
        if "torch" in self.components:
            self.built(source, "with_torch")
        else:
            result = self.configure(source, "with_torch-build")
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("missing: torch", " ".join(result.stderr.split()))


class Program(Installation):
    components = ("program",)

    def hidden(self, *words: object) -> list[str]:
        """The command, with the source tree and the build folder out of sight where the system lets a process have mounts of its own."""
        program = [str(word) for word in words]
        hide = 'for folder in "$SOURCE" "$BUILD"; do [ ! -d "$folder" ] || mount -t tmpfs none "$folder" || exit 99; done; exec "$@"'
        probe = ["unshare", "--mount", "--map-root-user", "sh", "-c", hide, "sh"]
        if shutil.which("unshare") and subprocess.run([*probe, "true"], env=self.environment(), capture_output=True).returncode == 0:
            return [*probe, *program]
        print("NOT HIDDEN: this system gives a process no mounts of its own; the source tree stays in sight", file=sys.stderr)
        return program

    @staticmethod
    def environment() -> dict[str, str]:
        return {**os.environ, "SOURCE": str(SOURCE), "BUILD": str(BUILD)}

    def says(self, *words: object) -> str:
        return self.succeeds(*self.hidden(self.prefix / "bin/slicecheck", *words), env=self.environment())

    def test_distance(self) -> None:
        (self.folder / "x.csv").write_text("0\n2\n")
        (self.folder / "y.csv").write_text("5\n1\n")
        (self.folder / "one.csv").write_text("1\n")
        self.assertEqual(json.loads(self.says("distance", "x.csv", "y.csv", "--directions-file", "one.csv", "--json"))["value"], 5.0)

    def test_judgement_and_report(self) -> None:
        self.says("verify", "--claim", "L6", "--subject", "cpu", "--cases", 60, "--out", "run")
        manifest = json.loads((self.folder / "run/manifest.json").read_text())
        revision = (self.prefix / "share/slicecheck/revision").read_text().strip()
        self.assertTrue(revision)
        self.assertEqual(manifest["commit"], revision)
        (registry,) = json.loads((self.folder / "run/claims.json").read_text())
        evidence = BUILD / "property_evidence"
        if evidence.is_dir() and any(evidence.glob("L6.*.json")):
            self.assertIsNotNone(registry["property_test"], "the evidence of the property tests was not found")
        self.says("report", "run")
        page = (self.folder / "run/index.html").read_text()
        self.assertIn('data-claim="L6"', page)

    def test_experiments_and_subjects(self) -> None:
        self.assertIn("flow-limit", self.says("experiment", "list"))
        self.assertIn("cpu-float", self.says("subjects"))
        self.assertRegex(self.says("--version"), r"^slicecheck \d+\.\d+\.\d+")

    def test_no_script_is_missing(self) -> None:
        share = self.prefix / "share/slicecheck"
        self.assertTrue((share / "theory/loss.md").exists() and (share / "reports/templates").is_dir())
        missing = {path.name for path in (SOURCE / "scripts").glob("report*.py")} - {path.name for path in (share / "scripts").iterdir()}
        self.assertFalse(missing)


class Python(Installation):
    components = ("python",)

    def test_import(self) -> None:
        folder = self.prefix / os.environ["SLICECHECK_PYTHON_DIR"]
        self.assertEqual({path.suffix for path in (folder / "slicecheck").iterdir()}, {".py", ".so"})
        code = "import slicecheck; print(slicecheck.__file__, slicecheck.distance([[0], [2]], [[5], [1]], [[1]]).value)"
        said = self.succeeds(sys.executable, "-c", code, env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]})
        self.assertEqual(said.split(), [str(folder / "slicecheck/__init__.py"), "5.0"])


if __name__ == "__main__":
    unittest.main()
