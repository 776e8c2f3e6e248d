import pytest
import torch

from hrpose.errors import ConfigError
from hrpose.models.device import as_device


def test_none_takes_cuda_where_there_is_one() -> None:
    assert as_device(None).type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_is_taken_by_name_or_as_it_is() -> None:
    assert as_device("cpu") == as_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("wanted", ["gpu", 3.5, ["cpu"]])
def test_what_is_no_device_is_refused(wanted: object) -> None:
    with pytest.raises(ConfigError, match="is no device of torch; give 'cpu', 'cuda' or 'cuda:1'"):
        as_device(wanted)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_refused() -> None:
    with pytest.raises(ConfigError, match="torch finds no CUDA device here; leave it out or give 'cpu'"):
        as_device("cuda")
