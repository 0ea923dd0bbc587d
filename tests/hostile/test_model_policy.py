"""What a caller learns of the server's disk from what it may not load, and from what it may."""

import pytest

from inference_service.errors import PermissionDenied, ServiceError
from inference_service.models.library import Library, Source


@pytest.mark.parametrize("source", ["nowhere/at/all/of/them", "empty", "no weights", "pickle", "broken config"])
def test_a_model_of_the_catalog_that_does_not_load_is_spoken_of_by_its_name(tmp_path, source):
    secret = tmp_path / "secret" / source
    if "/" not in source:
        secret.mkdir(parents=True)
    if source in ("no weights", "pickle"):
        (secret / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
    if source == "pickle":
        (secret / "pytorch_model.bin").write_bytes(b"\x80\x04")
    if source == "broken config":
        (secret / "config.json").write_text("{")
        (secret / "model.safetensors").write_bytes(b"")
    library = Library(policy="catalog", catalog={"mine": Source(str(secret))})
    with pytest.raises(ServiceError) as refused:
        library.load("mine")
    told = f"{refused.value.message} {refused.value.fields} {refused.value.metadata}"
    assert "secret" not in told and str(tmp_path) not in told
    assert "mine" in told or "config.json" in told or "safetensors" in told


def test_a_name_outside_the_catalog_is_refused_before_anybody_looks(tmp_path, monkeypatch):
    def look(*_, **__):
        raise AssertionError("the disk was looked at")

    monkeypatch.setattr("inference_service.models.library.load", look)
    library = Library(policy="catalog", catalog={"mine": Source(str(tmp_path))})
    answers = set()
    for name in (str(tmp_path), str(tmp_path / "none"), "/etc", "~root", "org/name", "a\0b", "../x", "x" * 100_000):
        with pytest.raises(PermissionDenied) as refused:
            library.load(name)
        answers.add(refused.value.message)
    assert len(answers) == 1
