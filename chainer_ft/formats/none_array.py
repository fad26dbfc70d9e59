"""How Chainer writes what does not exist: a 0-d object array of ``None``, pickled by NumPy.

No pickle is loaded here: its opcodes are listed, which runs nothing.
"""

from __future__ import annotations

import pickletools

#: ``pickle.dumps(numpy.array(None), 2)``, under the module name that every NumPy can import.
PICKLE = (
    b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85"
    b"c_codecs\nencode\nX\x01\x00\x00\x00bX\x06\x00\x00\x00latin1\x86R\x87R"
    b"(K\x01)cnumpy\ndtype\nX\x02\x00\x00\x00O8\x89\x88\x87R"
    b"(K\x03X\x01\x00\x00\x00|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    b"\x89]Natb."
)
LIMIT = 1024  # bytes; every NumPy's pickle of None is shorter
_BOOKKEEPING = frozenset(("PROTO", "FRAME", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"))
# The array's state ends in a list of its elements: [None]), build, stop.
_END = ("EMPTY_LIST", "NONE", "APPEND", "TUPLE", "BUILD", "STOP")
_END_OF_PROTOCOL_0 = ("MARK", "LIST", "NONE", "APPEND", "TUPLE", "BUILD", "STOP")


def is_none(pickled: bytes) -> bool:
    """Whether this is the pickle of an array whose one element is ``None``.

    Example:
        >>> is_none(PICKLE), is_none(PICKLE.replace(b"]N", b"]K\\x01"))
        (True, False)
    """
    if len(pickled) > LIMIT:
        return False
    try:
        names = [opcode.name for opcode, _, _ in pickletools.genops(pickled)]
    except Exception:  # whatever it is, it is not None
        return False
    steps = tuple(name for name in names if name not in _BOOKKEEPING)
    return steps[-6:] == _END or steps[-7:] == _END_OF_PROTOCOL_0
