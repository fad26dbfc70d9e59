"""JSON carries all of the plan."""

from __future__ import annotations

import json

from chainer_ft.planning import Rules, by_name, make_plan
from chainer_ft.report.json import outcome_data, plan_data
from chainer_ft.types import Listing, Outcome

SOURCE = Listing.of({"/a/W": (2,), "/h/W": (5,), "/s/W": (1,), "/old/W": (9,)}, "old.npz")
TARGET = Listing.of({"/a/W": (2,), "/h/W": (6,), "/s/W": (1,), "/n/x/W": (4,)}, "new.npz")


def test_everything_is_there() -> None:
    made = make_plan(SOURCE, TARGET, by_name.POLICY, Rules.of(skip="/s"))
    data = json.loads(made.to_json())
    assert data == json.loads(json.dumps(plan_data(made)))
    assert data["schema"] == "chainer_ft.plan/1"
    assert (data["source"], data["target"], data["policy"]) == ("old.npz", "new.npz", "name")
    assert (data["filled_parameters"], data["target_parameters"]) == (2, 13)
    assert data["coverage_by_child"] == {"/a": 1.0, "/h": 0.0, "/s": 0.0, "/n": 0.0}
    assert data["pairs"][0]["source"] == "/a/W"
    assert data["missing"] == ["/n/x/W"]
    assert data["unexpected"] == ["/old/W"]
    assert data["incorrect_shapes"] == [
        {"source": "/h/W", "target": "/h/W", "source_shape": [5], "target_shape": [6]}
    ]
    assert {skip["side"] for skip in data["skipped"]} == {"source", "target"}
    assert len(data["source_entries"]) == len(data["target_entries"]) == 4


def test_an_outcome() -> None:
    made = make_plan(SOURCE, TARGET, by_name.POLICY)
    assert outcome_data(made, None)["applied"] is False
    done = outcome_data(made, Outcome(made.pairs, made.coverage, "out.npz", ("/a/W",)))
    assert (done["applied"], done["written"], done["initialized"]) == (True, "out.npz", ["/a/W"])
