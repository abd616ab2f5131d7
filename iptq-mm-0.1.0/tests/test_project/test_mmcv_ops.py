"""mmcv's operators, as ``tools/build_mmcv.py`` builds them: grouped into few
files, they must still be what they were."""
import pytest
import torch
import torchvision
from mmcv.ops import nms, roi_align, soft_nms


def boxes(count, seed=0):
    """float32 [count, 4], corners in 64 x 64 pixels."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=generator) * 48
    sizes = torch.rand(count, 2, generator=generator) * 16 + 1
    return torch.cat([corners, corners + sizes], 1)


@pytest.mark.parametrize('threshold', [0.1, 0.5, 0.7])
def test_nms_is_torchvisions(threshold):
    some, scores = boxes(200), torch.rand(200)
    _, kept = nms(some, scores, threshold)
    expected = torchvision.ops.nms(some, scores, threshold)
    assert torch.equal(kept, expected)
    assert 0 < len(kept) < 200


@pytest.mark.parametrize('ratio', [0, 2])
def test_roi_align_is_torchvisions(ratio):
    features = torch.randn(2, 5, 20, 30)
    rois = torch.cat([torch.tensor([[0.], [1.]]).repeat(20, 1), boxes(40)], 1)
    ours = roi_align(features, rois, (7, 5), 0.25, ratio, 'avg', True)
    theirs = torchvision.ops.roi_align(features, rois, (7, 5), 0.25,
                                       ratio or -1, aligned=True)
    assert torch.allclose(ours, theirs, atol=1e-5)


def linear_soft_nms(some, scores, threshold, least):
    """Bodla et al., arXiv:1704.04503, figure 2, with the linear decay."""
    scores, left, found = scores.clone(), list(range(len(some))), []
    while left:
        best = max(left, key=lambda i: scores[i].item())
        found.append((best, scores[best].item()))
        left.remove(best)
        for i in list(left):
            overlap = torchvision.ops.box_iou(some[best:best + 1],
                                              some[i:i + 1]).item()
            if overlap >= threshold:
                scores[i] *= 1 - overlap
            if scores[i] < least:
                left.remove(i)
    return found


def test_soft_nms_is_its_definition():
    some, scores = boxes(60), torch.rand(60)
    dets, kept = soft_nms(some, scores, 0.3, min_score=0.05, method='linear')
    expected = linear_soft_nms(some, scores, 0.3, 0.05)
    assert kept.tolist() == [index for index, _ in expected]
    assert torch.allclose(
        dets[:, 4], torch.tensor([score for _, score in expected]), atol=1e-5)
