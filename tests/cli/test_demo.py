"""``transfer demo``."""

from pathlib import Path

from .calling import Command, ended, process


def test_the_demonstration_ends_well(transfer: Command) -> None:
    """A kill, a resume and a comparison without a difference, in a folder that its user can look at afterwards."""
    with process("demo", "--runs", "60", "--keep", "kept") as started:
        said = ended(started)
    assert said.code == 0, said.err
    assert said.err == ""
    assert "was killed" in said.out
    assert "0 insert requests" in said.out
    assert "missing, extra or different rows: 0" in said.out
    assert {path.stat().st_mode & 0o077 for path in Path("kept").rglob("*")} == {0}
    assert transfer("status", "kept/state").code == 0


def test_an_earlier_demonstration_is_not_overwritten(transfer: Command) -> None:
    """Exit code 2 with the folder's name."""
    Path("kept/state").mkdir(parents=True)
    said = transfer("demo", "--keep", "kept")
    assert (said.code, "kept" in said.err) == (2, True)


def test_a_folder_that_cannot_be_made(transfer: Command) -> None:
    """Exit code 2 with its name and what to do, no traceback."""
    Path("file").touch()
    for folder in ("file", "file/below"):
        said = transfer("demo", "--keep", folder)
        assert (said.code, f"--keep: {folder} cannot be used" in said.err) == (2, True)
        assert "name a folder that can be made" in said.err
