"""Brings nets and solvers of any year to Caffe's last form, as Caffe does when it reads them."""

from __future__ import annotations

from chainer_ft.caffe.message import Message
from chainer_ft.caffe.text_tokens import PrototxtError
from chainer_ft.caffe.upgrade_v0 import is_v0, upgrade_v0

_SPELLING = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "LRN": "LRN",
    "MVN": "MVN",
    "NONE": "",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
_OLD_DATA = {"DATA": "data_param", "IMAGE_DATA": "image_data_param"}
_OLD_DATA["WINDOW_DATA"] = "window_data_param"
_SOLVERS = {"NESTEROV": "Nesterov", "ADAGRAD": "AdaGrad", "RMSPROP": "RMSProp"}
_SOLVERS |= {"SGD": "SGD", "ADADELTA": "AdaDelta", "ADAM": "Adam"}
_LISTS = {"param": "name", "blob_share_mode": "share_mode"}
_LISTS |= {"blobs_lr": "lr_mult", "weight_decay": "decay_mult"}


def upgrade_net(net: Message) -> None:
    """Bring a ``NetParameter`` to the last form, in Caffe's order.

    V0 and V1 layers become ``layer``, ``input`` fields become an Input layer, the statistics of
    BatchNorm layers with three ``param`` entries get a rate of 0.

    Raises:
        PrototxtError: Old and new layers in one net, or a type that Caffe never had.

    Example:
        >>> from chainer_ft.caffe.prototxt import parse_net
        >>> old = 'layers { name: "r" type: RELU bottom: "x" top: "x" }'
        >>> parse_net(old).layer[0].type
        'ReLU'
    """
    if is_v0(net):
        upgrade_v0(net)
    for layer in net.layers:
        _upgrade_transform(layer)
    _upgrade_layers(net)
    _upgrade_inputs(net)
    for layer in net.layer:
        _upgrade_batch_norm(layer)


def upgrade_solver(solver: Message) -> None:
    """Bring a ``SolverParameter``, and the nets in it, to the last form."""
    if solver.has("solver_type"):
        if solver.has("type"):
            raise PrototxtError(
                f"{solver.where('solver_type')}: both solver_type and type are given; "
                "remove solver_type"
            )
        solver.set("type", _SOLVERS[solver.solver_type])
        solver.clear("solver_type")
    for name in ("net_param", "train_net_param"):
        if solver.has(name):
            upgrade_net(getattr(solver, name))
    for net in solver.test_net_param:
        upgrade_net(net)


def camel_case(name: str) -> str:
    """The name of a V1 layer type today.

    Example:
        >>> camel_case("INNER_PRODUCT"), camel_case("SOFTMAX_LOSS")
        ('InnerProduct', 'SoftmaxWithLoss')
    """
    return _SPELLING.get(name, "".join(part.capitalize() for part in name.split("_")))


def _upgrade_transform(layer: Message) -> None:
    """What V1 data layers say of transformations moves to ``transform_param``."""
    name = _OLD_DATA.get(layer.type, "")
    if not layer.has(name) if name else True:
        return
    old = getattr(layer, name)
    for field in ("scale", "mean_file", "crop_size", "mirror"):
        if old.has(field):
            if not layer.has("transform_param"):
                layer.set("transform_param", layer.transform_param)
            layer.transform_param.take(old, field)
            old.clear(field)


def _upgrade_layers(net: Message) -> None:
    if not net.has("layers"):
        return
    if net.has("layer"):
        raise PrototxtError(
            f"{net.where('layer')}: `layer` and `layers` in one net; rewrite the old `layers`"
        )
    net.set("layer", [_upgraded(layer) for layer in net.layers])
    net.clear("layers")


def _upgraded(old: Message) -> Message:
    new = Message("LayerParameter", old.where())
    new.unknown = old.unknown
    for field in old.set_fields():
        if field.name == "type":
            new.take(old, "type")
            new.set("type", camel_case(old.type))
        elif field.name not in (*_LISTS, "layer"):
            new.take(old, field.name)
    length = max(len(getattr(old, name)) for name in _LISTS)
    for i in range(length):
        new.add("param", _param(old, i))
    return new


def _param(old: Message, index: int) -> Message:
    """The lists of a V1 layer at one index, as a ParamSpec."""
    spec = Message("ParamSpec", old.where())
    for name, new_name in _LISTS.items():
        values = getattr(old, name)
        if index < len(values):
            value = values[index]
            spec.set(new_name, float(value) if name in ("blobs_lr", "weight_decay") else value)
    return spec


def _upgrade_inputs(net: Message) -> None:
    if not net.has("input"):
        return
    shapes = list(net.input_shape) or _four_each(net.input_dim)
    if shapes:
        layer = Message("LayerParameter", net.where("input"), name="input", type="Input")
        layer.set("top", net.input)
        layer.set("input_param", Message("InputParameter", net.where("input"), shape=shapes))
        net.set("layer", [layer, *net.layer])
    net.clear("input", "input_shape", "input_dim")


def _four_each(dims: list[int]) -> list[Message]:
    return [Message("BlobShape", dim=dims[i : i + 4]) for i in range(0, len(dims), 4)]


def _upgrade_batch_norm(layer: Message) -> None:
    if layer.type == "BatchNorm" and len(layer.param) == 3:
        for spec in layer.param:
            spec.set("lr_mult", 0.0)
            spec.set("decay_mult", 0.0)
