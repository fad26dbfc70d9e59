"""Find images wherever they are: see what is whole, number the classes, part them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from chainer_ft.errors import FormatError, UsageError
from chainer_ft.formats.unopened import unopened
from chainer_ft.images.arrays import in_arrays
from chainer_ft.images.checking import by_name, check
from chainer_ft.images.copies import complaints, listed
from chainer_ft.images.databases import databases, in_databases
from chainer_ft.images.files import Files, in_folders, in_list, in_table, is_image_name
from chainer_ft.images.items import Broken, Found, Images, Item, Named
from chainer_ft.images.split import by_class, limited, split

_FEW = 5
_SHOWN = 5


def find(
    data: str | os.PathLike[str],
    *,
    val: float = 0.2,
    seed: int = 0,
    per_class: int | None = None,
    strict: bool = False,
    verify: bool = True,
    learn: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> Images:
    """Find images and their classes.

    Args:
        data: A folder with a folder of images for each class, or with such folders in ``train/``
            and ``val/``; a CSV file of paths and labels; a list as Caffe's (``.txt``); an
            ``.npz``; an LMDB of Caffe's tools, or a folder with one for training and one for
            validation.
        val: Share of each class for validation, where the source does not part them itself.
        seed: Which images these are, and which ``per_class`` keeps.
        per_class: Most images of a class for training; all by default.
        strict: Whether a broken image is an error.
        verify: Whether to decode each image once; else only those are broken that are not there,
            and the run stops at the first that cannot be decoded.
        learn: Whether a net is to learn from them, which needs two classes, and images for training
            of each; to judge a net by them, one class will do.
        progress: Called with how many images are checked, and of how many.

    Raises:
        FormatError: There are no images, or too few classes; or ``strict``, and some are broken.
        UsageError: ``val`` is no share, or ``per_class`` no number of images.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> root = tempfile.mkdtemp()
        >>> for name in ("cat", "dog"):
        ...     os.mkdir(os.path.join(root, name))
        ...     for n in range(5):
        ...         Image.new("RGB", (8, 8), (n, n, n)).save(os.path.join(root, name, f"{n}.PNG"))
        >>> images = find(root)
        >>> images.classes, len(images.train), len(images.val)
        (('cat', 'dog'), 8, 2)
    """
    if not 0 <= val < 1:
        raise UsageError(f"val={val:g} is no share of the images; give one from 0 to below 1")
    if per_class is not None and per_class < 1:
        raise UsageError(f"per_class={per_class}: give 1 image of a class or more")
    source = os.fspath(data)
    found = _found(source)
    bad = check(found, progress) if verify else by_name(found)
    broken = (*found.broken, *bad.broken)
    if broken and strict:
        raise FormatError(f"{source}: {_sentence(broken)}; repair or remove them")
    whole = [item for item in found.train if item.key not in bad.keys]
    held = None if found.val is None else [i for i in found.val if i.key not in bad.keys]
    train, rest = split(whole, val, seed) if held is None else (whole, held)
    names = by_class((*train, *rest)).keys()
    if not names:
        raise FormatError(f"{source}: holds no images; {_expected(source, found, broken)}")
    if learn and len(names) == 1:
        said = f"holds one class, {next(iter(names))!r}"
        raise FormatError(f"{source}: {said}; {_expected(source, found, broken)}")
    if learn:
        _check_parts(source, train, rest)
    classes = tuple(name for name in found.classes or sorted(names) if name in names)
    notes = (*found.notes, *_notes(found, classes, train, rest, val, bad.others))
    if per_class is not None:
        train = limited(train, per_class, seed)
    if verify and isinstance(found.store, Files):
        notes = (*notes, *complaints(found.store.root, train, rest))
    numbers = {name: label for label, name in enumerate(classes)}
    first, second = (tuple(Item(i.key, numbers[i.name]) for i in part) for part in (train, rest))
    return Images(source, found.kind, classes, first, second, found.store, broken, notes)


def _found(source: str) -> Found:
    if os.path.isdir(source):
        return in_databases(source) if databases(source) else in_folders(source)
    try:
        with open(source, "rb") as file:
            head = file.read(4)
    except OSError as error:
        raise unopened(source, error) from error
    suffix = os.path.splitext(source)[1].lower()
    if head == b"PK\x03\x04":
        return in_arrays(source)
    if suffix in (".csv", ".tsv"):
        return in_table(source)
    if suffix == ".txt":
        return in_list(source)
    if suffix == ".mdb":
        return in_databases(os.path.dirname(source) or ".")
    raise FormatError(
        f"{source}: is no data that is known; give a folder with a folder of images for each "
        "class, a CSV file of paths and labels, an .npz with x and y, or an LMDB"
    )


def _check_parts(source: str, train: Sequence[Named], val: Sequence[Named]) -> None:
    """Raise where a class is to be judged by images, and there are none to learn it from."""
    extra = sorted(by_class(val).keys() - by_class(train).keys())
    if extra:
        raise FormatError(
            f"{source}: images for validation of the classes {', '.join(extra)}, and none to train "
            "on; add some, or remove these"
        )


def _expected(source: str, found: Found, broken: Sequence[Broken]) -> str:
    """What to give instead; or what became of the images that were named."""
    if broken:
        return _sentence(broken)
    if found.kind != "folder":
        return "two or more are needed to tell apart"
    loose = sum(is_image_name(name) for name in os.listdir(source))
    lying = f" ({loose} images lie in it directly)" if loose else ""
    return f"give the folder that holds a folder of images for each class{lying}"


def _notes(
    found: Found,
    classes: Sequence[str],
    train: Sequence[Named],
    val: Sequence[Named],
    share: float,
    others: Sequence[str],
) -> list[str]:
    """What one should know of the classes."""
    to_learn, to_judge = by_class(train), by_class(val)
    few = [name for name in classes if len(to_learn[name]) < _FEW]
    unseen = [name for name in classes if name not in to_judge and (share or found.val)]
    every = {item.name for item in (*found.train, *(found.val or ()))}
    gone = sorted((every | set(found.classes)) - set(classes))
    notes = []
    if few:
        notes.append(f"fewer than {_FEW} images to train on in {listed(few)}")
    if unseen:
        notes.append(f"no image for validation in {listed(unseen)}")
    if gone:
        notes.append(f"no image that can be read in {listed(gone)}: not a class")
    if others:
        notes.append(f"no images, not used: {listed(others)}")
    return notes


def _sentence(broken: Sequence[Broken]) -> str:
    shown = "; ".join(f"{path}: {reason}" for path, reason in broken[:_SHOWN])
    more = f"; and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
    count = "1 broken image" if len(broken) == 1 else f"{len(broken)} broken images"
    return f"{count}: {shown}{more}"
