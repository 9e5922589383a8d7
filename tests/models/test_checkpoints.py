"""The keys under which unfinished work is kept."""

from pathlib import Path

from tool_dpo.models.checkpoints import fingerprint


def test_other_settings_or_files_give_another_key(base: Path, data: Path, tmp_path: Path) -> None:
    keys = {fingerprint({"beta": beta}, [path]) for beta in (0.1, 0.05) for path in (data, base / "weights.json")}
    assert len(keys) == 4
