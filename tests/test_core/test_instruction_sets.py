"""No instruction of a set stands where a machine without it could reach it.

A file of ``isa/`` is compiled for more than every x86-64 CPU has. Code of it
runs only through its table of kernels, which is a constant: an initializer
would run at load, and of an inline function that other files have too the
linker keeps one copy, which may be this file's.
"""
import bisect
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from iptq_mm.ops import native

ISA = Path(native.__file__).parents[2] / 'core' / 'isa'
FILES = sorted(
    path.name for path in ISA.glob('*.cpp') if path.name != 'available.cpp')

ALLOWED = {
    'amx_int8.cpp': {'VEX', 'EVEX'},
    'avx2.cpp': {'VEX'},
    'avx_vnni.cpp': {'VEX'},
    'avx512_vnni.cpp': {'VEX', 'EVEX'}
}
"""Encodings of instructions beyond SSE, by the file that may have them."""

pytestmark = pytest.mark.skipif(
    os.uname().machine != 'x86_64', reason='about x86-64 code')


def output(*command):
    return subprocess.run(
        command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize('name', FILES)
def test_an_object_has_no_initializer_and_no_symbol_to_merge(name, tmp_path):
    obj = tmp_path / 'object.o'
    # Without optimization nothing is inlined that need not be.
    output('g++', '-std=c++17', '-O0', '-fno-exceptions', '-fPIC', '-w', '-c',
           ISA / name, '-o', obj)
    sections = output('readelf', '--sections', '--wide', obj)
    assert not re.search(r'\.(init_array|ctors|init|preinit_array)\b',
                         sections)
    weak = re.findall(r'^\S* ([WVuvw] \S+)$', output('nm', obj), re.MULTILINE)
    assert not weak


def sources_of_functions(library):
    """Start addresses of functions, and the file that each comes from; None
    for symbols that all files see."""
    places, file = {}, None
    for line in output('readelf', '--symbols', '--wide',
                       library).splitlines():
        fields = line.split()
        if len(fields) < 8 or not fields[0].rstrip(':').isdigit():
            if 'Symbol table' in line:
                file = None
            continue
        kind, bind, name = fields[3], fields[4], fields[7]
        if kind == 'FILE':
            file = name
        elif kind == 'FUNC' and fields[6] != 'UND':
            places[int(fields[1], 16)] = file if bind == 'LOCAL' else None
    return sorted(places), places


def encoding(code):
    """'VEX' or 'EVEX' of an instruction's bytes in hexadecimal, or None."""
    for byte in code.split():
        if byte in ('c4', 'c5'):
            return 'VEX'
        if byte == '62':
            return 'EVEX'
        if byte not in ('26', '2e', '36', '3e', '64', '65', '67'):
            return None
    return None


def test_the_library_has_vectors_only_in_the_code_of_their_set():
    library = native.library()
    if library is None:
        pytest.skip('the native kernels were not built')
    starts, places = sources_of_functions(library)
    assert set(ALLOWED) <= set(places.values()), 'a library without symbols'
    found = defaultdict(set)
    for address, code in re.findall(
            # Without an instruction's name, what is left of a long one.
            r'^ *([0-9a-f]+):\t((?:[0-9a-f]{2} )+) *\t',
            output('objdump', '--disassemble', library), re.MULTILINE):
        beyond_sse = encoding(code)
        if beyond_sse:
            at = bisect.bisect(starts, int(address, 16)) - 1
            found[places[starts[at]] if at >= 0 else None].add(beyond_sse)
    assert dict(found) == ALLOWED
