"""Which windows a sample takes."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Sampler:
    """Takes windows that hold about a ``share`` of the runs (0 to 1, None for all); ``seed`` decides which ones."""

    share: float | None = None
    seed: int = 0

    def takes(self, dag_id: str, run_id: str, ratio: float) -> bool:
        """Tell whether the children of the window that begins with ``run_id`` are compared.

        A window that is taken holds ``ratio`` times the runs of one that is not, which may be longer.
        """
        if self.share is None:
            return True
        chance = self.share / (self.share + ratio * (1 - self.share))
        text = f"{self.seed}\n{dag_id}\n{run_id}".encode("utf-8", "backslashreplace")
        return int.from_bytes(blake2b(text, digest_size=8).digest()) < chance * 2**64
