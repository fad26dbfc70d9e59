"""The page about a run: one HTML file that needs nothing beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from chainer_ft.finetune import page_parts as parts
from chainer_ft.finetune.page_pictures import draw_pictures
from chainer_ft.finetune.result import RunResult
from chainer_ft.formats.atomic import replacing
from chainer_ft.report.html import Html, details, section, tag

#: Name of the page in a run folder.
FILE = "page.html"


def write_page(folder: str | os.PathLike[str]) -> Path:
    """Draw the pictures of a run into its folder, and write the page that holds all of them.

    Args:
        folder: The run folder, with its ``result.json`` and the pictures of the worst samples.

    Returns:
        pathlib.Path: The page.

    Raises:
        FormatError: There is no result in the folder, or it cannot be written.
        UsageError: There is no matplotlib.
    """
    result = RunResult.load(folder)
    pictures = draw_pictures(result, Path(folder))
    path = Path(folder) / FILE
    with replacing(path) as temporary:
        Path(temporary).write_text(render(result, Path(folder), pictures), encoding="utf-8")
    return path


def render(result: RunResult, folder: Path, pictures: dict[str, Html]) -> str:
    """The page as text.

    Args:
        result: What came of the run.
        folder: Where the pictures of the worst samples are.
        pictures: The others by name, as HTML.
    """
    style = files("chainer_ft.report").joinpath("page.css").read_text(encoding="utf-8")
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        tag("title", f"{parts.name_of(result)}: {result.fine_tuned.score.accuracy:.1%}"),
        tag("style", Html(style)),
    )
    body = tag("body", *_body(result, folder, pictures))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _body(result: RunResult, folder: Path, pictures: dict[str, Html]) -> Iterator[Html]:
    yield tag("h1", parts.name_of(result))
    yield tag("p", parts.verdict(result), class_="lead")
    for note in result.notes:
        yield tag("p", note, class_="note")
    yield section("Comparison", parts.comparison(result), pictures["curves"])
    yield section("Confusion", parts.confusion(result.confusion, pictures["confusion"]))
    yield section("Worst samples", parts.worst(result, folder))
    yield section("Copy map", *parts.copy_map(result))
    yield section(
        "What trains when",
        tag("p", tag("b", result.scenario), ": ", result.why),
        pictures["timeline"],
        details("the schedule as YAML", tag("pre", result.schedule)),
    )
    yield section("Drift", *parts.drift(result, pictures.get("drift")))
    yield section("Data", *parts.data(result))
    yield section("To run it again", *parts.again(result))
