import time
from pathlib import Path

import pytest

from events.log import Log
from services.embedded_log import open_log
from tests.contracts.log_contract import LogContract, OpenLog


class TestEmbeddedLog(LogContract):
    @pytest.fixture
    def open_log(self, tmp_path: Path) -> OpenLog:
        async def opened() -> Log:
            return await open_log(
                tmp_path / "history.db", "history", lambda: time.time_ns() // 1000
            )

        return opened
