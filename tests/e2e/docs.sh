#!/bin/sh
# Words against the program: the man page is clean and its tables are the program's; nothing the program takes is
# missing from it. With VAETOP_UPDATE_DOCS=1 the tables in the man page are rewritten instead.
. "$(dirname "$0")/lib.sh"
page=$VAETOP_SOURCE/man/vaetop.1

# with_tables: the page with its generated parts made anew.
with_tables() {
    awk -v program="$vaetop" '
        /^\.\\" [A-Z]*-BEGIN$/ {
            print
            part = tolower(substr($2, 1, index($2, "-") - 1))
            command = "\"" program "\" __manual " part
            while ((command | getline line) > 0) print line
            skip = 1
        }
        /^\.\\" [A-Z]*-END$/ { skip = 0 }
        !skip && !/-BEGIN$/ { print }' "$page"
}
with_tables >"$T/page"
if [ -n "${VAETOP_UPDATE_DOCS:-}" ]; then
    cat "$T/page" >"$page"
fi
diff "$page" "$T/page" || fail "man/vaetop.1 is behind the tables: VAETOP_UPDATE_DOCS=1 rewrites them"

mandoc -T lint -W warning "$page" >"$T/lint" || true
[ ! -s "$T/lint" ] || fail "mandoc: $(cat "$T/lint")"

man_text=$(mandoc -T ascii "$page" | col -b)
for command in $("$vaetop" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    printf '%s' "$man_text" | grep -qw -- "$command" || fail "command $command is not in the man page"
    for option in $("$vaetop" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u); do
        [ "$option" = --help ] || printf '%s' "$man_text" | grep -q -- "$option" || fail "$option is not in the man page"
    done
    grep -q "vaetop $command" "$VAETOP_SOURCE/README.md" || fail "vaetop $command is not in the README"
done

# Every folder of the source tree is on the map.
for dir in "$VAETOP_SOURCE"/src/*/; do
    grep -q "\`$(basename "$dir")\`" "$VAETOP_SOURCE/src/README.md" || fail "src/README.md lacks $(basename "$dir")"
done
