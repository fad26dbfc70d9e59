"""The name policy, with dictionaries."""

from __future__ import annotations

import numpy as np

from chainer_ft.planning import make_plan
from chainer_ft.planning.by_name import POLICY
from chainer_ft.types import Entry, Listing, Plan

F4, I4 = np.dtype("f4"), np.dtype("i4")
BN = {"gamma": "param", "beta": "param", "avg_mean": "persistent", "avg_var": "persistent"}


def plan(source: dict, target: dict) -> Plan:  # type: ignore[type-arg]
    return make_plan(Listing.of(source), Listing.of(target), POLICY)


def pairs(made: Plan) -> list[tuple[str, str]]:
    return [(pair.source, pair.target) for pair in made.pairs]


def batch_norm(link: str, names: str = "gamma beta avg_mean avg_var N") -> list[Entry]:
    made = []
    for name in names.split():
        shape, dtype = ((), I4) if name == "N" else ((3,), F4)
        made.append(Entry(f"{link}/{name}", shape, dtype, BN.get(name, "persistent")))  # type: ignore[arg-type]
    return made


def test_equal_paths_and_shapes() -> None:
    made = plan({"/c/W": (8, 3, 3, 3), "/c/b": (8,)}, {"/c/b": (8,), "/c/W": (8, 3, 3, 3)})
    assert pairs(made) == [("/c/b", "/c/b"), ("/c/W", "/c/W")]
    assert made.coverage == 1.0


def test_a_link_is_not_copied_by_half() -> None:
    made = plan({"/fc/W": (10, 4), "/fc/b": (7,)}, {"/fc/W": (10, 4), "/fc/b": (10,)})
    assert made.pairs == ()
    assert [(c.source_shape, c.target_shape) for c in made.incorrect_shapes] == [((7,), (10,))]
    assert made.missing == ("/fc/W",)
    assert made.reasons["target", "/fc/W"] == "b of its link differs in shape"


def test_fewer_parameters_do_not_match_more() -> None:
    for source, target in (("Wb", "W"), ("W", "Wb")):
        sizes = {"W": (10, 4), "b": (10,)}
        made = plan({f"/fc/{n}": sizes[n] for n in source}, {f"/fc/{n}": sizes[n] for n in target})
        assert made.pairs == ()
        assert "not copied by half" in made.reasons["target", "/fc/W"]


def test_every_clash_is_reported() -> None:
    shapes = {f"/l{i}/W": (i + 1, 2) for i in range(4)}
    made = plan(shapes, dict.fromkeys(shapes, (9, 2)))
    assert len(made.incorrect_shapes) == 4


def test_one_class_does_not_become_ten() -> None:
    made = plan({"/fc/W": (1, 4), "/fc/b": (1,)}, {"/fc/W": (10, 4), "/fc/b": (10,)})
    assert made.pairs == ()
    assert len(made.incorrect_shapes) == 2


def test_lazy_target_is_filled() -> None:
    target = Listing((Entry("/fc/W", None, partial_shape=(10, None)), Entry("/fc/b", (10,))))
    made = make_plan(Listing.of({"/fc/W": (10, 512), "/fc/b": (10,)}), target, POLICY)
    assert len(made.pairs) == 2
    assert made.coverage == 1.0


def test_lazy_target_knows_its_classes() -> None:
    target = Listing((Entry("/fc/W", None, partial_shape=(5, None)),))
    made = make_plan(Listing.of({"/fc/W": (10, 512)}), target, POLICY)
    assert made.incorrect_shapes[0].target_shape == (5, None)


def test_uninitialised_source_is_not_copied() -> None:
    source = Listing((Entry("/fc/W", None, note="uninitialised"), Entry("/fc/b", (10,))))
    made = make_plan(source, Listing.of({"/fc/W": (10, 2), "/fc/b": (10,)}), POLICY)
    assert made.pairs == ()
    assert made.reasons["source", "/fc/W"] == "uninitialised"


def test_statistics_move_with_batch_normalization() -> None:
    listing = Listing(tuple(batch_norm("/bn")))
    assert len(make_plan(listing, listing, POLICY).pairs) == 5


def test_batch_normalization_without_statistics_is_refused() -> None:
    source = Listing(tuple(batch_norm("/bn", "gamma beta")))
    made = make_plan(source, Listing(tuple(batch_norm("/bn"))), POLICY)
    assert made.pairs == ()
    assert "no avg_mean, avg_var" in made.reasons["target", "/bn/gamma"]


def test_a_counter_may_be_missing() -> None:
    source = Listing(tuple(batch_norm("/bn", "gamma beta avg_mean avg_var")))
    made = make_plan(source, Listing(tuple(batch_norm("/bn"))), POLICY)
    assert len(made.pairs) == 4
    assert made.missing == ("/bn/N",)


