import time

import pytest
from eventsourcing.popo import POPOApplicationRecorder

from events.log import Log
from services.embedded_log import memory_log
from tests.contracts.log_contract import LogContract, OpenLog


class TestMemoryLog(LogContract):
    @pytest.fixture
    def open_log(self) -> OpenLog:
        recorder = POPOApplicationRecorder()

        async def opened() -> Log:
            return memory_log(recorder, "history", lambda: time.time_ns() // 1000)

        return opened
