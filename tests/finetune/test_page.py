"""The page: whole in one file, escaped, and shown by a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from results import CLASSES, result

from chainer_ft.errors import FormatError
from chainer_ft.finetune.measured import Confusion, Drift
from chainer_ft.finetune.page import write_page
from chainer_ft.finetune.result import RunResult

VOID = {"meta", "img"}
PROBE = """<script>
window.onerror = message => { document.title = "error: " + message };
addEventListener("load", () => {
  const images = [...document.images];
  const shown = images.filter(i => i.complete && i.naturalWidth > 0).length;
  const root = document.documentElement;
  document.querySelectorAll("details").forEach(d => d.open = true);
  document.title = [shown, images.length, root.scrollWidth <= root.clientWidth,
    document.querySelectorAll("h2").length,
    document.querySelectorAll("svg.map line").length,
    document.querySelector(".worst b").textContent].join("|");
});
</script>"""


class Balanced(HTMLParser):
    """Fails where elements are not closed in order; collects what could be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.addresses += [v for k, v in attrs if k in ("src", "href", "action")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(folder: Path, **changes: Any) -> str:
    result(folder, **changes)
    return write_page(folder).read_text(encoding="utf-8")


def test_it_needs_nothing_beside_it(tmp_path: Path) -> None:
    text = page(tmp_path)
    parser = Balanced()
    parser.feed(text)
    assert parser.open == [] and parser.addresses
    assert [a for a in parser.addresses if not a.startswith("data:")] == []
    assert "@import" not in text and "url(" not in text


def test_what_comes_from_outside_is_escaped(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "<script" not in text and "<b>dog</b>" not in text
    assert "&lt;b&gt;dog&lt;/b&gt;" in text and "a/&lt;script&gt;.jpg" in text and "手" in text


def test_it_says_whether_it_was_worth_it(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert "90.00% (76.9% to 96.0%), 36 of 40 right on the validation images" in text
    assert re.search(r'<span class="good">\+35\.0 points \(\+1\d\.\d to \+5\d\.\d\)</span>', text)
    assert re.search(r"<span>-2\.5 points \(-1\d\.\d to \+\d\.\d\)</span>", text)
    for words in (
        "coverage", "/fc8/W", "shape [10, 8] is not [4, 8]", "small-similar", "|w - w0| / |w0|",
        "chainer-ft train photos/ --model", "seed 3", "cannot be decoded", "fit BGR better",
        "After the copy: /score: new, 4 classes",
        "photos (folder), 4 classes", "4,006 images to train on, 40 for validation; 1 broken",
    ):  # fmt: skip
        assert words in text, words


def test_a_count_on_dark_blue_is_white(tmp_path: Path) -> None:
    text = page(tmp_path, confusion=Confusion(("cat", "dog"), ((19, 1), (7, 13))))
    white = re.findall(r'<span style="[^"]*color: #fff">(\d+)</span>', text)
    dark = re.findall(r'<span style="[^"]*padding: 0 .4em">(\d+)</span>', text)
    assert (white, dark) == (["19"], ["1", "7", "13"])


def test_pictures_lie_beside_it(tmp_path: Path) -> None:
    page(tmp_path)
    for name in ("curves", "confusion", "timeline", "drift"):
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_many_classes_are_a_picture(tmp_path: Path) -> None:
    names = tuple(f"class{i}" for i in range(30))
    counts = tuple(tuple(int(i == j) for j in range(30)) for i in range(30))
    text = page(tmp_path, confusion=Confusion(names, counts))
    assert 'class="confusion"' not in text and "true class against predicted" in text


def test_a_run_without_weights_baselines_or_samples(tmp_path: Path) -> None:
    text = page(
        tmp_path, weights=None, copy_map=None, baselines=(), worst=(), drift=Drift(), notes=()
    )
    assert "all began at random" in text and "none was measured" in text
    assert "is ahead by" not in text and "--baseline scratch,frozen" in text
    assert not (tmp_path / "drift.png").exists()


def test_the_result_comes_back(tmp_path: Path) -> None:
    made = result(tmp_path)
    assert RunResult.load(tmp_path) == made


def test_no_result(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"result\.json: cannot be opened"):
        write_page(tmp_path)


@pytest.fixture(scope="module")
def browser() -> str:
    """A Chromium; where there is none, the test is left out."""
    for name in ("chromium", "chromium-browser", "google-chrome", "chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("needs Chromium")


@pytest.mark.slow
def test_a_browser_shows_all_of_it(tmp_path: Path, browser: str) -> None:
    text = page(tmp_path)
    probe = tmp_path / "probe.html"
    probe.write_text(text.replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1000,900",
        "--virtual-time-budget=5000", "--dump-dom", probe.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title and "error" not in title[1], done.stderr
    shown, images, fits, headings, drawn, label = title[1].split("|")
    assert shown == images == "4"  # curves, timeline, drift, one sample
    assert (fits, headings, label) == ("true", "8", CLASSES[0])
    assert int(drawn) == 2
