"""Schedules in YAML: read, written, and told what is wrong with its line."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import chainer_ft as ft
from chainer_ft.errors import FormatError, RuleError, ScheduleError, UsageError
from chainer_ft.training.schedules.yaml_reading import read

WHOLE = """\
# for vgg
phases:
  - name: head
    length: 1 epoch
    freeze: all_but(/fc8)
    dropout: on
  - length: 3 epochs
    freeze:
      - /conv1*
      - until(/pool2)
    lr:
      /fc8: 10
      "/conv*": 1e-2
    decay: {/**/b: 0}
    statistics: train
    until:
      monitor: validation/main/accuracy
      patience: 2
      check: 500 iterations
      mode: max
      target: 0.9
      restore_best: no
  - lr: 0.1
"""


def test_everything_that_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(WHOLE)
    until = ft.EarlyStopping(
        "validation/main/accuracy", 2, "max", "500 iterations", 0.9, restore_best=False
    )
    assert ft.Schedule.load(tmp_path / "s.yaml") == ft.Schedule(
        [
            ft.Phase("1 epoch", freeze=ft.all_but("/fc8"), name="head", dropout="on"),
            ft.Phase(
                "3 epochs",
                freeze=["/conv1*", ft.until("/pool2")],
                lr={"/fc8": 10, "/conv*": 0.01},
                decay={"/**/b": 0},
                statistics="train",
                until=until,
            ),
            ft.Phase(lr=0.1),
        ]
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "s.yaml: is empty; `chainer-ft schedule MODEL` drafts"),
        ("# nothing\n", "s.yaml: is empty"),
        ("phases: 3", "line 1: phases is a list"),
        ("phases: []", "line 1: a schedule has at least one phase"),
        ("- a\n", "line 1: here stand keys, phases: say"),
        ("{}", "line 1: there is no list `phases:`"),
        ("phase: []", "line 1: unknown key 'phase'; nearest: phases"),
        ("phases:\n  - head", "line 2: here stand keys"),
        ("phases:\n  - lenght: 1 epoch", "line 2: unknown key 'lenght'; nearest: length"),
        ("phases:\n  - name: a\n    length: 3", "line 3: '3' is no length"),
        ("phases:\n  - length:", "line 2: a word or number is missing here"),
        ("phases:\n  - lr: fast", "line 2: 'fast' is no number"),
        ("phases:\n  - lr: -1", "line 2: lr: -1.0 is no factor"),
        ("phases:\n  - lr:\n      /a: 1\n      /a: 2", "line 4: '/a' stands here and in line 3"),
        ("phases:\n  - name: a\n    name: b", "line 3: 'name' stands here and in line 2"),
        ("phases:\n  - freeze: *", "line 2: is no YAML: .*quote what begins with"),
        ("phases:\n  - freeze: [all_but(/a, /b)]", "line 2: .*a parenthesis is missing"),
        ("phases:\n  - freeze: first(two)", "line 2: .*is no number of layers"),
        ("phases:\n  - freeze:\n      - /a\n      - {b: 1}", "line 4: a word or number is missing"),
        (
            "phases:\n  - until:\n      patiense: 1",
            "line 3: unknown key 'patiense'; nearest: patie",
        ),
        ("phases:\n  - until:\n      patience: 0.5", "line 3: patience is a number of checks"),
        ("phases:\n  - until: {restore_best: 1}", "line 2: '1' is neither true nor false"),
        ("phases:\n  - statistics: on", "line 2: statistics is one of still, train, not 'on'"),
        ("phases:\n  - name: a\n  - name: b", "line 2: phase 'a' never ends"),
        ("phases: [\n", "line 2: is no YAML"),
        ("phases: &a\n  - *a", "line 1: here stand keys"),
        ("a: 1\n---\nb: 2", "line 2: is no YAML"),
        ("phases: !!python/object/apply:os.system [ls]", "line 1: here stand keys"),
        ("\x00", "is no YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ScheduleError, match=told) as caught:
        ft.Schedule.load(tmp_path / "s.yaml")
    assert str(caught.value).startswith(str(tmp_path / "s.yaml"))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no\.yaml: cannot be read: No such file"):
        ft.Schedule.load(tmp_path / "no.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"phases: \xe9")
    with pytest.raises(FormatError, match=r"latin\.yaml: cannot be read: .*utf-8"):
        ft.Schedule.load(tmp_path / "latin.yaml")


def test_without_pyyaml_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "yaml":
            raise ImportError(name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"pip install 'chainer-ft\[train\]'"):
        read("phases: []")


PATHS = st.from_regex(r"(/[a-z*][a-z0-9_*\[\]?.-]{0,5}){1,3}", fullmatch=True)
SELECTIONS = st.one_of(
    PATHS,
    PATHS.map("until({})".format),
    st.integers(1, 9).map("first({})".format),
    st.lists(PATHS, min_size=1, max_size=3).map(lambda paths: f"all_but({', '.join(paths)})"),
    st.sampled_from(["type(BatchNormalization)", "regex(/conv[12](/W)?)", "*", "#a", "a: b", "on"]),
)
LENGTHS = st.one_of(
    st.integers(1, 10**6).map(lambda n: (n, "iteration")),
    st.floats(0.1, 1e3).map(lambda n: (round(n, 3), "epoch")),
)
FACTORS = st.dictionaries(SELECTIONS, st.floats(1e-9, 1e9), max_size=3)
CONDITIONS = st.builds(
    ft.EarlyStopping,
    st.text(min_size=1).filter(str.isprintable),
    st.integers(1, 99),
    st.sampled_from(["auto", "min", "max"]),
    LENGTHS,
    st.none() | st.floats(-1e6, 1e6),
    st.booleans(),
)
PHASES = st.builds(
    ft.Phase,
    LENGTHS,
    freeze=st.lists(SELECTIONS, max_size=3),
    lr=FACTORS,
    decay=FACTORS,
    until=st.none() | CONDITIONS,
    name=st.text(max_size=9).filter(str.isprintable),
    statistics=st.sampled_from(["still", "train"]),
    dropout=st.sampled_from(["off", "on"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(PHASES, min_size=1, max_size=3, unique_by=lambda phase: phase.name))
def test_what_is_written_is_what_is_read(phases: list[ft.Phase]) -> None:
    try:
        schedule = ft.Schedule(phases)
    except ScheduleError:  # a phase without a name, beside one that is called "phase 1"
        return
    assert ft.Schedule(read(schedule.to_yaml())) == schedule


def test_what_is_nested_too_deep_is_no_yaml() -> None:
    with pytest.raises(ScheduleError, match="schedule: is no YAML"):
        read("[" * 2000)


def test_a_function_has_no_text() -> None:
    schedule = ft.Schedule([ft.Phase(freeze=lambda path, link: True)])
    with pytest.raises(RuleError, match="cannot be written as text; name it by path or type"):
        schedule.to_yaml()


LINES = st.lists(st.sampled_from([*WHOLE.splitlines(), "  - ", "*", "? a", "{", "]", "\t"]))


@given(st.one_of(st.text(), LINES.map("\n".join)))
@example("phases:\n  - lr: 1e400")
@example("phases:\n  - length: 9" + "9" * 400 + " epochs")
@settings(max_examples=60, deadline=None)
def test_whatever_stands_there_it_is_a_schedule_or_an_error(text: str) -> None:
    try:
        assert all(isinstance(phase, ft.Phase) for phase in read(text))
    except ScheduleError as error:
        assert str(error).startswith("schedule")
