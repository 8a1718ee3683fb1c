"""docs/reference.py passes what may go without words, and nothing else."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "docs/reference.py"
DOXYGEN = os.environ.get("SLICECHECK_DOXYGEN", "doxygen")

DOCUMENTED = """/// \\file
/// A header.
namespace n {
/// A class.
class Thing {
 public:
  int size() const;
  int field;
  /// A function. At a tie: `std::nothing::here`.
  int of(int x);
};
}  // namespace n
"""


class Reference(unittest.TestCase):
    def judged(self, header: str) -> subprocess.CompletedProcess:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "thing.h").write_text(header)
            (folder / "n.dox").write_text("/// \\namespace n\n/// A namespace.\n")
            settings = [f'INPUT = "{folder}"', "FILE_PATTERNS = *.h *.dox", f'OUTPUT_DIRECTORY = "{folder}/out"', "GENERATE_LATEX = NO", "HAVE_DOT = NO", "QUIET = YES",
                        "WARN_NO_PARAMDOC = NO"]
            (folder / "Doxyfile").write_text("\n".join(settings) + "\n")
            return subprocess.run([sys.executable, SCRIPT, DOXYGEN, folder / "Doxyfile"], capture_output=True, text=True)

    def test_fields_and_accessors_are_left_to_their_names(self) -> None:
        result = self.judged(DOCUMENTED)
        self.assertEqual((result.returncode, result.stdout), (0, ""), result.stderr)

    def test_everything_else_is_named(self) -> None:
        for comment, said in (
            ("/// A class.", "Compound n::Thing is not documented"),
            ("  /// A function. At a tie: `std::nothing::here`.", "Member of(int x) (function) of class n::Thing is not documented"),
        ):
            result = self.judged(DOCUMENTED.replace(comment + "\n", ""))
            self.assertEqual(result.returncode, 1)
            self.assertIn(said, result.stdout)
        for added, said in (
            ("/// A function. \\p x is \\nonsense.\nint f(int x);", "nonsense"),
            ("enum class Kind { a };", "Member Kind (enumeration)"),
            ("/// Takes @param wrong what it has not.\nint g(int x);", "wrong"),
            ("int free_function();", "Member free_function() (function) of namespace n"),
        ):
            result = self.judged(DOCUMENTED.replace("}  // namespace n", added + "\n}"))
            self.assertEqual(result.returncode, 1, added)
            self.assertIn(said, result.stdout)


if __name__ == "__main__":
    unittest.main()
