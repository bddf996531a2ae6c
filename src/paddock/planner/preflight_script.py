"""The text of the ``git`` that stands before the real one inside a fence: POSIX shell, nothing but builtins until a command changes the working tree.

Rules of the script: whatever it does not understand goes to the real git unchanged; so does everything when a question to git fails. It stops only when git
itself has named a kept file. It is a convenience and no boundary: the mounts decide, whatever way git is called.
"""

from __future__ import annotations

__all__ = ["FOLDER", "KEPT", "SCRIPT"]

FOLDER = "/run/paddock/bin"
"""Where the script is, and nothing else. The fence's own memory: no program of the host's lies below ``/run``."""

KEPT = "/run/paddock/kept"
"""What may not change, a line each: kind, value, entry that lifts it, who else keeps it; separated by tabs, ``-`` for nothing (a shell joins tabs).

``k`` a path; ``n`` a name and ``p`` a beginning of a name, wherever they stand, which may not be made; ``l`` a path that is lifted. ``r`` is the project, from
which entries are written. ``e`` is a pattern (extended regular expression) that finds all the names in a list of paths as git prints it, ``x`` one for those
that do not count, and ``w`` (a folder and a pattern) for those that do not count where the folder exists.
"""

SCRIPT = r"""#!/bin/sh
# Looks, before git changes the working tree, whether it would change a file that this fence keeps read-only, and stops it then: half way through it would
# fail and leave the tree in pieces. Everything else goes to the real git as it came. PADDOCK_GIT_CHECK=0 switches it off.
set -f
real=
IFS=:
for folder in ${PATH-}; do
    [ "$folder" != /run/paddock/bin ] && [ -x "${folder:-.}/git" ] && [ ! -d "${folder:-.}/git" ] && real=${folder:-.}/git && break
done
IFS='
'
if [ -z "$real" ]; then
    echo "git: command not found" >&2
    exit 127
fi
# Whether a command leaves the working tree as it is, or changes only what it is told to.
ordinary() {
    case $1 in
    add | archive | bisect | blame | branch | bundle | cat-file | clean | clone | commit | config | count-objects | describe | diff | diff-* | fetch | \
    for-each-ref | format-patch | fsck | gc | grep | hash-object | help | init | log | ls-* | maintenance | merge-base | mv | notes | push | range-diff | \
    reflog | remote | rev-* | rm | shortlog | show | show-* | status | symbolic-ref | tag | update-* | version | worktree | write-tree | --version | '')
        return 0 ;;
    esac
    return 1
}
{ ordinary "${1-}" || [ "${PADDOCK_GIT_CHECK-1}" = 0 ]; } && exec "$real" "$@"

nl='
'
tab='	'
globals= specs= names= spared= lifted= filter= project=

# quote TEXT: TEXT as one word of the shell, in $quoted
quote() {
    rest=$1 quoted=
    while :; do
        case $rest in
            *\'*) quoted=$quoted${rest%%\'*}"'\\''" rest=${rest#*\'} ;;
            *) break ;;
        esac
    done
    quoted="'$quoted$rest'"
}

# ask WORDS: what the real git says, with the caller's own global options
ask() {
    eval "GIT_OPTIONAL_LOCKS=0 GIT_LITERAL_PATHSPECS=0 GIT_GLOB_PATHSPECS=0 GIT_NOGLOB_PATHSPECS=0 GIT_ICASE_PATHSPECS=0 \"\$real\" $globals \
        -c core.quotePath=true -c diff.relative=false -c diff.noprefix=false -c color.ui=false \"\$@\"" </dev/null 2>/dev/null
}
commit() { ask rev-parse -q --verify "$1^{commit}"; }
# kept QUERY: the names that a query of git's prints, as far as they are kept
kept() {
    [ -z "$specs" ] || eval "ask \"\$@\" -- $specs"
    [ -z "$names" ] || ask "$@" -- | grep -E -e "$names" | grep -E -v -e "$spared" | while read -r line; do
        for path in $lifted; do
            case $line in "$path" | "$path"/*) continue 2 ;; esac
        done
        printf '%s\n' "$line"
    done
}
# Names of kept files that differ: between two trees; between the index and a tree; between the working tree and a tree (or the index).
trees() { kept diff-tree -r --no-renames --name-only "$1" "$2"; }
index() { kept diff-index --cached --no-renames --name-only "$1"; }
files() { kept diff --no-ext-diff --no-renames --name-only ${filter:+"$filter"} ${1+"$1"}; }
# touched COMMIT [PARENT]: names of kept files that a commit changes
touched() { kept diff-tree -r --root --no-commit-id --no-renames --name-only ${2+"$2"} "$1"; }

# both LIST LIST: the lines that both have
both() {
    for line in $1; do
        case "$nl$2$nl" in *"$nl$line$nl"*) printf '%s\n' "$line" ;; esac
    done
}

# What is kept in this working tree: pathspecs of places in $specs, patterns of names in $names and $spared, what is lifted in $lifted.
learn() {
    top=$(ask rev-parse --show-toplevel) && [ -n "$top" ] && [ "$top" != / ] || return 1
    while IFS=$tab read -r kind value entry who; do
        case $kind in
            r) project=$value ;;
            e) command -v grep >/dev/null && names=$value ;;
            x) spared=$value ;;
            w) [ ! -d "$top/$value" ] || spared="$spared|$entry" ;;
            k | l)
                case $value in "$top"/*) ;; *) continue ;; esac
                value=${value#"$top"/}
                if [ $kind = l ]; then
                    lifted=$lifted$nl$value
                else
                    quote ":(top,literal)$value"
                    specs="$specs $quoted"
                fi ;;
        esac
    done </run/paddock/kept
    [ -n "$specs$names" ]
}

# stop LIST: nothing when the list is empty; else say what would be changed, and leave
stop() {
    [ -n "$1" ] || return 0
    count=0 options= others=
    echo "paddock: git $command would change files that may not be written here, so nothing was touched:" >&2
    seen=
    for line in $1; do
        case "$nl$seen$nl" in *"$nl$line$nl"*) continue ;; esac
        seen=$seen$nl$line count=$((count + 1))
        [ $count -le 20 ] || continue
        printf '  %s\n' "$line" >&2
        remedy "$line"
    done
    [ $count -le 20 ] || echo "  ... and $((count - 20)) more" >&2
    for line in $others; do printf '  %s\n' "$line" >&2; done
    [ -z "$options" ] || printf '%s\n' "  to allow it: paddock run$options -- git$original" >&2
    echo "  or run git outside of the fence" >&2
    exit 1
}

# lifts PATH BEFORE START: the entry for the part of a path that begins behind BEFORE with START, in $entry, from the top of the project
lifts() {
    entry=${1%%"$2"*} && rest=${1#"$entry/$3"} && entry=$entry/$3${rest%%/*}
    entry=$top$entry
    entry=${entry#"$project"/}
}

# remedy NAME: what lifts it, added to $options, or who keeps it, added to $others
remedy() {
    while IFS=$tab read -r kind value entry who; do
        case $kind in
            k)
                [ "$1" = "${value#"$top"/}" ] || case $top/$1 in "$value"/*) ;; *) false ;; esac || continue ;;
            n)
                case /$1/ in */"$value"/*) ;; *) continue ;; esac
                lifts "/$1/" "/$value/" "$value" ;;
            p)
                case /$1 in */"$value"*) ;; *) continue ;; esac
                lifts "/$1/" "/$value" "$value" ;;
            *) continue ;;
        esac
        if [ "$who" != - ]; then
            case "$nl$others$nl" in *"$nl$who$nl"*) ;; *) others=$others$nl$who ;; esac
        else
            case $entry in *[!A-Za-z0-9._/-]*) quote "$entry" && entry=$quoted ;; esac
            case "$options " in *" --unprotect $entry "*) ;; *) options="$options --unprotect $entry" ;; esac
        fi
        return 0
    done </run/paddock/kept
}

# moves TARGET: what going from HEAD to TARGET changes; what the index has already is there already
moves() {
    changed=$(trees HEAD "$1")
    [ -n "$changed" ] && both "$changed" "$(index "$1")"
}

# restores TREE PATHS: what taking PATHS from TREE (from the index when it is empty) changes
restores() {
    tree=$1
    shift
    changed=$(files ${tree:+"$tree"})
    [ -n "$changed" ] && both "$changed" "$(ask diff --no-ext-diff --no-renames --name-only $filter ${tree:+"$tree"} -- "$@")"
}

check_checkout() {
    force= fresh= orphan= first= count=0 filter=--diff-filter=a
    while [ $# -gt 0 ]; do
        case $1 in
            --) [ "$command" = switch ] || break ;;
            --orphan) orphan=1 && shift ;;
            --conflict | --create | --force-create) shift ;;
            --orphan=*) orphan=1 ;;
            -p | --patch | --pathspec-from-file*) return ;;
            --no-overlay) filter= ;;
            --force | --discard-changes) force=1 ;;
            --*) ;;
            -) count=$((count + 1)) first=${first:-@{-1\}} ;;
            -*[bBcC]) fresh=1 && case $1 in *f*) force=1 ;; esac && shift ;;
            -[bBcC]*) fresh=1 ;;
            -*) case $1 in *f*) force=1 ;; *p*) return ;; esac ;;
            *)
                # The first word is what to go to, unless it is a path; all others are paths.
                count=$((count + 1))
                [ $count -gt 1 ] && break
                first=$1 ;;
        esac
        [ $# -gt 0 ] && shift
    done
    if [ "${1-}" = -- ] && [ $# -gt 1 ]; then
        shift
        [ "$command" = switch ] || stop "$(restores "$first" "$@")"
        return
    fi
    if [ "$command" = switch ] && [ -n "$orphan" ]; then
        stop "$(kept ls-files)"
        return
    fi
    if [ $count -gt 1 ]; then
        if [ "$command" = checkout ] && ask rev-parse -q --verify "$first^{tree}" >/dev/null; then
            stop "$(restores "$first" "$@")"
        elif [ "$command" = checkout ]; then
            stop "$(restores '' "$first" "$@")"
        fi
        return
    fi
    filter=
    if [ -z "$first" ]; then
        [ -z "$force" ] || [ -n "$fresh$orphan" ] || stop "$(files HEAD)"
        return
    fi
    if [ -z "$(commit "$first")" ]; then
        if [ "$command" = checkout ] && [ -n "$(ask ls-files -- "$first")" ]; then
            stop "$(restores '' "$first")"
            return
        fi
        # A branch of exactly one remote is made when its name is given.
        first=$(ask for-each-ref '--format=%(refname)' "refs/remotes/*/$first")
        case $first in '' | *"$nl"*) return ;; esac
    fi
    if [ -n "$force" ]; then stop "$(files "$first")"; else stop "$(moves "$first")"; fi
}

check_restore() {
    tree= staged= worktree= paths=
    while [ $# -gt 0 ]; do
        case $1 in
            --) shift && break ;;
            -s | --source) tree=${2-} && shift ;;
            --source=*) tree=${1#*=} ;;
            -p | --patch | --pathspec-from-file*) return ;;
            --staged) staged=1 ;;
            --worktree) worktree=1 ;;
            --*) ;;
            -s*) tree=${1#-s} ;;
            -*S*W* | -*W*S*) staged=1 worktree=1 ;;
            -*S*) staged=1 ;;
            -*W*) worktree=1 ;;
            -*) ;;
            *) break ;;
        esac
        [ $# -gt 0 ] && shift
    done
    [ -n "$staged" ] && [ -z "$worktree" ] && return
    [ -z "$tree" ] && [ -n "$staged" ] && tree=HEAD
    [ $# -gt 0 ] && stop "$(restores "$tree" "$@")"
}

check_reset() {
    mode= target=HEAD
    while [ $# -gt 0 ]; do
        case $1 in
            --) break ;;
            --hard | --merge | --keep) mode=$1 ;;
            --soft | --mixed) return ;;
            -*) ;;
            *) target=$1 ;;
        esac
        shift
    done
    case $mode in
        --hard) [ -z "$(commit "$target")" ] || stop "$(files "$target")" ;;
        --?*) stop "$(moves "$target")" ;;
    esac
}

# joins TARGET: what merging TARGET into HEAD changes: what changed there since both parted, and is not the same here already
joins() {
    theirs=$(commit "$1") && ours=$(commit HEAD) || return 0
    base=$(ask merge-base "$ours" "$theirs") || return 0
    changed=$(trees "$base" "$theirs")
    [ -n "$changed" ] && both "$changed" "$(trees "$ours" "$theirs")"
}

check_merge() {
    targets=
    while [ $# -gt 0 ]; do
        case $1 in
            --abort | --continue | --quit) return ;;
            -s | --strategy) case ${2-} in ours | subtree) return ;; esac && shift ;;
            -sours | --strategy=ours | -ssubtree | --strategy=subtree) return ;;
            -m | -F | --file | --message | -X | --strategy-option | --into-name | --cleanup) shift ;;
            --) ;;
            -*) ;;
            *) targets=$targets$nl$1 ;;
        esac
        [ $# -gt 0 ] && shift
    done
    for target in ${targets:-@{upstream\}}; do
        stop "$(joins "$target")"
    done
}

check_picks() {
    mainline=1 revisions=
    while [ $# -gt 0 ]; do
        case $1 in
            --abort | --continue | --quit | --skip) return ;;
            -m | --mainline) mainline=${2-1} && shift ;;
            --mainline=*) mainline=${1#*=} ;;
            -X | --strategy | --strategy-option | --cleanup) shift ;;
            -*) ;;
            *) revisions=$revisions$nl$1 ;;
        esac
        [ $# -gt 0 ] && shift
    done
    # The words are revisions as git understands them, ranges included.
    # shellcheck disable=SC2086
    list=$(ask rev-list --no-walk=unsorted $revisions) || return
    single=$list count=0
    case $list in *"$nl"*) single= ;; esac
    for picked in $list; do
        count=$((count + 1))
        [ $count -le 500 ] || return
        parent=$(commit "$picked^$mainline")
        changed=$(touched "$picked" ${parent:+"$parent"})
        if [ -n "$changed" ] && [ -n "$single" ] && [ -n "$parent" ]; then
            # Alone: what is the same here already stays.
            if [ "$command" = revert ]; then result=$parent; else result=$picked; fi
            changed=$(both "$changed" "$(trees "$(commit HEAD)" "$result")")
        fi
        stop "$changed"
    done
}

# replays UPSTREAM ONTO BRANCH: what a rebase changes on its way
replays() {
    upstream=$(commit "$1") && onto=$(commit "$2") && branch=$(commit "$3") && ours=$(commit HEAD) || return 0
    if [ "$branch" = "$ours" ] && [ "$(ask merge-base "$branch" "$onto")" = "$onto" ] && [ "$upstream" = "$onto" ]; then
        # Nothing is replayed when the branch stands on it already, in one line.
        [ -z "$anyway" ] && [ -z "$(ask rev-list --merges --max-count=1 "$onto..$branch")" ] && return 0
    fi
    changed=$(trees "$ours" "$onto")
    [ -n "$changed" ] || changed=$(kept log --format= --no-renames --name-only "$upstream..$branch")
    printf '%s\n' "$changed"
}

check_rebase() {
    onto= first= second= anyway= root=
    while [ $# -gt 0 ]; do
        case $1 in
            --abort | --continue | --quit | --skip | --edit-todo | --show-current-patch) return ;;
            --onto) onto=${2-} && shift ;;
            --onto=*) onto=${1#*=} ;;
            -i | --interactive | -f | --force-rebase | --no-ff | -r | --rebase-merges* | --exec=* | --signoff | --whitespace=* | --ignore-date) anyway=1 ;;
            -x | --exec) anyway=1 && shift ;;
            --root | --keep-base) root=1 ;;
            -s | --strategy | -X | --strategy-option | -C | --empty) shift ;;
            -*) ;;
            *) if [ -z "$first" ]; then first=$1; else second=$1; fi ;;
        esac
        [ $# -gt 0 ] && shift
    done
    [ -z "$root" ] || return 0
    first=${first:-@{upstream\}}
    stop "$(replays "$first" "${onto:-$first}" "${second:-HEAD}")"
}

check_stash() {
    act=push
    case ${1-} in
        push | save | pop | apply | branch) act=$1 && shift ;;
        -*) ;;
        '') ;;
        *) return ;;
    esac
    case $act in
        push | save)
            untracked=
            while [ $# -gt 0 ]; do
                case $1 in
                    --) break ;;
                    -p | --patch | -S | --staged | --pathspec-from-file*) return ;;
                    -u | --include-untracked) untracked=--exclude-standard ;;
                    -a | --all) untracked=--others ;;
                    -m | --message) shift ;;
                    -*) ;;
                    *) break ;;
                esac
                [ $# -gt 0 ] && shift
            done
            [ "${1-}" = -- ] && shift
            if [ "$act" = push ] && [ $# -gt 0 ]; then
                stop "$(restores HEAD "$@")"
                return
            fi
            stop "$(files HEAD)"
            [ -z "$untracked" ] || stop "$(kept ls-files --others ${untracked#--others})" ;;
        *)
            [ "$act" = branch ] && [ $# -gt 0 ] && shift
            stash=
            for word in "$@"; do
                case $word in -*) ;; *) stash=$word ;; esac
            done
            case $stash in '') stash=stash@{0} ;; *[!0-9]*) ;; *) stash="stash@{$stash}" ;; esac
            [ -n "$(commit "$stash^1")" ] || return 0
            [ "$act" = branch ] && stop "$(moves "$stash^1")"
            stop "$(trees "$stash^1" "$stash")"
            [ -z "$(commit "$stash^3")" ] || stop "$(touched "$(commit "$stash^3")")" ;;
    esac
}

check_pull() {
    rebase= remote= refs=
    while [ $# -gt 0 ]; do
        case $1 in
            -r | --rebase | --rebase=true | --rebase=t* | --rebase=m* | --rebase=i*) rebase=true ;;
            --no-rebase | --rebase=false) rebase=false ;;
            --dry-run | --all | --multiple | --append | -a | --set-upstream) return ;;
            -s | --strategy | -X | --strategy-option | -j | --jobs | --depth | --deepen | --shallow-since | --shallow-exclude | --upload-pack | -o | \
                --server-option | --refmap | --negotiation-tip | --cleanup) shift ;;
            -*) ;;
            *) if [ -z "$remote" ]; then remote=$1; else refs=$refs$nl$1; fi ;;
        esac
        [ $# -gt 0 ] && shift
    done
    name=$(ask symbolic-ref -q --short HEAD)
    [ -n "$remote" ] || remote=$(ask config "branch.$name.remote") || return 0
    [ -n "$refs" ] || refs=$(ask config --get-all "branch.$name.merge") || return 0
    [ -n "$rebase" ] || rebase=$(ask config "branch.$name.rebase") || rebase=$(ask config pull.rebase)
    # Fetched without a word and without moving a branch: the pull itself does that and tells about it.
    # shellcheck disable=SC2086
    ask -c gc.auto=0 -c maintenance.auto=false fetch --quiet --no-tags --no-recurse-submodules --refmap= "$remote" $refs >/dev/null || return 0
    anyway=
    while IFS=$tab read -r target skip _; do
        [ "$skip" != not-for-merge ] || continue
        case $rebase in
            '' | false | no | off | 0) stop "$(joins "$target")" ;;
            *) stop "$(replays "$target" "$target" HEAD)" ;;
        esac
    done <"$(ask rev-parse --absolute-git-dir)/FETCH_HEAD"
}

# examine WORDS: find the command behind the options and look at what it would do
examine() {
    while [ $# -gt 0 ]; do
        case $1 in
            -C | -c | --git-dir | --work-tree | --namespace | --super-prefix | --config-env | --attr-source)
                [ $# -ge 2 ] || return 0
                quote "$1"
                globals="$globals $quoted"
                quote "$2"
                globals="$globals $quoted"
                shift ;;
            --literal-pathspecs | --glob-pathspecs | --noglob-pathspecs | --icase-pathspecs | -p | --paginate) ;;
            --help | -h | --version | -v | --html-path | --man-path | --info-path | --exec-path | --list-cmds=*) return 0 ;;
            -*)
                quote "$1"
                globals="$globals $quoted" ;;
            *) break ;;
        esac
        shift
    done
    [ $# -gt 0 ] || return 0
    command=$1
    shift
    ordinary "$command" && return 0
    for word in "$@"; do
        case $word in -h | --help) return 0 ;; --) break ;; esac
    done
    case $command in
        checkout | switch | restore | reset | merge | rebase | stash | pull | cherry-pick | revert) ;;
        *)
            [ -z "$inside_alias" ] && alias=$(ask config "alias.$command") && [ -n "$alias" ] || return 0
            case $alias in '!'* | *[\'\"\\]*) return 0 ;; esac
            inside_alias=1
            # shellcheck disable=SC2086
            { IFS=' ' && set -- $alias "$@" && IFS=$nl; }
            examine "$@"
            return 0 ;;
    esac
    learn || return 0
    case $command in
        checkout | switch) check_checkout "$@" ;;
        restore) check_restore "$@" ;;
        reset) check_reset "$@" ;;
        merge) check_merge "$@" ;;
        rebase) check_rebase "$@" ;;
        stash) check_stash "$@" ;;
        pull) check_pull "$@" ;;
        cherry-pick | revert) check_picks "$@" ;;
    esac
    return 0
}

inside_alias=
original=
for word in "$@"; do
    case $word in '' | *[!A-Za-z0-9._/=:@,+-]*) quote "$word" ;; *) quoted=$word ;; esac
    original="$original $quoted"
done
examine "$@"
exec "$real" "$@"
"""
