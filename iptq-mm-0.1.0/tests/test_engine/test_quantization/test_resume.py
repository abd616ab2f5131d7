"""A calibration that was killed goes on where it stopped."""
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.quantization import calibrate
from iptq_mm.engine.quantization.ptq_hook import PTQHook

from detectors import TINY, Detector, Images
from quantized import float_swin


class Killed(Exception):
    pass


class Killer:
    """Ends the process, as it were, before the n-th forward pass."""

    def __init__(self, model, passes):
        self.left = passes
        self.handle = model.backbone.register_forward_pre_hook(self)

    def __call__(self, *_):
        if not self.left:
            raise Killed
        self.left -= 1


@pytest.fixture(autouse=True)
def every_second_batch(monkeypatch):
    monkeypatch.setattr(calibrate, 'SAVE_EVERY', 2)


@pytest.fixture(scope='module')
def loader():
    return dict(
        batch_size=1,
        dataset=Images(),
        collate_fn=dict(type='default_collate'),
        sampler=dict(type='DefaultSampler', shuffle=True))


def runner(seed=0):
    return SimpleNamespace(
        model=Detector(float_swin(seed, **TINY)),
        build_dataloader=Runner.build_dataloader)


def hook(loader, **settings):
    """Two passes over five batches."""
    return PTQHook(loader, num_batches=5, equalize=False, **settings)


def kill(loader, folder, passes):
    subject = runner()
    Killer(subject.model, passes)
    with pytest.raises(Killed):
        hook(loader).quantize(subject, folder)


@pytest.mark.parametrize('passes, left', [
    (1, 10),  # before the first file: from the start
    (3, 8),  # within the first pass
    (9, 1),  # within the second
])
def test_the_same_integers_and_no_batch_twice(loader, tmp_path, passes, left):
    kill(loader, tmp_path, passes)
    subject = runner()
    killer = Killer(subject.model, left)
    resumed = hook(loader).quantize(subject, tmp_path, True)
    assert killer.left == 0
    whole = hook(loader).quantize(runner()).backbone.state_dict()
    state = resumed.backbone.state_dict()
    assert whole.keys() == state.keys()
    assert all(torch.equal(whole[name], state[name]) for name in whole)


def test_without_the_option_it_starts_anew(loader, tmp_path):
    kill(loader, tmp_path, 3)
    subject = runner()
    killer = Killer(subject.model, 10)
    hook(loader).quantize(subject, tmp_path)
    assert killer.left == 0


@pytest.mark.parametrize('seed, settings, says', [
    (1, dict(), 'the weights differ'),
    (0, dict(observer=dict(type='min_max')), 'settings of PTQHook differ'),
])
def test_another_calibration_is_refused(loader, tmp_path, seed, settings,
                                        says):
    kill(loader, tmp_path, 3)
    with pytest.raises(UserError, match=f'{says}.*--resume'):
        hook(loader, **settings).quantize(runner(seed), tmp_path, True)


def test_files_are_read_without_running_code(loader, tmp_path):
    hook(loader).quantize(runner(), tmp_path)
    paths = sorted(path.name for path in tmp_path.iterdir())
    assert paths == ['observing_the_float_model.0.pth',
                     'observing_the_mixed_model.0.pth']
    for path in tmp_path.iterdir():
        assert torch.load(path, weights_only=True)['batches'] == 5


def test_a_damaged_file_is_named(loader, tmp_path):
    kill(loader, tmp_path, 3)
    path, = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match=f'{path.name}.*truncated'):
        hook(loader).quantize(runner(), tmp_path, True)
