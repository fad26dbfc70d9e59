"""The demo, with fewer seeds: it runs the installed command and ends with a picture."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import chainer_ft as ft

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "digits" / "demo.py"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What the demo prints, and its folder."""
    folder = tmp_path_factory.mktemp("digits")
    command = [sys.executable, "-W", "error", str(DEMO), "--out", str(folder), "--seeds", "2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


@pytest.mark.slow
class TestDemo:
    def test_report_accounts_for_both_heads(self, ran: tuple[str, Path]) -> None:
        said, folder = ran
        assert re.search(
            rf"^\$ chainer-ft copy {folder}/source.npz .*models.py:FiveToNine", said, re.M
        )
        assert re.search(r"^missing .*/score\.{W, b}", said, re.M)
        assert re.search(r"^unexpected  /fc\.{(b, W|W, b)}", said, re.M)
        assert "coverage 98.63%: 23,408 of 23,733 parameters" in said

    def test_start_holds_the_source_with_its_statistics(self, ran: tuple[str, Path]) -> None:
        _, folder = ran
        with ft.open(folder / "source.npz") as source, ft.open(folder / "start.npz") as start:
            for path in ("/conv3/W", "/bn1/avg_mean", "/bn3/avg_var", "/bn2/N"):
                np.testing.assert_array_equal(source.read(path), start.read(path))

    def test_fine_tuning_is_ahead(self, ran: tuple[str, Path]) -> None:
        said, _ = ran
        ends = [
            float(re.search(rf"^{name} .* ([\d.]+)% ± [\d.]+%$", said, re.M)[1])  # type: ignore[index]
            for name in ("fine-tuned", "from scratch")
        ]
        assert ends[0] > ends[1] > 50

    def test_picture(self, ran: tuple[str, Path]) -> None:
        picture = (ran[1] / "curves.png").read_bytes()
        assert picture.startswith(b"\x89PNG") and 10_000 < len(picture) < 200_000
