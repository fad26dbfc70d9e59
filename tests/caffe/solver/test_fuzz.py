"""Solvers and files that nobody has thought of: an error of ours, or none."""

from __future__ import annotations

from pathlib import Path

from any_message import messages
from hypothesis import given
from hypothesis import strategies as st

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.prototxt import parse_solver
from chainer_ft.caffe.schema import message_type
from chainer_ft.caffe.solver import to_script
from chainer_ft.caffe.solver.checks import checked_optimizer
from chainer_ft.caffe.solver.nets import net_to_train, nets_to_test
from chainer_ft.caffe.solver.positions import read_positions
from chainer_ft.caffe.solver.rates import learning_rate
from chainer_ft.caffe.solver.solverstate import read_solverstate
from chainer_ft.caffe.solver.stored import stored_net
from chainer_ft.errors import ChainerFTError, FormatError

POLICIES = ["fixed", "step", "exp", "inv", "multistep", "poly", "sigmoid", "other"]
TYPES = ["SGD", "Nesterov", "AdaGrad", "RMSProp", "AdaDelta", "Adam", "other"]
solvers = st.builds(
    lambda message, policy, type: (
        (message.set("lr_policy", policy), message.set("type", type)) and message
    ),
    messages(message_type("SolverParameter")),
    st.sampled_from(POLICIES),
    st.sampled_from(TYPES),
)


@given(solvers, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
def test_any_solver_is_checked_or_refused(solver: Message, iteration: int, step: int) -> None:
    for look in (checked_optimizer, net_to_train, nets_to_test, to_script):
        try:
            look(solver)
        except ChainerFTError as error:
            assert str(error)
    try:
        learning_rate(solver, iteration, step)
    except ChainerFTError as error:
        assert str(error)


@given(data=st.data())
def test_a_solver_file_with_other_characters_in_it(data: st.DataObject, shared: Path) -> None:
    folder = shared / "data" / "caffe" / "cifar10_h5_bxuan694"
    text = (folder / "cifar10_quick_solver_lr1.prototxt").read_text()
    at = data.draw(st.integers(0, len(text)))
    junk, cut = data.draw(st.text(max_size=5)), data.draw(st.integers(0, 20))
    try:
        checked_optimizer(parse_solver(text[:at] + junk + text[at + cut :], "s.prototxt"))
    except ChainerFTError as error:
        assert "s.prototxt:" in str(error)


@given(data=st.data())
def test_damaged_weights_and_states(
    data: st.DataObject, shared: Path, tmp_path_factory: object
) -> None:
    files = shared / "caffe" / "golden" / "files"
    name = data.draw(
        st.sampled_from(
            [
                "sv_adam_iter_10.caffemodel",
                "sv_adam_iter_10.solverstate",
                "snaph_iter_5.caffemodel.h5",
                "snaph_iter_5.solverstate.h5",
            ]
        )
    )
    whole = bytearray((files / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at : at + 1] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("fuzz") / name  # type: ignore[attr-defined]
    path.write_bytes(whole)
    try:
        if "solverstate" in name:
            read_solverstate(path)
        else:
            with stored_net(str(path)) as stored:
                for layer in stored.layers:
                    for blob in layer.blobs.values():
                        blob.read()
    except FormatError as error:
        assert str(path) in str(error)


@given(text=st.text(max_size=40) | st.sampled_from(['{"schema": "chainer-ft/caffe-positions/1"}']))
def test_damaged_positions(text: str, tmp_path_factory: object) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "x"  # type: ignore[attr-defined]
    Path(f"{path}.json").write_text(text, encoding="utf-8")
    try:
        assert read_positions(str(path)) is None
    except FormatError as error:
        assert "remove it" in str(error)
