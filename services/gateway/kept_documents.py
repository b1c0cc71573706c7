"""Answers to GET of one task, kept as bytes until something is said about the task's root."""

from collections import OrderedDict


class KeptDocuments:
    """By log key and task id. Whoever fills it says which version it had looked at."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._by_root: OrderedDict[str, dict[str, bytes]] = OrderedDict()
        self._count = 0

    def changed(self, key: str) -> None:
        """Forget what was kept of this root; also what is being read right now."""
        documents = self._by_root.pop(key, None)
        if documents is not None:
            self._count -= len(documents)

    def get(self, key: str, task_id: str) -> bytes | None:
        documents = self._by_root.get(key)
        return documents.get(task_id) if documents else None

    def begin(self, key: str) -> dict[str, bytes]:
        """To be given back with what was read: if it is no longer the one in here, the root has
        changed meanwhile."""
        documents = self._by_root.get(key)
        if documents is None:
            documents = self._by_root[key] = {}
            self._let_go()
        return documents

    def keep(self, key: str, begun: dict[str, bytes], task_id: str, document: bytes) -> None:
        if self._by_root.get(key) is not begun:
            return
        self._count += task_id not in begun
        begun[task_id] = document
        self._let_go()

    def _let_go(self) -> None:
        while self._count > self._kept or len(self._by_root) > self._kept:
            _, oldest = self._by_root.popitem(last=False)
            self._count -= len(oldest)
