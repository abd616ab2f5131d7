from dataclasses import asdict

import pytest
import timm
import torch
from mmengine.structures import BaseDataElement

from iptq_mm.models import TimmClassifier
from iptq_mm.models.classifiers.weights import WeightsUnavailableError

from classifiers import images, integer_twin

TINY = dict(img_size=32, patch_size=16, embed_dim=32, depth=1, num_heads=2,
            num_classes=4)
DEIT = 'deit_tiny_patch16_224'


def batch(count=2):
    samples = []
    for label in range(count):
        samples.append(BaseDataElement())
        samples[-1].set_field(label, 'gt_label')
    inputs = torch.randint(
        256, (count, 3, 32, 32), dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0))
    return dict(inputs=list(inputs), data_samples=samples)


def classifier(**config):
    torch.manual_seed(0)
    return TimmClassifier(DEIT, options=TINY, **config).eval()


def test_images_are_normalized_as_the_model_of_that_name_wants():
    model = classifier()
    data = batch()
    inputs = model.data_preprocessor(data)['inputs']
    source = timm.get_pretrained_cfg(DEIT)
    mean, std = (torch.tensor(v).view(3, 1, 1)
                 for v in (source.mean, source.std))
    torch.testing.assert_close(inputs[0],
                               (data['inputs'][0] / 255 - mean) / std)


@torch.no_grad()
def test_predictions_are_probabilities():
    model = classifier()
    predictions = model.test_step(batch())
    assert [sample.gt_label for sample in predictions] == [0, 1]
    for sample in predictions:
        assert sample.pred_score.shape == (4, )
        torch.testing.assert_close(sample.pred_score.sum(), torch.tensor(1.))


def test_training_lowers_the_loss():
    model = classifier(label_smoothing=0.1).train()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    data = model.data_preprocessor(batch(), True)
    losses = []
    for _ in range(10):
        loss = model(**data, mode='loss')['loss']
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_a_teachers_labels_take_the_place_of_the_classes():
    model = classifier().train()
    data = model.data_preprocessor(batch(), True)
    by_class = model(**data, mode='loss')['loss']
    for sample in data['data_samples']:
        score = torch.nn.functional.one_hot(torch.tensor(sample.gt_label), 4)
        sample.set_field(score.float(), 'gt_score')
    torch.testing.assert_close(model(**data, mode='loss')['loss'], by_class)
    for sample in data['data_samples']:
        sample.set_field(sample.gt_score.roll(1), 'gt_score')
    assert not torch.isclose(model(**data, mode='loss')['loss'], by_class)


def test_weights_of_a_file_in_timms_format(tmp_path):
    torch.manual_seed(1)
    network = timm.create_model(DEIT, **TINY)
    torch.save(network.state_dict(), tmp_path / 'weights.pth')
    model = classifier(pretrained=str(tmp_path / 'weights.pth'))
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, model.backbone.state_dict()[name])
    model.init_weights()
    assert torch.equal(model.backbone.cls_token, network.cls_token)


def test_weights_out_of_reach_are_named(tmp_path):
    with pytest.raises(WeightsUnavailableError,
                       match=f'{DEIT}.*model.pretrained=FILE'):
        classifier(pretrained=str(tmp_path / 'missing.pth'))


@torch.no_grad()
def test_an_integer_network_takes_the_place_of_timms():
    float_model = classifier()
    inputs = images(2)
    integer = integer_twin(float_model.backbone, inputs)
    model = TimmClassifier(
        DEIT,
        backbone=dict(
            type='iptq_mm.IntVisionTransformer', **asdict(integer.structure)))
    model.backbone.load_state_dict(integer.state_dict())
    assert torch.equal(model.eval()(inputs), integer(inputs))
