"""Service and gateway read one environment: a variable that both read must mean one thing."""

from inference_service.config import Config
from web_gateway.config import Settings

MEANT_FOR_BOTH = {"insecure"}


def test_no_variable_means_two_things():
    assert set(Config.model_fields) & set(Settings.model_fields) == MEANT_FOR_BOTH
