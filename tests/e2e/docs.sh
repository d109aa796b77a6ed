#!/bin/sh
# Words against the program: the man page is clean and its tables are the program's; nothing the program takes is
# missing from it. With VAETOP_UPDATE_DOCS=1 the tables in the man page are rewritten instead.
. "$(dirname "$0")/lib.sh"
page=$VAETOP_SOURCE/man/vaetop.1
preset_page=$VAETOP_SOURCE/man/vaetop-preset.5

# with_tables PAGE: it with its generated parts made anew.
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
        !skip && !/-BEGIN$/ { print }' "$1"
}
for file in "$page" "$preset_page"; do
    with_tables "$file" >"$T/page"
    if [ -n "${VAETOP_UPDATE_DOCS:-}" ]; then
        cat "$T/page" >"$file"
    fi
    diff "$file" "$T/page" || fail "$file is behind the tables: VAETOP_UPDATE_DOCS=1 rewrites them"
    mandoc -T lint -W warning "$file" >"$T/lint" || true
    [ ! -s "$T/lint" ] || fail "mandoc: $(cat "$T/lint")"
done

# The preset page's example is a preset, and its page has every knob with its range and default.
mandoc -T ascii "$preset_page" | col -b >"$T/preset.txt"
sed -n '/^.Bd -literal/,/^.Ed/p' "$preset_page" | sed '1d;$d' >"$T/example.yaml"
run_it 0 run "$T/example.yaml" --dry-run
says "$T/preset.txt" "model.dropout"
says "$T/preset.txt" "default 0; may be searched"
says "$T/preset.txt" "Srivastava et al. 2014"

# Each knob and its default is in `run --help` too.
"$vaetop" run --help | sed -n '/^knobs of/,/^$/p' >"$T/knobs"
"$vaetop" __manual knobs | sed -n 's/^\.It Cm [a-z]*\.//p' >"$T/names"
while read -r name; do
    grep -qE " $name(=| |\$)" "$T/knobs" || fail "knob $name is not in run --help"
done <"$T/names"
[ "$(wc -l <"$T/names")" -gt 60 ] || fail "knobs of the table: $(wc -l <"$T/names")"
says "$T/knobs" " lr=0.001"

man_text=$(mandoc -T ascii "$page" | col -b)
for command in $("$vaetop" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    printf '%s' "$man_text" | grep -qw -- "$command" || fail "command $command is not in the man page"
    for option in $("$vaetop" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u); do
        [ "$option" = --help ] || printf '%s' "$man_text" | grep -q -- "$option" || fail "$option is not in the man page"
    done
    grep -q "vaetop $command" "$VAETOP_SOURCE/README.md" || fail "vaetop $command is not in the README"
done

# Completions are made from the same tables, and bash takes them.
for shell in bash zsh fish; do
    file=$VAETOP_SOURCE/man/vaetop.$shell
    "$vaetop" __manual $shell >"$T/$shell"
    if [ -n "${VAETOP_UPDATE_DOCS:-}" ]; then
        cat "$T/$shell" >"$file"
    fi
    diff "$file" "$T/$shell" || fail "$file is behind the tables: VAETOP_UPDATE_DOCS=1 rewrites it"
done

# The other two are compared above; where their shells are, they parse them.
for shell in zsh fish; do
    if command -v $shell >/dev/null; then
        $shell -n "$T/$shell" || fail "$shell does not take its file"
    else
        echo "no $shell here: its file was only compared"
    fi
done

# offers WANT WORDS...: with WORDS typed, the last of them not to its end, bash offers WANT (and, between blanks, more).
offers() {
    want=$1
    shift
    PATH=$VAETOP_BUILD:$PATH bash -c '
        . "$1"
        shift
        compopt() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _vaetop
        printf " %s " "${COMPREPLY[@]}"' - "$T/bash" "$@" >"$T/offered"
    grep -qF -- "$want" "$T/offered" || fail "bash offers \"$(cat "$T/offered")\" for: $*; \"$want\" was expected"
}
offers ' show ' vaetop sh
offers ' reconstruct ' vaetop ''
offers ' quickstart ' vaetop run qu
offers ' --json-lines ' vaetop show --js
offers ' colour-blind ' vaetop attach --theme co
offers ' optimizer.kind= ' vaetop run quickstart --set optimizer.k
offers ' rmsprop ' vaetop run quickstart --set optimizer.kind = rm
offers ' sgd ' vaetop run quickstart --set optimizer.kind =
mkdir -p "$XDG_DATA_HOME/vaetop/my-digits" && touch "$XDG_DATA_HOME/vaetop/my-digits/study.db"
offers ' my-digits ' vaetop show my
offers ' my-digits ' vaetop devices my
offers ' drain ' vaetop devices my-digits dr
offers ' --self-test ' vaetop devices --se
rm -r "$XDG_DATA_HOME/vaetop/my-digits"

# Every folder of the source tree is on the map.
for dir in "$VAETOP_SOURCE"/src/*/; do
    grep -q "\`$(basename "$dir")\`" "$VAETOP_SOURCE/src/README.md" || fail "src/README.md lacks $(basename "$dir")"
done
