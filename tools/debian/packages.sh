#!/usr/bin/env bash
# packages.sh DIR SUITE PACKAGE...: unpacks packages of a Debian suite
# (bookworm, trixie) into DIR, without what they depend on. Installs nothing;
# needs a Debian with its package sources set up.
set -euo pipefail

mkdir -p "$1"
root=$(realpath "$1")
suite=$2
shift 2
mkdir -p "$root"/apt/{sources,lists/partial,cache/archives/partial}
mirror=$(grep -rhoE --include='*.sources' --include='*.list' \
    '[a-z]+://[^ ]+/debian/?( |$)' /etc/apt | head -n 1)
cat >"$root/apt/sources/debian.sources" <<END
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
options=(
    --quiet
    -o Dir::Etc::sourcelist=/dev/null
    -o Dir::Etc::sourceparts="$root/apt/sources"
    -o Dir::State::lists="$root/apt/lists"
    -o Dir::State::status="$root/apt/status"
    -o Dir::Cache="$root/apt/cache"
)
touch "$root/apt/status"
cd "$root/apt"
apt-get "${options[@]}" update
apt-get "${options[@]}" download "$@"
for package in ./*.deb; do
    dpkg-deb --extract "$package" "$root"
done
cd "$root"
rm -r apt
find . -type l -lname '/*' | while read -r link; do
    ln -sfnr "$root$(readlink "$link")" "$link" # into DIR, not the machine
done
