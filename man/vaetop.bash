# Completions of vaetop, made by `vaetop __manual bash`: edit its tables, not this.
_vaetop_words() {
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
}

_vaetop_paths() {
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

_vaetop() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= at=0 i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            command=${COMP_WORDS[i]} at=$i
            break
        fi
    done
    # readline cuts KNOB=VALUE at the sign
    if [[ $prev == = ]]; then
        _vaetop_words "$(vaetop __words "${COMP_WORDS[COMP_CWORD - 2]}" 2>/dev/null)"
        return
    elif [[ $cur == = ]]; then
        cur=
        _vaetop_words "$(vaetop __words "$prev" 2>/dev/null)"
        return
    fi
    case $prev in
    --device)
        _vaetop_words "cpu gpu all"
        return
        ;;
    --labels)
        _vaetop_paths -f
        return
        ;;
    --source)
        _vaetop_paths -f
        return
        ;;
    --from)
        _vaetop_words "prior gmm"
        return
        ;;
    --theme)
        _vaetop_words "default light mono colour-blind"
        return
        ;;
    --rounds)
        :
        return
        ;;
    --count)
        :
        return
        ;;
    --slots)
        :
        return
        ;;
    --samples)
        :
        return
        ;;
    --steps)
        :
        return
        ;;
    --seed)
        :
        return
        ;;
    --trials)
        :
        return
        ;;
    --networks)
        :
        return
        ;;
    --color | -c)
        _vaetop_words "auto never always 16 256"
        return
        ;;
    --dir | -d)
        _vaetop_paths -d
        return
        ;;
    --name | -n)
        :
        return
        ;;
    --output | -o)
        _vaetop_paths -f
        return
        ;;
    --set | -s)
        _vaetop_words "$(vaetop __words knobs 2>/dev/null)"
        return
        ;;
    --trial | -t)
        :
        return
        ;;
    esac
    case $command in
    run)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --name --device --set --trials --slots --seed --warm-start --continue --no-tui --detach --dry-run --quiet --slow --ascii --color --theme --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words presets 2>/dev/null)"
        fi
        ;;
    attach)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --no-tui --quiet --slow --ascii --color --theme --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    ls)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --json --output --help"
        elif ((COMP_CWORD == at + 1)); then
            :
        fi
        ;;
    show)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --study --json --once --plain --json-lines --ascii --output --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    stop)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    pause)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    resume)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --device --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    set)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --trials --slots --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    clone)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --set --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    rerun)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --top --seeds --json --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    enqueue)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --set --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    space)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --set --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    rm)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    presets)
        if [[ $cur == -* ]]; then
            _vaetop_words " --output --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words presets 2>/dev/null)"
        fi
        ;;
    devices)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --json --self-test --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        elif ((COMP_CWORD == at + 2)); then
            _vaetop_words "on off drain test"
        fi
        ;;
    bench)
        if [[ $cur == -* ]]; then
            _vaetop_words " --device --networks --rounds --clblast --tune --json --quiet --output --help"
        elif ((COMP_CWORD == at + 1)); then
            :
        fi
        ;;
    export)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --csv --json --optuna --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    eval)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --source --test --samples --device --json --output --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    sample)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --from --count --seed --device --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    reconstruct)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --source --test --count --device --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    interpolate)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --source --test --count --steps --seed --device --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    encode)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --trial --source --count --labels --device --output --quiet --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    fsck)
        if [[ $cur == -* ]]; then
            _vaetop_words " --dir --repair --json --output --help"
        elif ((COMP_CWORD == at + 1)); then
            _vaetop_words "$(vaetop __words studies 2>/dev/null)"
        fi
        ;;
    '')
        _vaetop_words "run attach ls show stop pause resume set clone rerun enqueue space rm presets devices bench export eval sample reconstruct interpolate encode fsck --help --version"
        ;;
    esac
}
complete -F _vaetop vaetop
