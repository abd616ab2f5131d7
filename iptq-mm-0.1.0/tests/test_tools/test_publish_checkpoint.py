import pytest
import torch


@pytest.fixture(scope='module')
def publish(tool):
    return tool('publish_checkpoint')


def save(path, weight):
    torch.save(
        dict(
            state_dict=dict(
                weight=weight,
                first=torch.arange(1000),
                second=torch.arange(1000)),
            optimizer=dict(state=torch.zeros(10000)),
            meta=dict(
                dataset_meta=dict(classes=('a', 'b')), epoch=3, iter=30,
                cfg='...')), path)


def test_only_half_precision_weights_and_plain_meta_stay(
        publish, tmp_path):
    save(tmp_path / 'trained.pth', torch.tensor([0.1, -2.5]))
    assert publish(
        [str(tmp_path / 'trained.pth'), str(tmp_path / 'out.pth')]) == 0
    out = torch.load(tmp_path / 'out.pth', weights_only=True)
    assert set(out) == {'state_dict', 'meta'}
    assert out['meta'] == dict(
        dataset_meta=dict(classes=('a', 'b')), epoch=3, iter=30)
    weights = out['state_dict']
    assert torch.equal(weights['weight'], torch.tensor([0.1, -2.5]).half())
    assert torch.equal(weights['first'], torch.arange(1000))
    assert torch.equal(weights['second'], torch.arange(1000))
    # The two equal index buffers are written once: 8000 bytes, not 16000.
    assert (tmp_path / 'out.pth').stat().st_size < 12000
    assert not list(tmp_path.glob('*.partial'))


def test_a_weight_beyond_float16_is_refused(publish, tmp_path, capsys):
    save(tmp_path / 'trained.pth', torch.tensor([1e6]))
    assert publish(
        [str(tmp_path / 'trained.pth'), str(tmp_path / 'out.pth')]) == 1
    assert 'weight is not finite in float16' in capsys.readouterr().err
    assert not (tmp_path / 'out.pth').exists()
