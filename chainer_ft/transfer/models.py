"""A model named on the command line: ``package.module:callable`` or ``file.py:callable``."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from contextlib import redirect_stdout
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from chainer_ft.errors import UsageError
from chainer_ft.formats.unopened import similar
from chainer_ft.select import nearest

if TYPE_CHECKING:
    import chainer

_SPEC = re.compile(r"(?P<where>.+\.py|[A-Za-z_][\w.]*):(?P<name>[A-Za-z_][\w.]*)(?P<call>\(\))?")


def is_model_spec(text: str) -> bool:
    """Whether a DST argument names a model and not a file.

    Example:
        >>> is_model_spec("nets.py:VGG"), is_model_spec("lab.nets:VGG"), is_model_spec("vgg.npz")
        (True, True, False)
    """
    return _SPEC.fullmatch(text) is not None and not os.path.exists(text)


def no_model(spec: str) -> UsageError:
    """The error to raise for what should name a model, and does not."""
    if spec.endswith(".py"):
        return UsageError(f"{spec}: name the model in it, like {spec}:Net")
    return UsageError(
        f"{spec!r} is not like file.py:Net or package.module:Net; what needs arguments is called "
        "by a function in the file: file.py:make"
    )


def load_model(spec: str) -> chainer.Link:
    """Import and call what the spec names.

    Args:
        spec: ``file.py:Net``; ``Net`` is a Link, a Link's class, or a function that returns one.

    Raises:
        UsageError: It cannot be imported, is not there, needs arguments, or makes no Link.
    """
    import chainer

    match = _SPEC.fullmatch(spec)
    if match is None:
        raise no_model(spec)
    with redirect_stdout(sys.stderr):  # what the model prints is not our output
        found = _attribute(_module(match["where"], spec), match["name"], spec)
        if not isinstance(found, chainer.Link):
            if not callable(found):
                raise UsageError(f"{spec}: is a {type(found).__name__}, not a Link or a function")
            found = _called(found, spec)
    if not isinstance(found, chainer.Link):
        raise UsageError(f"{spec}: returned a {type(found).__name__}, not a chainer.Link")
    return found


class _Source(SourceFileLoader):
    """Without Python's cache, which takes a file written anew in one second for the old one."""

    def get_code(self, fullname: str) -> CodeType:
        return self.source_to_code(self.get_data(self.path), self.path)


def _module(where: str, spec: str) -> ModuleType:
    try:
        if not where.endswith(".py"):
            sys.path.insert(0, os.getcwd())
            return importlib.import_module(where)
        if not os.path.isfile(where):
            raise UsageError(f"{spec}: there is no file {where}{similar(where)}")
        sys.path.insert(0, os.path.dirname(os.path.abspath(where)))
        name = os.path.splitext(os.path.basename(where))[0]
        if name in sys.modules:  # a model file called numpy.py replaces nothing
            name = f"chainer_ft_model_{name}"
        location = importlib.util.spec_from_file_location(name, where, loader=_Source(name, where))
        assert location is not None and location.loader is not None
        module = importlib.util.module_from_spec(location)
        sys.modules[name] = module
        location.loader.exec_module(module)
        return module
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"{spec}: cannot be imported: {type(error).__name__}: {error}; {_remedy(error, where)}"
        ) from error


def _remedy(error: BaseException, where: str) -> str:
    if not isinstance(error, ModuleNotFoundError):
        return "--debug shows where"
    itself = f"{where}.".startswith(f"{error.name}.")
    return "`pip install` what has it" + (", or name a file, like models.py:Net" if itself else "")


def _attribute(module: ModuleType, name: str, spec: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            names = _makers(found)
            hint = nearest(part, names) if names else "nor any other Link or function"
            raise UsageError(f"{spec}: there is no {part!r} in it; {hint}")
        found = getattr(found, part)
    return found


def _makers(place: Any) -> list[str]:
    """Names in a module or a class that may give a model; not what a module only imports."""
    import chainer

    def gives(value: Any) -> bool:
        if isinstance(value, chainer.Link):
            return True
        if isinstance(value, type) and not issubclass(value, chainer.Link):
            return False
        home = f"{getattr(value, '__module__', '')}."
        own = not isinstance(place, ModuleType) or home.startswith(f"{place.__name__}.")
        return callable(value) and own

    found = getattr(place, "__dict__", {})
    return [n for n in found if not n.startswith("_") and gives(getattr(place, n))]


def _called(function: Any, spec: str) -> Any:
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise UsageError(
            f"{spec}: must be callable without arguments: {error}; write a function that returns "
            "the model"
        ) from error
    except ValueError:  # some built-in functions have no signature
        pass
    try:
        return function()
    except (Exception, SystemExit) as error:
        raise UsageError(f"{spec}: failed: {type(error).__name__}: {error}") from error
