from pathlib import Path

import pytest

from support.fhir_resources import Importer


@pytest.fixture
def fhir(tmp_path: Path) -> Importer:
    return Importer(tmp_path)
