#compdef vaetop
# Completions of vaetop, made by `vaetop __manual zsh`: edit its tables, not this.
_vaetop_studies() {
    local -a found
    found=(${(f)"$(vaetop __words studies 2>/dev/null)"})
    compadd -a found
}

_vaetop_presets() {
    local -a found
    found=(${(f)"$(vaetop __words presets 2>/dev/null)"})
    compadd -a found
}

_vaetop_knobs() {
    local -a found
    found=(${(f)"$(vaetop __words knobs 2>/dev/null)"})
    compadd -S '' -a found
}

_vaetop() {
    local -a words_of
    words_of=(
        'run:start a study, or continue one'
        'attach:look at a running or finished study'
        'ls:list the studies'
        'show:the leaderboard, one trial, or the study as a whole, as text or JSON'
        'stop:end a study (checkpointed, resume goes on) or one trial (for good)'
        'pause:checkpoint a study or one trial and free its device'
        'resume:go on with what was paused or stopped'
        'set:change lr, beta or epochs of a running trial; or how many trials, how many at once'
        'clone:a new trial with another'\''s values, some of them changed'
        'rerun:repeat the best trials with other seeds; print mean and deviation'
        'enqueue:a trial of your own; what is not given is drawn at random'
        'space:print the search space; narrow or extend a range, append a choice'
        'rm:remove a study and all its files'
        'presets:list the presets, or print one to start your own from'
        'devices:list the OpenCL devices; those of a study: also switch them while it runs'
        'bench:how fast a device is beside its own limit; --tune chooses plans by it'
        'export:weights as safetensors, trials as CSV, JSON or for Optuna'
        'eval:figures of a trained model on held-out or other data'
        'sample:new images as PNG or NPY'
        'reconstruct:held-out images above what the model makes of them'
        'interpolate:ways through latent space from one image to another'
        'encode:latent means of all images as NPY'
        'fsck:check that a study is whole, save what can be saved'
    )
    if ((CURRENT == 2)); then
        _describe command words_of
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
    run)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-n --name)'{-n,--name}'[name of the study]:value: ' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '*'{-s,--set}'[set a knob (section.knob=VALUE or a range); may be repeated]:knobs:_vaetop_knobs' \
            '--trials[total number of trials]:value: ' \
            '--slots[trials running at once]:value: ' \
            '--seed[seed of everything random]:value: ' \
            '--warm-start[begin with what another study'\''s trials in this space came to]:studies:_vaetop_studies' \
            '--continue[begin with the trials of an Optuna study over the same knobs (its SQLite file)]:file:_files' \
            '--no-tui[progress lines instead of the screen]' \
            '--detach[start and leave at once]' \
            '--dry-run[print the search space and the first ten suggestions]' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-w --slow)'{-w,--slow}'[draw seldom\: for slow links]' \
            '(-a --ascii)'{-a,--ascii}'[ASCII characters only]' \
            '(-c --color)'{-c,--color}'[auto, never, always, 16 or 256]:word:(auto never always 16 256)' \
            '--theme[default, light, mono or colour-blind]:word:(default light mono colour-blind)' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:presets:_vaetop_presets'
        ;;
    attach)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '--no-tui[progress lines instead of the screen]' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-w --slow)'{-w,--slow}'[draw seldom\: for slow links]' \
            '(-a --ascii)'{-a,--ascii}'[ASCII characters only]' \
            '(-c --color)'{-c,--color}'[auto, never, always, 16 or 256]:word:(auto never always 16 256)' \
            '--theme[default, light, mono or colour-blind]:word:(default light mono colour-blind)' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    ls)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-h --help)'{-h,--help}'[this text]'
        ;;
    show)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--study[the study as a whole\: space, importance of knobs, best so far, front, what comes next]' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '--once[the dashboard as text, as wide and high as the terminal]' \
            '--plain[the same\: nothing but text]' \
            '--json-lines[one line of JSON for every trial that changes, until the study rests]' \
            '(-a --ascii)'{-a,--ascii}'[ASCII characters only]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    stop)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    pause)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    resume)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    set)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--trials[total number of trials]:value: ' \
            '--slots[trials running at once]:value: ' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    clone)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '*'{-s,--set}'[set a knob (section.knob=VALUE or a range); may be repeated]:knobs:_vaetop_knobs' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    rerun)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '--top[how many of the best trials (default\: 5)]:value: ' \
            '--seeds[how many other seeds each (default\: 3)]:value: ' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    enqueue)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '*'{-s,--set}'[set a knob (section.knob=VALUE or a range); may be repeated]:knobs:_vaetop_knobs' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    space)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '*'{-s,--set}'[set a knob (section.knob=VALUE or a range); may be repeated]:knobs:_vaetop_knobs' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    rm)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    presets)
        _arguments -s \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:presets:_vaetop_presets'
        ;;
    devices)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '--self-test[run every kernel against known results first]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies' \
            '2:word:(on off drain test)'
        ;;
    bench)
        _arguments -s \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '--networks[networks as DATA-WIDTH-...-LATENT\:BATCH, with blanks between]:value: ' \
            '--rounds[how often each is measured (default\: 9)]:value: ' \
            '--clblast[measure CLBlast'\''s products too; on a CPU it compiles for a minute first]' \
            '--tune[measure every plan and keep which is fastest on this device]' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-h --help)'{-h,--help}'[this text]'
        ;;
    export)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--csv[one line a trial, comma-separated]' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '--optuna[a copy of study.db marked as Optuna'\''s own, for tools that look for the mark]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    eval)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--source[other data than the study'\''s own validation part]:file:_files' \
            '--test[the study'\''s test rows (data.test)]' \
            '--samples[latent samples an image for the NLL (default\: 64; 0\: none)]:value: ' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    sample)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--from[where latent points come from\: prior or gmm, a mixture fitted to the training data]:word:(prior gmm)' \
            '--count[how many images, pairs or rows]:value: ' \
            '--seed[seed of everything random]:value: ' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    reconstruct)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--source[other data than the study'\''s own validation part]:file:_files' \
            '--test[the study'\''s test rows (data.test)]' \
            '--count[how many images, pairs or rows]:value: ' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    interpolate)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--source[other data than the study'\''s own validation part]:file:_files' \
            '--test[the study'\''s test rows (data.test)]' \
            '--count[how many images, pairs or rows]:value: ' \
            '--steps[images from one end to the other (default\: 10)]:value: ' \
            '--seed[seed of everything random]:value: ' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    encode)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '(-t --trial)'{-t,--trial}'[one trial by number, or best]:value: ' \
            '--source[other data than the study'\''s own validation part]:file:_files' \
            '--count[how many images, pairs or rows]:value: ' \
            '--labels[write the labels beside the latent means]:file:_files' \
            '--device[devices\: an index, platform\:device, part of a name, cpu, gpu, all]:word:(cpu gpu all)' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-q --quiet)'{-q,--quiet}'[no progress lines]' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    fsck)
        _arguments -s \
            '(-d --dir)'{-d,--dir}'[folder that holds the studies (default\: $XDG_DATA_HOME/vaetop)]:folder:_files -/' \
            '--repair[save what can be read of a damaged study as a study of another name]' \
            '(-j --json)'{-j,--json}'[JSON on standard output; numbers are numbers, the unit is in the key]' \
            '(-o --output)'{-o,--output}'[where to write]:file:_files' \
            '(-h --help)'{-h,--help}'[this text]' \
            '1:studies:_vaetop_studies'
        ;;
    esac
}

_vaetop "$@"
