"""chainer-ft train, predict, evaluate: what they print and write."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from chainer_ft.cli.main import main
from chainer_ft.finetune.folder import RunFolder
from chainer_ft.finetune.script import script_of
from chainer_ft.host import set_default_host
from chainer_ft.report import pictures

sys.path.insert(0, str(Path(__file__).parents[1] / "finetune"))
from small_runs import arrays, make_files

RUN = (
    *("train", "photos.npz", "--model", "net.py:Net", "--weights", "old.npz", "--size", "8x8"),
    *("--workers", "0", "--batch-size", "20", "--lr", "0.01"),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("train")
    make_files(folder)
    with np.load(folder / "photos.npz") as held:
        for i, (pixels, label) in enumerate(zip(held["x"][:12], held["y"], strict=False)):
            (folder / "photos" / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / "photos" / str(label) / f"{i:02}.png")
    return folder


@pytest.fixture(autouse=True)
def _inside(place: Path) -> Iterator[None]:
    before, paths = os.getcwd(), list(sys.path)
    os.chdir(place)
    yield
    os.chdir(before)
    sys.path[:] = paths
    sys.modules.pop("net", None)
    set_default_host(None)


@pytest.fixture
def trained(place: Path, capsys: Any) -> Path:
    if not (place / "run").exists():
        assert main([*RUN, "--out", "run", "--baseline", "scratch:0.02,frozen"]) == 0
        (place / "printed.txt").write_text(capsys.readouterr().out)
    return place / "run"


def test_train_prints_what_it_does(trained: Path) -> None:
    text = (trained.parent / "printed.txt").read_text()
    assert "all       72   18" in text
    assert "weights: 11 arrays of old.npz, coverage 100.00%" in text
    assert "head /fc: 5 -> 3 classes, all new" in text
    assert "    freeze: all_but(/fc)" in text
    assert "fine-tuned is ahead by" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("scratch ")]
    assert rows[-1][-2] == "0.02"


def test_train_writes_the_page_and_its_pictures(trained: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert {"page.html", "model.npz", "log", "schedule.yaml", "result.json", "run.json"} <= names
    assert "snapshot" not in names and "features" not in names


def test_json_is_all_that_is_printed(place: Path, capsys: Any) -> None:
    assert main([*RUN, "--out", "json", "--epochs", "1", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["schema"] == "chainer_ft.result/1"
    assert data == json.loads((place / "json" / "result.json").read_text())


def test_resuming_a_run_that_is_over_tells_it_again(trained: Path, capsys: Any) -> None:
    before = (trained / "model.npz").stat().st_mtime_ns
    assert main(["train", "--resume", str(trained)]) == 0
    assert "fine-tuned is ahead by" in capsys.readouterr().out
    assert (trained / "model.npz").stat().st_mtime_ns == before


def test_a_run_goes_on_with_other_workers_and_on_another_device(place: Path, capsys: Any) -> None:
    given = [*RUN, "--out", "elsewhere", "--epochs", "1", "--workers", "1"]
    assert main([*given, "--device", "@none:0"]) == 2
    assert main(["train", "--resume", "elsewhere"]) == 2
    assert "device '@none:0'" in capsys.readouterr().err
    again = ["train", "--resume", "elsewhere", "--device", "@numpy", "--workers", "0"]
    assert main(again) == 0
    settings = RunFolder(place / "elsewhere").settings()
    assert (settings.device, settings.workers, settings.epochs) == ("@numpy", 0, 1)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("train",), 2, "DATA, --model, --out: missing"),
        (("train", "photos", "--resume", "run"), 2, "give nothing besides: DATA"),
        (("train", "--resume", "run", "--epochs", "9"), 2, "give nothing besides: --epochs"),
        (("train", "--resume", "nowhere"), 3, "--out` was given"),
        ((*RUN, "--out", "a", "--scenario", "small"), 2, "nearest: small-"),
        ((*RUN, "--out", "b", "--baseline", "scrach"), 2, "nearest: scratch"),
        ((*RUN, "--out", "c", "--head", "/fd"), 2, "nearest: /fc"),
        ((*RUN, "--out", "d", "--mean", "1,2"), 2, "mean"),
        ((*RUN, "--out", "e", "--size", "2x2"), 2, "--size HEIGHTxWIDTH"),
        ((*RUN, "--out", "f", "--freeze", "/conv9"), 2, "/conv9"),
        ((*RUN, "--out", "g", "--freeze-epochs", "5"), 2, "leave some for all"),
        ((*RUN, "--out", "i", "--device", "@none:0"), 2, "device '@none:0'"),
        ((*RUN, "--out", "j", "--val", "0"), 2, "no image is kept for validation"),
        ((*RUN, "--out", "h", "--schedule", "none.yaml"), 3, "none.yaml: cannot be read"),
        ((*RUN, "--out", "h", "--schedule", "net.py"), 2, "net.py, line "),
        ((*RUN, "--out", "k", "--per-class", "0"), 2, "per_class 0: give 1 or more"),
        ((*RUN, "--out", "net.py"), 3, "net.py: cannot be made: File exists; name another"),
        (("train", "photos", "--model", "net.py", "--out", "l"), 2, "like net.py:Net"),
        (("predict", "run", "photos/0/0.png"), 3, "; did you mean photos/0/0"),
        (("predict", "run", "photos"), 3, "photos: cannot be opened: Is a directory; name a file"),
        ((*RUN, "--out", "m", "--labels", "net.py"), 2, "/fc/W of old.npz is (5, 6)"),
        ((*RUN, "--out", "n", "--draws", "3"), 2, "give --augment with it"),
    ],
)
def test_what_is_wrong_is_said(
    trained: Path, capsys: Any, arguments: tuple[str, ...], code: int, said: str
) -> None:
    assert main([*arguments]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--scenario tiny", "scenario 'tiny'"),
        ("--scenario small-different --cut /nope", "'/nope' hits nothing"),
        ("--freeze /conv9", "'/conv9' hits nothing"),
        ("--scenario auto --freeze /conv9", "'/conv9' hits nothing"),
        ("--scenario auto --cut /conv9", "'/conv9' hits nothing"),
        ("--freeze-epochs 5", "leave some for all"),
        ("--head /fd", "nearest: /fc"),
        ("--size 2x2", "cannot be called"),
        ("--channels L", "cannot be called"),
        ("--min-coverage 1 --skip /conv1", "under the floor"),
        ("--mean nan", "mean=(nan,)"),
        ("--std inf", "std=(inf,)"),
        *((f"--{name} -1", f"{name} -1") for name in ("decay", "seed", "workers", "patience")),
        ("--per-class 0", "per_class 0"),
    ],
)
def test_a_word_that_is_wrong_is_told_before_images_are_looked_at(
    place: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    def look(*arguments: Any, **options: Any) -> None:
        raise AssertionError("the images are looked at")

    monkeypatch.setattr("chainer_ft.finetune.api.find", look)
    assert main([*RUN, "--out", "wrong", *given.split()]) in (1, 2)
    assert said in capsys.readouterr().err


def test_fewer_images_than_a_batch_are_told_of(place: Path, capsys: Any) -> None:
    given = ["--out", "few", "--epochs", "3", "--per-class", "4"]
    assert main([*RUN, *given]) == 0
    said = "12 images to train on are fewer than a batch of 20: 3 epochs are 2 updates"
    assert said in capsys.readouterr().out
    notes = json.loads((place / "few" / "result.json").read_text())["notes"]
    assert any(said in note for note in notes)


def test_a_run_that_was_refused_is_not_in_the_way(place: Path) -> None:
    given = [*RUN, "--out", "refused", "--epochs", "1"]
    assert main([*given, "--scenario", "small"]) == 2
    assert main(given) == 0
    assert main(given) == 2


def test_a_schedule_of_ones_own(trained: Path, place: Path, capsys: Any) -> None:
    text = (trained / "schedule.yaml").read_text().replace("4 epochs", "1 epoch")
    (place / "mine.yaml").write_text(text.replace("/fc: 10", "/fc: 3"))
    assert main([*RUN, "--out", "mine", "--epochs", "2", "--schedule", "mine.yaml"]) == 0
    assert "/fc: 3" in (place / "mine" / "schedule.yaml").read_text()


def test_predict_names_the_classes(trained: Path, capsys: Any) -> None:
    assert main(["predict", "run", "photos/0/00.png", "photos/1/01.png", "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["image", "class", "probability", "class", "probability"]
    assert [line.split()[0] for line in lines[1:]] == ["photos/0/00.png", "photos/1/01.png"]
    shares = [float(line.split()[2]) for line in lines[1:]]
    assert all(1 / 3 <= share <= 1 for share in shares)


def test_predict_and_evaluate_agree(trained: Path, capsys: Any) -> None:
    paths = sorted(str(path) for path in Path("photos").rglob("*.png"))
    assert main(["predict", "run", *paths, "--json"]) == 0
    images = json.loads(capsys.readouterr().out)["images"]
    right = 0
    for one in images:
        assert sum(one["probabilities"].values()) == pytest.approx(1)
        best = max(one["probabilities"], key=one["probabilities"].get)
        right += best == one["image"].split("/")[1]
    assert main(["evaluate", "run", "photos", "--workers", "0", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["correct"], data["count"]) == (right, 12)
    assert sum(map(sum, data["confusion"])) == 12


def test_evaluate_on_images_of_one_class(trained: Path, place: Path, capsys: Any) -> None:
    shutil.copytree(place / "photos" / "1", place / "one" / "1")
    assert main(["evaluate", "run", "one", "--workers", "0"]) == 0
    assert "0 of 0" in capsys.readouterr().out


def test_evaluate_on_the_runs_own_part_is_the_runs_score(trained: Path, capsys: Any) -> None:
    given = ["evaluate", "run", "photos.npz", "--part", "val", "--workers", "0", "--json"]
    assert main(given) == 0
    data = json.loads(capsys.readouterr().out)
    score = json.loads((trained / "result.json").read_text())["fine_tuned"]["score"]
    assert {"correct": data["correct"], "count": data["count"]} == score


@pytest.mark.parametrize("verb", ["predict", "evaluate"])
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("3, 4, 3)", "3, 5, 3)", "/conv1/W is (4, 3, 3, 3) there, (5, 3, 3, 3) here"),
        ("3, 4, 3)", "1, 4, 3)", "/conv1/W is (4, 3, 3, 3) there, (4, 1, 3, 3) here"),
        ("self.fc ", "self.fc8 ", "it has no /fc"),
        ("self.bn1 ", "self.bn2 ", "/bn2/gamma is not there"),
    ],
)
def test_another_net_is_told_from_the_one_that_was_trained(
    trained: Path, capsys: Any, verb: str, old: str, new: str, said: str
) -> None:
    text = Path("net.py").read_text()
    assert old in text
    Path("wrong.py").write_text(text.replace(old, new))
    sys.modules.pop("wrong", None)
    given = "photos/0/00.png" if verb == "predict" else "photos"
    assert main([verb, "run", given, "--model", "wrong.py:Net"]) == 2
    captured = capsys.readouterr().err
    assert f"wrong.py:Net: is not the net that run/model.npz is of: {said}" in captured
    assert "was called net.py:Net then, as --model" in captured


def test_a_broken_image_does_not_hold_up_the_others(trained: Path, capsys: Any) -> None:
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert main(["predict", "run", "broken.png", "photos/2/02.png"]) == 3
    captured = capsys.readouterr()
    assert "photos/2/02.png" in captured.out and "broken.png" in captured.err


def test_a_class_that_the_net_does_not_know(trained: Path, capsys: Any) -> None:
    for name in ("0", "heart"):
        Path("other", name).mkdir(parents=True, exist_ok=True)
        for i in range(3):
            Image.new("RGB", (8, 8), (i, i, i)).save(Path("other", name, f"{i}.png"))
    assert main(["evaluate", "run", "other"]) == 2
    assert "'heart', which the net does not know" in capsys.readouterr().err


def test_weights_of_another_origin_are_no_run(trained: Path, capsys: Any) -> None:
    assert main(["predict", "old.npz", "photos/0/00.png"]) == 3
    assert "only a model.npz that `chainer-ft train` wrote does" in capsys.readouterr().err


def test_a_mean_file_that_is_not_there_is_called_that(capsys: Any) -> None:
    with pytest.raises(SystemExit):
        main([*RUN, "--out", "no", "--mean", "gone.binaryproto"])
    said = "'gone.binaryproto' is neither numbers, 104,117,123, nor a file that is there"
    assert said in capsys.readouterr().err


def test_a_run_that_is_not_over_is_told_how_to_go_on(place: Path, capsys: Any) -> None:
    (place / "half").mkdir()
    (place / "half" / "run.json").write_text("{}")
    assert main(["predict", "half", "photos/0/00.png"]) == 3
    assert "not over; go on with it, chainer-ft train --resume half" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--augment", "--no-flip", "--optimizer", "sgd"),
        ("--lr", "find"),
        ("--scenario", "auto", "--patience", "1", "--no-cache"),
    ],
)
def test_the_script_gives_the_same_weights(
    place: Path, options: tuple[str, ...], capsys: Any
) -> None:
    name = f"scripted{''.join(options).replace('-', '_')}"
    given = [*RUN, "--epochs", "3", *options, "--out", name, "--emit-script", f"{name}.py"]
    assert main(given) == 0
    # the script stands beside the run and writes elsewhere
    script = Path(f"{name}.py").read_text().replace(f"'{name}'", f"'{name}_again'")
    Path(f"{name}.py").write_text(script)
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, f"{name}.py"],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    first, second = arrays(place / name), arrays(place / f"{name}_again")
    assert first.keys() == second.keys()
    assert all(first[key].tobytes() == second[key].tobytes() for key in first)


@pytest.fixture
def scripted(place: Path) -> Path:
    """A short run; the script of it is beside its folder."""
    if not (place / "short.py").exists():
        assert main([*RUN, "--epochs", "1", "--out", "short", "--emit-script", "short.py"]) == 0
    return place / "short"


def test_whatever_was_typed_the_script_is_python(scripted: Path) -> None:
    command = "chainer-ft train --rename '^/x\\d=/y' 'a\"\"\"b' '\udce9' \""
    settings = replace(RunFolder(scripted).settings(), command=command)
    text = script_of(settings, "phases:\n  - freeze: /conv1\n", "/fc", 0.1, "out", 5)
    said = ast.get_docstring(ast.parse(text.encode("utf-8")))
    assert said is not None and command.replace("\udce9", "\\udce9") in said


def test_the_script_uses_public_names_alone(scripted: Path) -> None:
    text = scripted.with_suffix(".py").read_text()
    imported = [line for line in text.splitlines() if line.startswith(("import", "from"))]
    assert imported == [
        "import random",
        "import sys",
        "import chainer_ft as ft  # first: makes the next lines work on today's stack",
        "import chainer",
        "import numpy",
        "from chainer.training import extensions",
        "from chainer_ft import finetune, images",
        "from net import Net",
    ]


def test_without_matplotlib_the_page_is_drawn_later(
    place: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(pictures.importlib.util, "find_spec", lambda name: None)
        assert main([*RUN, "--out", "plain", "--epochs", "1"]) == 0
    assert "then chainer-ft train --resume plain draws it" in capsys.readouterr().out
    assert not (place / "plain" / "page.html").exists()
    assert main(["train", "--resume", "plain"]) == 0
    assert (place / "plain" / "page.html").exists()
