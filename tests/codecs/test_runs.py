import torch

from hrpose.codecs.runs import RUN, cut


def test_the_range_of_each_run_is_that_of_its_pixels() -> None:
    maps = torch.randn(2, 3, 5, 2 * RUN + 6)
    runs = cut(maps, low=True)
    assert runs.high.shape == runs.low.shape == (6, 5, 3)
    assert runs.high[4, 2, 1] == maps[1, 1, 2, RUN : 2 * RUN].max()
    assert runs.low[4, 2, 2] == maps[1, 1, 2, 2 * RUN :].min()


def test_rows_of_whole_runs_are_not_copied() -> None:
    maps = torch.randn(1, 2, 3, RUN)
    assert cut(maps).pixels.data_ptr() == maps.data_ptr()


def test_no_maps_have_no_runs() -> None:
    runs = cut(torch.zeros(0, 3, 8, 8), low=True)
    assert runs.pixels.shape == (0, RUN)
    assert runs.high.shape == (0, 8, 1)