def test_persistents_of_the_source_alone_are_unexpected() -> None:
    source = Listing((Entry("/scale", (2,)), Entry("/mean", (3,), F4, "persistent")))
    made = make_plan(source, Listing.of({"/scale": (2,)}), POLICY)
    assert pairs(made) == [("/scale", "/scale")]
    assert made.unexpected == ("/mean",)


def test_own_parameters_of_a_chain_are_a_unit_of_their_own() -> None:
    made = plan({"/scale": (2,), "/fc/W": (3, 3)}, {"/scale": (2,), "/fc/W": (4, 3)})
    assert pairs(made) == [("/scale", "/scale")]


def test_known_types_must_be_the_same_operation() -> None:
    source = Listing((Entry("/a/W", (4, 4, 3, 3), link_type="Deconvolution2D"),))
    target = Listing((Entry("/a/W", (4, 4, 3, 3), link_type="Convolution2D"),))
    made = make_plan(source, target, POLICY)
    assert made.reasons["target", "/a/W"] == "a Deconvolution2D is not a Convolution2D"


def test_subclasses_and_namesakes_match() -> None:
    target = Listing((Entry("/a/W", (4, 4), link_type="Linear"),))
    for name, bases in (("MyLinear", ("Linear",)), ("Linear", ()), ("Block", ()), (None, ())):
        source = Listing((Entry("/a/W", (4, 4), link_type=name, bases=bases),))
        assert make_plan(source, target, POLICY).coverage == 1.0


def test_a_wrapper_on_either_side_is_looked_through() -> None:
    bare = {"/conv/W": (2, 2), "/block/fc/W": (3, 3)}
    wrapped = {"/predictor" + path: shape for path, shape in bare.items()}
    for source, target in ((wrapped, bare), (bare, wrapped)):
        made = plan(source, target)
        assert made.coverage == 1.0
        assert "is below /predictor" in made.pairs[0].reason
    assert plan({"/m/W": (2,)}, {"/W": (2,)}).coverage == 1.0


def test_a_prefix_is_not_guessed_where_names_agree() -> None:
    made = plan({"/a/b/W": (2,), "/a/a/W": (2,)}, {"/a/W": (2,), "/a/a/W": (2,)})
    assert pairs(made) == [("/a/a/W", "/a/a/W")]


def test_a_cast_stands_in_the_plan() -> None:
    source = Listing((Entry("/W", (2,), np.dtype("f8")),))
    made = make_plan(source, Listing((Entry("/W", (2,), F4),)), POLICY)
    assert made.pairs[0].transforms == ("cast float64 -> float32",)


def test_floats_do_not_become_integers() -> None:
    made = make_plan(Listing((Entry("/W", (2,), F4),)), Listing((Entry("/W", (2,), I4),)), POLICY)
    assert made.pairs == ()
    assert made.reasons["target", "/W"] == "W is float32 and cannot become int32"


def test_what_no_array_can_stand_for_does_not_hold_its_link_back() -> None:
    table = Entry("/table", None, None, "persistent", note="a Python dict, not an array")
    target = Listing((Entry("/scale", (2,)), table))
    made = make_plan(Listing.of({"/scale": (2,)}), target, POLICY)
    assert pairs(made) == [("/scale", "/scale")]
    assert made.missing == ("/table",)
    lazy = Entry("/avg_mean", None, None, "persistent", note="uninitialised")
    made = make_plan(Listing.of({"/scale": (2,)}), Listing((Entry("/scale", (2,)), lazy)), POLICY)
    assert made.pairs == ()


def test_what_neither_side_has_holds_nothing_back() -> None:
    empty = Entry("/extra", None, None, "persistent", note="uninitialised")
    net = Listing((Entry("/scale", (2,)), empty))
    made = make_plan(net, net, POLICY)
    assert pairs(made) == [("/scale", "/scale")]
    assert (made.missing, made.unexpected) == (("/extra",), ("/extra",))
    lazy = Listing((Entry("/W", None, note="uninitialised"), Entry("/b", (2,))))
    assert pairs(make_plan(lazy, lazy, POLICY)) == [("/b", "/b")]


def test_a_wrapper_whose_paths_coincide_is_still_seen_through() -> None:
    made = plan({"/a/fc/W": (2,), "/a/a/fc/W": (2,)}, {"/fc/W": (2,), "/a/fc/W": (2,)})
    assert set(pairs(made)) == {("/a/fc/W", "/fc/W"), ("/a/a/fc/W", "/a/fc/W")}
