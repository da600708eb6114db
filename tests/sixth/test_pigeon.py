"""Pigeon passes the contract kit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from smsoffice.simulator import Simulator
from smsoffice.simulator.dialect import Dialect
from smsoffice.testing import BackendContract
from tests.sixth.dialect import PigeonDialect
from tests.sixth.gateway import PigeonSMSBackend
from tests.sixth.small import SmallPigeonSMSBackend


class TestPigeon(BackendContract):
    backend: ClassVar[str] = PigeonSMSBackend.path()
    dialects: ClassVar[Sequence[Dialect]] = (PigeonDialect(),)

    def configuration(self, simulator: Simulator, password: str, timeout: float) -> dict[str, Any]:
        account = {"URL": simulator.url("pigeon"), "LOFT": simulator.username, "KEY": password}
        return {"PIGEON_CONFIG": {**account, "PREFIX": "test", "TIMEOUT": timeout}}


class TestSmallPigeon(TestPigeon):
    backend: ClassVar[str] = SmallPigeonSMSBackend.path()
    tells_states: ClassVar[bool] = False
    resolves_lost: ClassVar[bool] = False
