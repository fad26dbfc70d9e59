"""`run_script`: an old script, unmodified, as `python script.py` would run it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chainer_ft import compat
from chainer_ft.errors import UsageError

#: As people wrote them in 2017: NumPy's old names, a Trainer, worker processes, a helper
#: module beside the script.
OLD_SCRIPT = """\
from __future__ import print_function

import argparse
import collections
import time

import numpy as np

import chainer
import chainer.functions as F
import chainer.links as L
from chainer import training
from chainer.training import extensions

from old_helper import labels


class MLP(chainer.Chain):
    def __init__(self):
        super(MLP, self).__init__()
        with self.init_scope():
            self.l1 = L.Linear(None, np.int(8))
            self.l2 = L.Linear(None, 2)

    def __call__(self, x):
        return self.l2(F.relu(self.l1(x)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--epoch', '-e', type=np.int, default=1)
    parser.add_argument('--out', '-o', default='result')
    args = parser.parse_args()
    assert isinstance([], collections.Iterable)
    start = time.clock()

    x = np.arange(60, dtype=np.float).reshape(20, 3).astype(np.float32) / 60
    t = labels(x)
    mask = np.ones(len(x), dtype=np.bool)
    data = chainer.datasets.TupleDataset(x[mask], t[mask].astype(np.int32))
    model = L.Classifier(MLP())
    optimizer = chainer.optimizers.Adam(alpha=np.float(0.01))
    optimizer.setup(model)
    train = chainer.iterators.MultiprocessIterator(data, 5, n_processes=1)
    test = chainer.iterators.SerialIterator(data, 5, repeat=False, shuffle=False)
    updater = training.updaters.StandardUpdater(train, optimizer, device=-1)
    trainer = training.Trainer(updater, (args.epoch, 'epoch'), out=args.out)
    trainer.extend(extensions.Evaluator(test, model))
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport(['epoch', 'main/loss', 'validation/main/accuracy']))
    trainer.extend(extensions.snapshot(filename='snapshot'), trigger=(args.epoch, 'epoch'))
    trainer.run()
    train.finalize()
    print('took', time.clock() - start)


if __name__ == '__main__':
    main()
"""

HELPER = "import numpy as np\n\n\ndef labels(x):\n    return (x[:, 0] > 0.5).astype(np.int)\n"

#: The same worker processes, started afresh, and a plain one that needs an old name.
SPAWNING_SCRIPT = """\
import multiprocessing
import sys

import numpy as np

WIDTH = np.int(3)


def child(queue):
    queue.put(str(np.float))


def main():
    import chainer
    multiprocessing.set_start_method(sys.argv[1])
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=child, args=(queue,))
    process.start()
    print(queue.get(timeout=120))
    process.join()
    data = np.arange(6, dtype=np.float)
    iterator = chainer.iterators.MultiprocessIterator(data, 6, n_processes=2, shuffle=False)
    print(iterator.next())
    iterator.finalize()


if __name__ == '__main__':
    main()
"""

RUN = "import sys; from chainer_ft import compat; compat.run_script(sys.argv[1], sys.argv[2:])"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "old_helper.py").write_text(HELPER)
    path = tmp_path / "train_old.py"
    path.write_text(OLD_SCRIPT)
    return path


def run(*command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in an empty folder, with chainer_ft on its path."""
    root = str(Path(compat.__file__).parents[2])
    env = {**os.environ, "PYTHONPATH": root, **environment}
    words = [sys.executable, *map(str, command)]
    return subprocess.run(words, env=env, capture_output=True, text=True, timeout=300)


def test_an_old_training_script_runs(script: Path, tmp_path: Path) -> None:
    done = run("-c", RUN, script, "-e", "2", "--out", tmp_path / "result")
    assert done.returncode == 0, done.stderr
    log = json.loads((tmp_path / "result" / "log").read_text())
    assert [entry["epoch"] for entry in log] == [1, 2]
    assert 0 <= log[1]["validation/main/accuracy"] <= 1
    assert (tmp_path / "result" / "snapshot").exists()
    assert "took" in done.stdout


def test_without_chainer_ft_it_fails(script: Path) -> None:
    done = run(script)
    assert done.returncode != 0
    assert "Error" in done.stderr


def test_without_the_aliases_it_fails(script: Path) -> None:
    done = run("-c", RUN, script, CHAINER_FT_COMPAT_SKIP="legacy-aliases")
    assert done.returncode != 0
    assert "module 'numpy' has no attribute 'int'" in done.stderr


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_the_aliases_reach_worker_processes(tmp_path: Path, method: str) -> None:
    path = tmp_path / "spawning.py"
    path.write_text(SPAWNING_SCRIPT)
    done = run("-c", RUN, path, method)
    assert done.returncode == 0, done.stderr
    values = "[" + ", ".join(f"np.float64({i}.0)" for i in range(6)) + "]"
    assert done.stdout.splitlines() == ["<class 'float'>", values]


def in_process(tmp_path: Path, text: str, *argv: str) -> Any:
    path = tmp_path / "script.py"
    path.write_text(text)
    return compat.run_script(path, argv)


def test_it_is_main_with_its_arguments_and_folder(tmp_path: Path, capsys: Any) -> None:
    before = sys.argv, sys.path
    in_process(tmp_path, "import sys; print(__name__, sys.argv, sys.path[0], __file__)", "-x", "1")
    path = str(tmp_path / "script.py")
    assert capsys.readouterr().out == f"__main__ {[path, '-x', '1']} {tmp_path} {path}\n"
    assert (sys.argv, sys.path) == before


def test_its_exit_code_and_errors_are_its_own(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as exit_:
        in_process(tmp_path, "import sys; sys.exit(3)")
    assert exit_.value.code == 3
    with pytest.raises(ZeroDivisionError):
        in_process(tmp_path, "1 / 0")


def test_a_link_to_a_script_finds_its_helpers(script: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.py"
    link.symlink_to(script)
    assert run("-c", RUN, link, "--help").returncode == 0


def test_a_folder_with_a_main(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "__main__.py").write_text("import sys; print(sys.path[0])")
    compat.run_script(tmp_path)
    assert capsys.readouterr().out == f"{tmp_path}\n"


def test_no_such_script() -> None:
    with pytest.raises(UsageError, match=r"nowhere\.py: there is no such script.*chainer-ft run"):
        compat.run_script("nowhere.py")
