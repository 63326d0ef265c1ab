#!/usr/bin/env bash
# Build wheels of every distribution, install them into a second environment and run the smallest demo from an empty
# folder: what an editable install hides (a module or a competition that is not packed) fails here.
# Third-party packages come from the first environment, whose editable installs stay out of sight: a path named in
# a .pth file is searched, but its own .pth files are not read.
set -euo pipefail

python=$(realpath -s "${1:-.venv/bin/python}")
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK=1

cd "$root"
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/wheels" . ./plugins/*/ ./examples/*/
"$python" -m venv --without-pip "$work/env"
"$python" -m pip --python "$work/env/bin/python" install --quiet --no-deps --no-index "$work"/wheels/*.whl
site=$("$work/env/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
"$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' > "$site/third_party.pth"

mkdir "$work/empty"
cd "$work/empty"
"$work/env/bin/python" -I - "$work/env" <<'PYTHON'
import sys
from importlib.metadata import entry_points

import harness
from harness.plugins import load_plugins

env = sys.argv[1]
assert harness.__file__.startswith(env), f"not the installed package: {harness.__file__}"
for point in entry_points(group="harness"):
    assert point.load().__file__.startswith(env), f"not the installed plugin: {point.name}"
broken = [plugin for plugin in load_plugins().loaded if plugin.error]
assert not broken, broken
PYTHON
"$work/env/bin/harness" list
"$work/env/bin/harness" run class-imbalance --fast -s none
test -s submissions/class-imbalance/none-fast.csv || { echo "no submission was written: $(find . -name '*.csv')" >&2; exit 1; }
"$work/env/bin/harness" run digit-recognizer --fast -s logistic
test -s submissions/digit-recognizer/logistic-fast.csv || { echo "the example wrote no submission: $(find . -name '*.csv')" >&2; exit 1; }

# A plugin from the templates in the wheel, built and installed as a stranger's would be
"$work/env/bin/harness" new plugin stranger
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$work/stranger" ./harness-stranger
"$python" -m pip --python "$work/env/bin/python" install --quiet --no-deps --no-index "$work"/stranger/*.whl
"$work/env/bin/python" -m pytest -q -p no:cacheprovider ./harness-stranger
"$work/env/bin/harness" check-plugin stranger --hostile > checked.txt || { cat checked.txt >&2; exit 1; }
"$work/env/bin/harness" run stranger-example --no-tracking
test -s submissions/stranger-example/best.csv
echo "packaging: wheels work apart from the checkout"
