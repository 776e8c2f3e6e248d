import pickle

from hrpose.data.people import Tally


def test_a_tally_counts_by_reason_and_tells_its_ids() -> None:
    tally = Tally()
    assert str(tally) == "none"
    for reason, number in (("crowd region", 1), ("no keypoints", 2), ("crowd region", 3)):
        tally.note(reason, number)
    assert tally["crowd region"] == 2
    assert tally["another"] == 0
    assert tally.total() == 3
    assert str(tally) == "2 crowd region, 1 no keypoints"
    assert pickle.loads(pickle.dumps(tally)).ids == tally.ids
