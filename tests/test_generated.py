"""The page's generated code speaks the same API as Python's; `make proto` writes both, but the page's only with npm."""

import base64
import importlib
import re
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto

ROOT = Path(__file__).resolve().parents[1]
PROTOS = sorted(path.stem for path in (ROOT / "proto/unmask/v1").glob("*.proto"))


@pytest.mark.parametrize("name", PROTOS)
def test_page_and_python_were_generated_from_the_same_proto(name):
    script = (ROOT / f"frontend/src/net/gen/unmask/v1/{name}_pb.js").read_text()
    encoded = re.search(r'fileDesc\("([^"]+)"', script)[1]
    page = FileDescriptorProto.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
    python = FileDescriptorProto.FromString(importlib.import_module(f"unmask.v1.{name}_pb2").DESCRIPTOR.serialized_pb)
    del python.dependency[:]  # the page imports these as modules
    assert page == python, "run `make proto`"
