# Checks the syntax of every JavaScript file of ours: check_js.sh NODE
set -eu
count=0
for file in $(find static tests -name '*.js' -o -name '*.mjs' 2>/dev/null | sort); do
    "$1" --check "$file"
    count=$((count + 1))
done
echo "JavaScript: $count files parse"
