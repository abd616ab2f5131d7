from iptq_mm.experiments.pages.diagnosis import markdown


def run(bbox, sqnr_db, *causes):
    metrics = dict(bbox_mAP=bbox, segm_mAP=.5)
    return dict(float=metrics, integer=metrics, sqnr_db=sqnr_db, causes=[
        dict(name=name, seen='', remedy='a=b c=d') for name in causes])


def test_one_row_a_case():
    found = dict(images=8, good=run(.6, 35.04), cases=dict(black=dict(
        what='black images', expected='x',
        spoilt=run(.1, 3., 'x', 'y'), repaired=run(.6, 35.))))
    text = ''.join(markdown(dict(net=found)))
    assert '### net' in text and 'on 8 images' in text
    assert '| nothing | 0.600 / 0.500 | 0.600 / 0.500, 35.0 dB | nothing' in (
        text)
    assert ('| black images | 0.100 / 0.500 | 0.100 / 0.500, 3.0 dB | x | '
            '`a=b c=d` | 0.600 / 0.500 | 0.600 / 0.500, 35.0 dB | nothing |'
            ) in text
