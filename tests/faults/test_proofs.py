"""The list of what was taken out to see these tests fail is true of the code as it is."""

from __future__ import annotations

import re

import pytest

from tests.faults.proofs import PROOFS, Proof
from tests.support.site import ROOT


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.fault)
def test_what_a_proof_takes_out_is_there_once(proof: Proof) -> None:
    for it in proof.breaks:
        assert (ROOT / it.path).read_text().count(it.text) == 1, it
    path, _, name = proof.test.partition("::")
    assert f"def {name.partition('[')[0]}" in (ROOT / path).read_text()


def test_the_table_names_what_is_proved() -> None:
    rows = re.findall(r"^\| (\S+)(| ✓) \|", (ROOT / "tests/faults/README.md").read_text(), re.M)
    assert {fault for fault, mark in rows if mark} == {proof.fault for proof in PROOFS if proof.fault.startswith("F")}
