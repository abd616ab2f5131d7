import json

import onnx
import pytest
import torch

from iptq_mm.benchmark import RUNTIMES, float_model, seeded_images
from iptq_mm.benchmark.runtimes import file_name
from iptq_mm.compat import zip_strict
from iptq_mm.export import metadata
from iptq_mm.ops import native


@pytest.fixture(scope='module')
def benchmark(tool):
    return tool('benchmark')


@pytest.mark.parametrize('name', ['deit_t', 'swin_nano'])
@torch.no_grad()
def test_onnx_runtime_gives_our_integers(name, tmp_path):
    images = seeded_images((2, 3, 32, 32))
    model = float_model(name, (32, 32))
    files = {
        runtime: tmp_path / file_name(runtime)
        for runtime in ('iptq-w8a8', 'ort-iptq')
    }
    # Both calibrate, and must on as many threads: loading sets their number.
    for runtime, path in files.items():
        RUNTIMES[runtime].save(model, images, path)
    ours, theirs = (RUNTIMES[runtime].load(path, 1)(images)
                    for runtime, path in files.items())
    ours = [ours] if torch.is_tensor(ours) else ours
    ports = metadata.read(onnx.load(path))['outputs']
    for real, port, integers in zip_strict(ours, ports, theirs):
        integers = torch.from_numpy(integers)
        if port['layout'] == 'NHWC':
            integers = integers.movedim(-1, 1)
        assert integers.any()
        assert torch.equal(integers, (real / port['scale']).round().int())


def test_writes_a_row_for_each_runtime(benchmark, tmp_path, monkeypatch,
                                       capsys):
    # The memory of each is measured in a process of its own: slow here.
    monkeypatch.setattr('iptq_mm.benchmark.run.peak_mb', lambda *_: 12.5)
    path = tmp_path / 'benchmark.json'
    assert benchmark([
        'swin_nano', '--size', '64x32', '--threads', '1', '--rounds', '3',
        '--json', str(path)
    ]) == 0
    result = json.loads(path.read_text())
    assert [row['runtime'] for row in result['rows']
            ] == ['iptq-w8a8', 'iptq-w6a8', 'iptq-w4a8', 'torch']
    for row in result['rows']:
        assert 0 < row['min_ms'] <= row['median_ms'] <= row['max_ms']
        assert row['peak_mb'] == 12.5
    assert (result['model'], result['batch'], result['size'],
            result['threads']) == ('swin_nano', 1, [64, 32], 1)
    assert 'torch' in result['versions'] and result['cpu']
    assert 'swin_nano, batch 1, 64 x 32' in capsys.readouterr().out


@pytest.fixture
def any_isa():
    best = native.isa()
    yield
    native.set_isa(best)


@pytest.mark.skipif(
    not native.available(), reason='installed without the native kernels')
def test_shows_where_the_time_goes(benchmark, tmp_path, capsys, any_isa,
                                   monkeypatch):
    monkeypatch.setenv('COLUMNS', '120')
    monkeypatch.setattr('iptq_mm.benchmark.peak.SIZES', (64, ))
    path = tmp_path / 'profile.json'
    assert benchmark([
        'swin_nano', '--size', '32', '--rounds', '2', '--profile', '--isa',
        'baseline', '--json', str(path)
    ]) == 0
    result = json.loads(path.read_text())
    assert result['isa'] == 'baseline'
    assert result['products'] > 0 and result['bandwidth'] > 0
    assert {'linear', 'linear_add', 'window_attention'
            } <= {entry['operator'] for entry in result['profile']}
    assert 'window_attention' in capsys.readouterr().out


@pytest.mark.parametrize('peer, package', [('ort', 'onnxruntime'),
                                           ('openvino', 'openvino')])
def test_a_detector_runs_in_torch_alone(benchmark, peer, package, monkeypatch,
                                        capsys):
    pytest.importorskip(package)
    monkeypatch.setattr(RUNTIMES['iptq-w8a8'].__class__, 'check', lambda _: 0)
    for ours in ('iptq-w8a8', 'iptq-w6a8', 'iptq-w4a8'):
        monkeypatch.setitem(RUNTIMES, ours, RUNTIMES['torch'])
    assert benchmark(
        ['mask_rcnn_swin_t', '--size', '64', '--vs', peer]) == 1
    assert '--vs torch' in capsys.readouterr().err


def test_a_missing_package_is_named(benchmark, monkeypatch, capsys):
    monkeypatch.setitem(
        RUNTIMES, 'ort',
        RUNTIMES['ort'].__class__(*[None] * 2, packages=('no_such_package', )))
    assert benchmark(['swin_nano', '--vs', 'ort']) == 1
    assert 'no_such_package' in capsys.readouterr().err


@pytest.mark.parametrize('arguments, message', [
    (['swin_nano', '--vs', 'torch,tpu'], 'no runtime --vs tpu; there are: '),
    (['swin_nano', '--isa', 'mmx'], 'no instruction set --isa mmx; there are'),
    (['swin_x'], 'there is no model swin_x; there are: swin_nano, ')])
def test_a_name_that_does_not_exist(benchmark, arguments, message, capsys):
    assert benchmark(arguments) == 1
    assert message in capsys.readouterr().err


@pytest.mark.parametrize('arguments', [['--size', '12x'], ['--size', '0']])
def test_nonsense_is_refused(benchmark, arguments, capsys):
    with pytest.raises(SystemExit):
        benchmark(['swin_nano', *arguments])
    assert arguments[0] in capsys.readouterr().err
