#!/usr/bin/env bash
# Sets up everything in .venv: torch, the OpenMMLab projects, this project.
#
# mmcv has compiled operators and no wheel for this torch. Its wheel is built
# once a machine and kept in the user's cache, under the versions that it was
# built for. Set PYTHON to choose the Python that the environment is made of.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv
readonly PY=$VENV/bin/python
readonly STAMP=$VENV/iptq-mm-setup.sha256
readonly LOG=$VENV/iptq-mm-setup.log
readonly WHEELS=${XDG_CACHE_HOME:-$HOME/.cache}/iptq-mm/wheels

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: FAILED: %s\n' "$*" >&2
    exit 1
}

# step WHAT COMMAND...: runs the command, its output goes to the log.
step() {
    local what=$1
    shift
    say "$what"
    printf '\n== %s: %s\n' "$what" "$*" >>"$LOG"
    if ! "$@" >>"$LOG" 2>&1; then
        tail -n 25 "$LOG" >&2
        fail "$what. The whole output is in $PWD/$LOG"
    fi
}

pip() { "$PY" -m pip --disable-pip-version-check "$@"; }

# The version that the requirements pin a distribution to.
pinned() { sed -n "s/^$1==//p" requirements/*.txt; }

# Of all that the environment follows from: when it changes, set up anew.
fingerprint() {
    { cat requirements/*.txt setup.py pyproject.toml tools/setup_env.sh; pwd; } | sha256sum
}

make_venv() {
    local python=${PYTHON:-$(command -v python3.11 || command -v python3)} \
        || fail 'there is no python3: install Python 3.11'
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
        || fail "$python is older than Python 3.11: install Python 3.11"
    say "making $VENV with $("$python" --version)"
    "$python" -m venv "$VENV" \
        || fail "$python cannot make a virtual environment: install venv"
}

check_compiler() {
    command -v g++ >/dev/null \
        || fail 'building mmcv needs gcc with g++: install them'
    local header
    header=$("$PY" -c 'import sysconfig as s; print(s.get_path("include"))')
    [ -e "$header/Python.h" ] \
        || fail "building mmcv needs $header/Python.h: install Python's" \
            'development files'
}

# build_mmcv VERSION FOLDER: leaves the wheel in the folder.
build_mmcv() {
    local version=$1 folder=$2 work
    check_compiler
    mkdir -p "$WHEELS" || fail "cannot write $WHEELS"
    # Beside the folder, so that the last step is a rename.
    work=$(mktemp -d "$WHEELS/build.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    step "downloading the source of mmcv $version" \
        pip download --no-deps --no-binary onedl-mmcv --no-build-isolation \
        --dest "$work" "onedl-mmcv==$version"
    mkdir "$work/source" "$work/wheel"
    step 'unpacking mmcv' tar --extract --file "$work"/onedl*mmcv*.tar.gz \
        --directory "$work/source" --strip-components 1
    # torch's headers need C++20, and mmcv asks for C++17.
    step 'setting the C++ standard of mmcv' \
        sed -i 's/c++17/c++20/g' "$work/source/setup.py"
    say 'the next step takes 5 to 20 minutes, once a machine'
    step 'building mmcv with its operators' env MMCV_WITH_OPS=1 FORCE_CUDA=0 \
        MAX_JOBS="$(nproc)" CFLAGS='-O2 -g0 -w' \
        PATH="$PWD/$VENV/bin:$PATH" "$PWD/$PY" -m pip wheel --no-deps \
        --no-build-isolation --wheel-dir "$work/wheel" "$work/source"
    # Where another set-up was quicker, its wheel is as good.
    mv --no-target-directory "$work/wheel" "$folder" 2>/dev/null \
        || [ -d "$folder" ] || fail "cannot write $folder"
    rm -rf "$work"
    trap - EXIT
}

install_mmcv() {
    local version key folder
    version=$(pinned onedl-mmcv)
    key=$("$PY" -c 'import platform, sys
print(f"cp{sys.version_info[0]}{sys.version_info[1]}-{platform.machine()}")')
    folder=$WHEELS/onedl-mmcv-$version-torch-$(pinned torch)-$key
    if [ -d "$folder" ]; then
        say "mmcv was built before: $folder"
    else
        build_mmcv "$version" "$folder"
    fi
    step 'installing mmcv' pip install --no-deps "$folder"/*.whl
}

main() {
    local wanted
    wanted=$(fingerprint)
    if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ]; then
        say "$VENV is set up already"
        return
    fi
    [ -x "$PY" ] || make_venv
    rm -f "$STAMP"
    : >"$LOG"
    step 'installing torch (a few gigabytes)' \
        pip install -r requirements/torch.txt
    step 'installing the libraries' pip install \
        -r requirements/torch.txt -r requirements/runtime.txt \
        -r requirements/test.txt
    step 'installing mmengine' pip install --no-deps \
        "onedl-mmengine==$(pinned onedl-mmengine)"
    install_mmcv
    step 'installing mmdet' pip install --no-deps --no-build-isolation \
        "onedl-mmdetection==$(pinned onedl-mmdetection)" \
        "imaug==$(pinned imaug)"
    step 'installing iptq-mm' pip install --no-deps --no-build-isolation \
        --editable .
    step 'checking that everything imports' \
        "$PY" -c 'import mmcv.ops, mmdet.apis, iptq_mm'
    say "native kernels: $("$PY" -W ignore -c 'from iptq_mm.ops import native
print(native.isa() if native.available() else "not built, the log says why")' \
        2>>"$LOG" | tail -n 1)"
    printf '%s\n' "$wanted" >"$STAMP"
    say "$VENV is set up"
}

main
