# Runs the tests of the browser code: test_js.sh NODE
# The names are found here because Node 20 does not expand patterns itself.
set -eu
tests=$(find tests -name '*.test.mjs' -not -path '*/node_modules/*' | sort)
if [ -z "$tests" ]; then
    if [ -n "$(find static -name '*.js' 2>/dev/null)" ]; then
        echo "There is browser code in static/, but no test of it in tests/js." >&2
        exit 1
    fi
    echo "No browser code yet, and no tests of it."
    exit 0
fi
# Names of tests have no spaces in them.
# shellcheck disable=SC2086
exec "$1" --test $tests
