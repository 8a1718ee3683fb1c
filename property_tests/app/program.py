"""What the tests of the program share: calling it, and folders that clean up after themselves."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

os.environ.setdefault("SLICECHECK_DATA", str(Path(__file__).resolve().parents[2] / "data"))
PROGRAM = os.environ.get("SLICECHECK_PROGRAM", str(Path(__file__).resolve().parents[2] / "build/release/bin/slicecheck"))


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own in `self.folder`."""

    def setUp(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = Path(self._temporary.name)

    def run_program(self, *words: object, **options: object) -> subprocess.CompletedProcess:
        """Runs the program to its end; text in and out."""
        return subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, cwd=self.folder, timeout=900, **options)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def assert_refused(self, result: subprocess.CompletedProcess, *fragments: str) -> None:
        """Exit code 2 and one sentence on standard error that holds the fragments; nothing on standard output."""
        self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
        self.assertEqual(result.stderr.strip().count("\n"), 0, result.stderr)
        self.assertEqual(result.stdout, "")
        for fragment in fragments:
            self.assertIn(fragment, result.stderr)
