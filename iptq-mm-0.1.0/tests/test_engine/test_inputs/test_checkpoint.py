import os
import re
import zipfile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer, MessageHub
from torch import nn

from iptq_mm.engine.errors import UserError
from iptq_mm.engine.inputs.checkpoint import (
    check_finite,
    load_weights,
    read_checkpoint,
    weights_of,
)


class Leaves:
    """Unpickling it leaves a folder behind."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder), )


class Reaches:
    """Unpickling it reaches through an allowed class for something else."""

    def __reduce__(self):
        return getattr, (np.ndarray, 'tofile')


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def save(path, content):
    torch.save(content, path)
    return path


def test_reads_what_mmengine_writes(tmp_path, model):
    hub = MessageHub('checkpoint_test')
    hub.update_scalar('train/loss', 0.5)
    hub.update_scalar('train/time', np.float32(0.25), count=2)
    hub.update_info('iter', 3)
    hub.update_info('score', np.float64(0.1))
    path = save(
        tmp_path / 'epoch_1.pth',
        dict(
            state_dict=model.state_dict(),
            message_hub=hub.state_dict(),
            meta=dict(seed=np.int64(1), dataset_meta=dict(classes=('a', )))))
    checkpoint = read_checkpoint(path)
    loss = checkpoint['message_hub']['log_scalars']['train/loss']
    assert isinstance(loss, HistoryBuffer) and loss.mean() == 0.5
    assert loss.statistics('max') == 0.5
    assert torch.equal(weights_of(checkpoint)['0.weight'], model[0].weight)


@pytest.mark.parametrize('core', [b'core', b'_core'])
def test_reads_either_numpy(tmp_path, core):
    path = save(tmp_path / 'a.pth', dict(history=np.arange(3.)))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, 'w') as archive:
        for name, content in members.items():
            archive.writestr(
                name, re.sub(rb'numpy\._?core', b'numpy.' + core, content))
    assert read_checkpoint(path)['history'].tolist() == [0, 1, 2]


def test_refuses_foreign_objects_unless_trusted(tmp_path):
    folder = tmp_path / 'made_by_the_pickle'
    path = save(tmp_path / 'evil.pth', dict(state_dict={}, x=Leaves(folder)))
    with pytest.raises(UserError, match=r'mkdir.*--trust-checkpoint'):
        read_checkpoint(path)
    assert not folder.exists()
    read_checkpoint(path, trust=True)
    assert folder.exists()


def test_getattr_gives_out_nothing_but_the_four_statistics(tmp_path):
    path = save(tmp_path / 'evil.pth', dict(x=Reaches()))
    with pytest.raises(UserError, match=r'getattr.*--trust-checkpoint'):
        read_checkpoint(path)


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match=r'gone.pth is not there.*CHECKPOINT'):
        read_checkpoint(tmp_path / 'gone.pth')


@pytest.mark.parametrize('kept', [0, 10, 500, -30])
def test_truncated(tmp_path, model, kept):
    path = save(tmp_path / 'a.pth', model.state_dict())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match='a.pth is no torch checkpoint, or it '
                       'is truncated'):
        read_checkpoint(path)


def test_not_a_dictionary(tmp_path):
    path = save(tmp_path / 'a.pth', [1, 2])
    with pytest.raises(UserError, match='a list, not a dictionary'):
        read_checkpoint(path)


def test_weights_lose_the_prefix_of_a_parallel_wrapper():
    weight = torch.ones(1)
    assert weights_of(dict(state_dict={'module.a.module.b': weight})) == {
        'a.module.b': weight
    }


def test_half_precision_is_widened(model):
    weights = {
        name: value.half() if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    load_weights(model, weights, 'fp16.pth')
    assert model[0].weight.dtype == torch.float32
    assert torch.equal(model[0].weight, weights['0.weight'].float())


def test_counters_may_be_missing(model):
    weights = model.state_dict()
    del weights['1.num_batches_tracked']
    load_weights(model, weights, 'a.pth')


def test_missing_and_unknown_keys_are_counted_and_named(model):
    weights = model.state_dict()
    weights['head.weight'] = weights.pop('2.weight')
    with pytest.raises(UserError) as error:
        load_weights(model, weights, 'a.pth')
    message = str(error.value)
    assert '2 keys of a.pth do not fit' in message
    assert '2.weight (missing in the checkpoint)' in message
    assert 'head.weight (unknown to the model)' in message


def test_other_shape_is_named(model):
    weights = model.state_dict()
    weights['0.weight'] = torch.zeros(4, 5)
    with pytest.raises(UserError, match=r'1 keys .*0.weight \(shape \(4, 5\), '
                       r'the model has \(4, 3\)\)'):
        load_weights(model, weights, 'a.pth')


@pytest.mark.parametrize('value', [float('nan'), float('inf')])
def test_values_that_are_not_finite_are_named(model, value):
    weights = model.state_dict()
    weights['2.bias'][1] = value
    with pytest.raises(UserError, match=r'a.pth: 1 of 2 values of 2.bias'):
        check_finite(weights, 'a.pth')
