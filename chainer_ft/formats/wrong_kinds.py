"""Files that people hand over by mistake, named with what to do instead."""

from __future__ import annotations

import re
import zipfile

from chainer_ft.errors import FormatError, NotWeightsError, TruncatedError
from chainer_ft.formats import caffe_other

_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\s")
_HTML = re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_PICKLE = re.compile(
    rb"\x80[\x02-\x05]|\((?:dp|lp|i[\w.]+\n)|[\]}]q|c[\w.]+\n\w+\n(?:p\d|q|\(|\.)", re.S
)
#: What torch.save wrote up to 1.5: a pickle of its magic number, then other pickles.
_OLD_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
#: An ONNX ModelProto: its version; producer, domain and the like, all short; the graph.
_ONNX = re.compile(
    rb"\x08[\x01-\x1f](?:[\x12\x1a\"2][\x00-\x7f][ -~]*|\([\x80-\xff]*[\x00-\x7f])*:"
)
_MAGIC = (
    (b"\x1f\x8b", "is gzip; unpack it first (gunzip)"),
    (b"BZh", "is bzip2; unpack it first (bunzip2)"),
    (b"\xfd7zXZ", "is xz; unpack it first (unxz)"),
    (b"7z\xbc\xaf\x27", "is a 7z archive; unpack it first"),
    (b"Rar!", "is a rar archive; unpack it first"),
    (
        b"\x93NUMPY",
        "is a single .npy array without a path; give it one: "
        'numpy.savez("model.npz", **{"conv1/W": numpy.load(...)})',
    ),
    (b"MATLAB 5.0", "is a MATLAB file; read it with scipy.io.loadmat and write an .npz"),
    (b"\x89PNG", "is a PNG image, not weights"),
    (b"\xff\xd8\xff", "is a JPEG image, not weights"),
    (b"%PDF", "is a PDF, not weights"),
)
_NO_LOADER = "no installed loader reads it (`chainer-ft plugins` lists them)"


def name_wrong_kind(head: bytes, path: str) -> FormatError | None:
    """Say what a file is that no loader claims.

    Args:
        head: Its first 4096 bytes.
        path: The file.

    Returns:
        FormatError or None: The error to raise, if the kind is known.

    Example:
        >>> str(name_wrong_kind(b"<!DOCTYPE html><title>404", "vgg.caffemodel"))
        'vgg.caffemodel: is a web page, not weights; download the file itself (a "raw" link)'
    """
    if not head:
        return TruncatedError(f"{path}: is empty (0 bytes); download or copy it again")
    sentence = _text_kind(head) or caffe_other.describe(head, path) or _binary_kind(head, path)
    return NotWeightsError(f"{path}: {sentence}") if sentence else None


def _text_kind(head: bytes) -> str | None:
    if _LFS.match(head):
        size = re.search(rb"size (\d+)", head)
        real = f" of {int(size[1])} bytes" if size else ""
        return f"is a git-lfs pointer, not the file{real} itself; run `git lfs pull`"
    if _HTML.match(head):
        return 'is a web page, not weights; download the file itself (a "raw" link)'
    if head.lstrip()[:5] == b"<?xml":
        return "is XML (an error page of a file server?), not weights"
    if head.lstrip()[:1] in (b"{", b"[") and _is_text(head):
        return "is JSON, not weights"
    return None


def _binary_kind(head: bytes, path: str) -> str | None:
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(path)
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _hdf5_kind(path)
    if head.startswith(_OLD_TORCH):
        return f"is a PyTorch file; {_plugin('torch')}"
    if _ONNX.match(head):
        return f"is an ONNX file; {_plugin('onnx')}"
    if _PICKLE.match(head):
        return f"is a Python pickle; {_NO_LOADER}"
    if re.match(rb"[\x00-\xff]{3}\x00{5}\{\"", head):
        return f"is a safetensors file; {_plugin('safetensors')}"
    if head[257:262] == b"ustar":
        return "is a tar archive; unpack it first (tar xf)"
    if head[4:8] == b"TFL3":
        return "is a TensorFlow Lite file, whose weights are fused for inference; not read"
    return next((sentence for magic, sentence in _MAGIC if head.startswith(magic)), None)


def _zip_kind(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:
        return "is a damaged zip; download or copy it again"
    if any(name.endswith("data.pkl") for name in names):
        return f"is a PyTorch file; {_plugin('torch')}"
    if "model.weights.h5" in names:
        return f"is a Keras file; {_plugin('keras')}"
    held = ", ".join(map(repr, names[:3])) + " ..." * (len(names) > 3)
    return f"is a zip but no npz: it holds {held}; unpack it and name a weights file in it"


def _hdf5_kind(path: str) -> str:
    try:
        import h5py

        with h5py.File(path, "r") as file:
            names, attributes = list(file)[:3], set(file.attrs)
    except Exception:
        return "is a damaged HDF5 file; download or copy it again"
    if attributes & {"keras_version", "layer_names", "backend"} or "model_weights" in names:
        return f"is a Keras HDF5 file; {_plugin('keras')}"
    held = ", ".join(map(repr, names))
    return f"is HDF5 that no installed loader knows (it holds {held}); {_NO_LOADER}"


def _plugin(name: str) -> str:
    return f"install the plugin chainer-ft-{name} to read it, or see `chainer-ft plugins`"


def _is_text(head: bytes) -> bool:
    try:
        head.decode("utf-8", "strict" if len(head) < 4096 else "ignore")
    except UnicodeDecodeError:
        return False
    return b"\x00" not in head
