"""The documentation site: ``make docs``."""
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / 'docs' / 'extensions'), str(ROOT / 'tools')]

project = 'IPTQ-MM'
author = 'The IPTQ-MM authors'
extensions = [
    'myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon',
    'sphinx_copybutton', 'from_code', 'mathml', 'pages_beside'
]
source_suffix = {'.md': 'markdown'}

myst_enable_extensions = ['dollarmath']
myst_heading_anchors = 3
autodoc_member_order = 'bysource'
autodoc_typehints = 'none'  # the docstrings say more
napoleon_use_rtype = False
python_use_unqualified_type_names = True

html_theme = 'furo'
html_math_renderer = 'mathml'
html_title = 'IPTQ-MM'
html_show_sphinx = False
html_copy_source = False
