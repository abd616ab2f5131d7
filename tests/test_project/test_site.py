"""The documentation site."""
import re
import subprocess
import sys

import pytest

from iptq_mm.ops import REFERENCES

from conftest import ROOT


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    for package in ('sphinx', 'myst_parser', 'furo', 'sphinx_copybutton'):
        pytest.importorskip(package)
    folder = tmp_path_factory.mktemp('site')
    run = subprocess.run(
        [sys.executable, '-m', 'sphinx', '-q', '-W', '--keep-going', '-b',
         'html', '-d', folder / 'trees', ROOT / 'docs', folder / 'html'],
        capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder / 'html'


def test_every_page_is_reached_from_the_first(site):
    seen, left = set(), [site / 'index.html']
    while left:
        page = left.pop()
        if page in seen:
            continue
        seen.add(page)
        for link in re.findall(r'href="([^"#:]+\.html)', page.read_text()):
            target = (page.parent / link).resolve()
            assert target.is_file(), (page, link)
            left.append(target)
    pages = {path.with_suffix('').relative_to(ROOT / 'docs').as_posix()
             for path in (ROOT / 'docs').rglob('*.md')}
    reached = {path.with_suffix('').relative_to(site).as_posix()
               for path in seen}
    assert pages <= reached


def test_links_inside_a_page_lead_somewhere(site):
    for page in site.rglob('*.html'):
        text = page.read_text()
        for link in re.findall(r'href="([^":]*)#([^"]+)"', text):
            name, anchor = link
            target = page if not name else (page.parent / name).resolve()
            if target.suffix == '.html':
                assert f'id="{anchor}"' in target.read_text(), (page, link)


def test_options_are_read_from_the_code(site):
    tools = (site / 'reference' / 'tools.html').read_text()
    for option in ('--verify-integer', '--dynamic', '--try', 'EXPERIMENT'):
        assert option in tools
    hook = (site / 'reference' / 'hook.html').read_text()
    for option in ('calib_dataloader', 'budget_mb', 'compensate'):
        assert option in hook
    api = (site / 'reference' / 'api.html').read_text()
    for name in (*REFERENCES, 'iptq::IntConv2d'):
        module = 'nn' if 'Int' in name else 'ops'
        assert f'id="iptq_mm.{module}.{name[6:]}"' in api, name
    functions = (site / 'functions.html').read_text()
    for name in ('poly_gelu', 'log_int_softmax', 'ptf_layernorm'):
        assert name in functions
