#!/bin/sh
# Every #include "vaetop/LAYER/..." in src/ and include/vaetop/ against src/layers.txt; CL headers only in device/,
# curses only in ui/term.c; no file name twice; every header compiles alone. Usage: check.sh SOURCE_DIR
set -eu
cd "$1"
bad=0
complain() {
    echo "$1"
    bad=1
}

allowed() { # layer -> the layers it may include, itself too
    sed -n "s/^$1://p" src/layers.txt | sed "s/\$/ $1 /"
}

for layer in $(sed -n 's/^\([a-z]*\):.*/\1/p' src/layers.txt); do
    may=" $(allowed "$layer") "
    for file in $(find "src/$layer" "include/vaetop/$layer" -name '*.[ch]' 2>/dev/null); do
        for used in $(sed -n 's/^ *# *include *"vaetop\/\([a-z_]*\)\/.*/\1/p' "$file" | sort -u); do
            case $may in
            *" $used "*) ;;
            *) complain "$file: layer $layer may not include vaetop/$used (src/layers.txt)" ;;
            esac
        done
        if [ "$layer" != device ] && grep -nE '^ *# *include *<(CL/|clblast)' "$file"; then
            complain "$file: only device/ includes OpenCL and CLBlast"
        fi
        if [ "$file" != src/ui/term.c ] && grep -nE '^ *# *include *<(n?curses|ncursesw/)' "$file"; then
            complain "$file: only ui/term.c includes curses"
        fi
    done
done

for dir in src/* include/vaetop/*; do
    [ -d "$dir" ] || continue
    grep -q "^${dir##*/}:" src/layers.txt || complain "$dir: no such layer in src/layers.txt"
done

twice=$(find src include -name '*.[ch]' | sed 's:.*/::' | sort | uniq -d)
for name in $twice; do
    # A header and the contract it extends may share nothing, not even a name: readers search by name.
    complain "$name: this file name stands twice: $(find src include -name "$name" | tr '\n' ' ')"
done

banned='\<(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atof|gets|strncpy|system|popen|rand|srand|alloca)[[:space:]]*\('
if grep -rnE "$banned" src include; then
    complain "banned function above (see the conventions in src/README.md)"
fi

for header in $(find include -name '*.h'); do
    if [ "${header#include/vaetop/device/}" = "$header" ]; then
        printf '#include "%s"\n' "${header#include/}" |
            cc -std=c17 -D_XOPEN_SOURCE=700 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only -x c - ||
            complain "$header: does not compile alone"
    fi
done

[ "$bad" = 0 ] && echo "includes, names and headers are in order"
exit "$bad"
