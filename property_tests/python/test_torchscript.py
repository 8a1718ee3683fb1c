"""Files that Python's own PyTorch writes, judged by `slicecheck verify --subject torchscript:FILE`: what docs/conformance.md says works."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="SKIPPED: torch is not installed, no file is exported from Python")
PROGRAM = os.environ.get("SLICECHECK_PROGRAM", "")
pytestmark = pytest.mark.skipif(not os.path.exists(PROGRAM), reason="there is no program in this build")
CONFORMANCE = Path(__file__).resolve().parents[2] / "docs/conformance.md"


def module_of_the_documentation(folder: Path) -> torch.nn.Module:
    """The class in docs/conformance.md, as it stands there; TorchScript wants its source in a file."""
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", CONFORMANCE.read_text(), re.DOTALL) if "class SlicedWasserstein" in block]
    (folder / "documented.py").write_text(code.replace('save("loss.pt")', f'save("{folder}/documented.pt")'))
    names: dict = {"__name__": "documented"}
    exec(compile(code.split("torch.jit.script")[0], str(folder / "documented.py"), "exec"), names)
    return names["SlicedWasserstein"]()


class Unsorted(torch.nn.Module):
    def forward(self, X, Y, directions):
        x = torch.sort(X @ directions.t(), dim=0)[0]
        return ((x - Y @ directions.t()).double() ** 2).mean()


def judged(file: Path, *claims: str) -> dict[str, dict]:
    words = [word for claim in claims for word in ("--claim", claim)]
    run = subprocess.run([PROGRAM, "verify", "--subject", f"torchscript:{file}", "--cases", "150", "--json", *words], capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    return {verdict["claim"]: verdict for verdict in json.loads(run.stdout)}


@pytest.mark.parametrize("how", ["script", "trace"])
def test_a_right_loss_holds(tmp_path: Path, how: str) -> None:
    module, file = module_of_the_documentation(tmp_path), tmp_path / "loss.pt"
    if how == "script":
        torch.jit.script(module).save(str(file))
    else:
        torch.jit.trace(module, (torch.rand(3, 2).double(), torch.rand(3, 2).double(), torch.rand(4, 2).double())).save(str(file))
    for claim, verdict in judged(file, "L1", "L6", "N1").items():
        assert verdict["outcome"] == "holds", (claim, verdict["detail"])


def test_a_wrong_loss_is_refuted(tmp_path: Path) -> None:
    torch.jit.script(Unsorted()).save(str(tmp_path / "loss.pt"))
    verdicts = judged(tmp_path / "loss.pt", "L1", "L6")
    assert [verdict["outcome"] for verdict in verdicts.values()] == ["refuted", "refuted"]
