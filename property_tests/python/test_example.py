"""The example script runs, with PyTorch and without it, and so does the code of docs/library.md."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "src/python/examples/check_a_pytorch_loss.py"
HAS_TORCH = importlib.util.find_spec("torch") is not None


def output(**environment: str) -> str:
    run = subprocess.run([sys.executable, EXAMPLE], capture_output=True, text=True, env={**os.environ, **environment})
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def shows_both_verdicts(text: str) -> None:
    assert "N9 criticality" in text and "L1 order statistics: refuted on unsorted_target" in text
    assert "on the counter-example the loss is 1.0, and the distance is 0.0" in text
    assert text.splitlines()[-1].startswith("exact 2.117522, max-sliced 4.175854"), text


def test_example() -> None:
    text = output()
    shows_both_verdicts(text)
    print("with PyTorch" if HAS_TORCH else "SKIPPED: torch is not installed; ran in NumPy")
    assert ("SKIPPED the PyTorch loss" in text) != HAS_TORCH


def test_example_without_torch(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('hidden')\n")
    text = output(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert "torch is not installed: SKIPPED the PyTorch loss" in text
    shows_both_verdicts(text)


def test_code_of_the_documentation() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/library.md").read_text()
    names: dict = {}
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)  # noqa: S102 (the documentation's own code)
    assert names["verdicts"].holds and names["value"] > 0 and names["max_value"] >= names["value"]
