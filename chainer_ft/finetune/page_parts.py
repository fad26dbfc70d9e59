"""The parts of the page, each from what it shows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from chainer_ft.finetune.measured import Confusion, Contender, Sample
from chainer_ft.finetune.result import RunResult
from chainer_ft.report.copy_map import draw_copy_map
from chainer_ft.report.html import Html, details, image_file, table, tag, text

_IN_TABLE = 25  # classes that a table shows; a picture shows more


def name_of(result: RunResult) -> str:
    """What the page is called."""
    source = f" from {Path(result.weights).name}" if result.weights else ""
    return f"{result.model}{source}"


def verdict(result: RunResult) -> str:
    """Whether it was worth it, in a sentence."""
    said = f"{result.fine_tuned.score} right on the validation images"
    margins = [f"{c.margin} against {c.name}" for c in result.baselines if c.margin]
    return f"{said}; {', '.join(margins)}." if margins else f"{said}."


def comparison(result: RunResult) -> Html:
    """Fine-tuned against the baselines, with 95 % intervals."""
    rows = [_contender(one) for one in (result.fine_tuned, *result.baselines)]
    if result.baselines:
        return tag("div", table(_HEAD, rows), tag("p", _ABOUT, class_="note"))
    alone = table(_without_margin(_HEAD), map(_without_margin, rows))
    return tag("div", alone, tag("p", _ALONE, class_="note"))


_HEAD: tuple[object, ...] = (
    "", "accuracy", "95 % interval", "right", "fine-tuned is ahead by", "rate", "time"
)  # fmt: skip
_ALONE = (
    "The interval (Wilson) tells of the images, not of other seeds. --baseline scratch,frozen "
    "shows what the weights are good for."
)
_ABOUT = (
    "Same images, same budget, same seed. Intervals: Wilson for an accuracy, paired (Agresti and "
    "Min) for a difference; they tell of the images, not of other seeds."
)


def _without_margin(row: tuple[object, ...]) -> tuple[object, ...]:
    return row[:4] + row[5:]


def _contender(one: Contender) -> tuple[object, ...]:
    low, high = one.score.interval
    return (
        one.name,
        f"{one.score.accuracy:.2%}",
        f"{low:.1%} to {high:.1%}",
        f"{one.score.correct} of {one.score.count}",
        "" if one.margin is None else _margin(one),
        f"{one.lr:.3g}",
        f"{one.seconds:.1f} s",
    )


def _margin(one: Contender) -> Html:
    assert one.margin is not None
    low, high = one.margin.interval
    sure = {"class_": "good"} if low > 0 else {"class_": "bad"} if high < 0 else {}
    return tag("span", one.margin, **sure)


def confusion(matrix: Confusion, picture: Html) -> Html:
    """Which class is taken for which."""
    if len(matrix.classes) > _IN_TABLE:
        return picture
    rows = (
        (name, *(_cell(count, sum(row)) for count in row))
        for name, row in zip(matrix.classes, matrix.counts, strict=True)
    )
    note = tag("p", "rows: the true class; columns: what it is taken for", class_="note")
    return tag("div", table(("", *matrix.classes), rows, class_="confusion"), note)


def _cell(count: int, total: int) -> Html:
    if not count:
        return Html("")
    share = count / max(total, 1)
    ink = "; color: #fff" if share > 0.8 else ""  # the better contrast
    blue = f"background: rgba(27, 108, 168, {share:.2f})"
    return tag("span", count, style=f"{blue}; padding: 0 .4em{ink}")


def worst(result: RunResult, folder: Path) -> Html:
    """The images with the largest loss."""
    if not result.worst:
        return tag("p", "none was measured", class_="note")
    return tag("ul", *(tag("li", *_sample(one, folder)) for one in result.worst), class_="worst")


def _sample(one: Sample, folder: Path) -> Iterator[object]:
    path = folder / one.picture
    if one.picture and path.is_file():
        yield image_file(path, f"{one.key}: {one.label}, taken for {one.predicted}")
    yield tag("div", tag("b", one.label), " taken for ", tag("b", one.predicted))
    yield tag("div", f"{one.probability:.1%} for its own class", class_="note")
    yield tag("div", one.key, class_="note")


def copy_map(result: RunResult) -> Iterator[Html]:
    """Which weights came from where."""
    if result.copy_map is None:
        yield tag("p", result.head)
        yield tag("p", "no weights were given: all began at random", class_="note")
        return
    plan = result.copy_map
    filled, total = plan["filled_parameters"], plan["target_parameters"]
    yield tag("p", f"coverage {plan['coverage']:.2%}: {filled:,} of {total:,} parameters")
    yield draw_copy_map(plan)
    yield tag("p", f"After the copy: {result.head}")


def drift(result: RunResult, picture: Html | None) -> Iterator[Html]:
    """How far each layer went from the pretrained weights."""
    if picture is None:
        yield tag("p", "not measured: there were no pretrained weights", class_="note")
        return
    yield picture
    last = ((path or "whole model", f"{values[-1]:.4f}") for path, values in _measured(result))
    yield details("at the end, layer by layer", table(("layer", "|w - w0| / |w0|"), last))


def _measured(result: RunResult) -> Iterator[tuple[str, tuple[float, ...]]]:
    yield from ((path, values) for path, values in result.drift.layers.items() if values)


def data(result: RunResult) -> Iterator[Html]:
    """What was trained on, and what becomes of an image."""
    classes, broken = result.data["classes"], result.data["broken"]
    train, val = (sum(one[part] for one in classes) for part in ("train", "val"))
    yield tag("p", f"{result.data['source']} ({result.data['kind']}), {len(classes)} classes")
    counts = f"{train:,} images to train on, {val:,} for validation"
    yield tag("p", f"{counts}; {len(broken)} broken, left out" if broken else counts)
    rows = ((one["name"], one["train"], one["val"]) for one in classes)
    yield details("class by class", table(("class", "train", "val"), rows))
    if broken:
        left = ((one["path"], one["reason"]) for one in broken)
        yield details("broken", table(("image", "why"), left))
    yield details("preprocessing", tag("pre", _plain(result.preprocessing)))


def again(result: RunResult) -> Iterator[Html]:
    """Command, seed, versions, settings."""
    yield tag("pre", result.command)
    yield tag("p", text(f"seed {result.seed}, {result.device}"))
    yield details("settings", table(("option", "value"), _given(result.settings)))
    yield details("versions", table(("what", "version"), result.versions.items()))


def _given(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Options that say something."""
    for name, value in settings.items():
        if value is not None and value != [] and value != ():
            yield name, value if isinstance(value, str) else json.dumps(value, default=str)


def _plain(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False)
