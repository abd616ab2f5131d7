import pytest
import torch
from mmengine.structures import BaseDataElement

from iptq_mm.engine import TeacherHook
from iptq_mm.models import TimmClassifier

TEACHER = dict(
    type='iptq_mm.TimmClassifier',
    name='vit_tiny_patch16_224',
    backbone=dict(type='iptq_mm.ResNet9', width=2, num_classes=3))


def teacher():
    return TimmClassifier(
        TEACHER['name'], backbone=dict(TEACHER['backbone'])).eval()


def batch():
    inputs = torch.randint(
        256, (2, 3, 32, 32), dtype=torch.uint8,
        generator=torch.Generator().manual_seed(0))
    samples = [BaseDataElement(), BaseDataElement()]
    return dict(inputs=list(inputs), data_samples=samples)


def test_a_batch_gets_the_probabilities_of_the_teacher(tmp_path):
    torch.manual_seed(0)
    model = teacher()
    torch.save(model.state_dict(), tmp_path / 'teacher.pth')
    data = batch()
    TeacherHook(TEACHER, str(tmp_path / 'teacher.pth')).before_train_iter(
        None, 0, data)
    expected = model.test_step(batch())
    for sample, prediction in zip(data['data_samples'], expected):
        torch.testing.assert_close(
            sample.gt_score, prediction.pred_score, atol=0.02, rtol=0)
        assert not sample.gt_score.requires_grad


def test_weights_that_are_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='teacher.pth'):
        TeacherHook(TEACHER, str(tmp_path / 'teacher.pth'))


def test_weights_of_another_model_are_refused(tmp_path):
    torch.save({}, tmp_path / 'teacher.pth')
    with pytest.raises(RuntimeError):
        TeacherHook(TEACHER, str(tmp_path / 'teacher.pth'))
