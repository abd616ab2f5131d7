import pytest


@pytest.fixture(scope='module')
def report(tool):
    return tool('report')


def test_one_run_is_the_default(report, tmp_path, monkeypatch, capsys):
    seen = []
    monkeypatch.setattr('iptq_mm.engine.report.page.save_page',
                        lambda path, runs: seen.append((path, runs)))
    assert report([str(tmp_path)]) == 0
    assert report([str(tmp_path), str(tmp_path), '--out',
                   str(tmp_path / 'both.html')]) == 0
    assert seen == [(tmp_path / 'report.html', [tmp_path]),
                    (tmp_path / 'both.html', [tmp_path, tmp_path])]
    assert capsys.readouterr().out.split() == [
        str(tmp_path / 'report.html'), str(tmp_path / 'both.html')
    ]


def test_several_runs_need_a_place(report, tmp_path, capsys):
    assert report([str(tmp_path), str(tmp_path)]) == 1
    assert '--out FILE' in capsys.readouterr().err


def test_a_folder_without_a_run(report, tmp_path, capsys):
    assert report([str(tmp_path)]) == 1
    assert 'holds no ptq_report.json' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
