import pytest

from iptq_mm.engine.atomic import atomic_file
from iptq_mm.engine.errors import UserError


def test_complete_file_gets_its_final_name(tmp_path):
    path = tmp_path / 'report.json'
    with atomic_file(path) as temporary:
        temporary.write_text('{}')
        assert not path.exists()
    assert path.read_text() == '{}'
    assert list(tmp_path.iterdir()) == [path]


def test_failure_in_the_middle_leaves_the_older_file(tmp_path):
    path = tmp_path / 'report.json'
    path.write_text('old')
    with pytest.raises(KeyboardInterrupt):
        with atomic_file(path) as temporary:
            temporary.write_text('half of the n')
            raise KeyboardInterrupt
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_missing_folder_names_the_file(tmp_path):
    path = tmp_path / 'nowhere' / 'report.json'
    with pytest.raises(UserError, match='cannot write .*report.json'):
        with atomic_file(path) as temporary:
            temporary.write_text('{}')
