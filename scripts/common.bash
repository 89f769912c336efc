# What the scripts share; sourced, not run. Sets `root`, the repository's folder; works from any current folder.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

# die STATUS TEXT...: one clear line; the statuses are those of the programs (README.md)
die() {
    local status=$1
    shift
    say "$*"
    exit "$status"
}

# How many compilers at once: one per core.
jobs_count() { nproc 2>/dev/null || echo 2; }

# build_tree DIR OPTION...: configures and builds DIR; quiet unless it fails. A folder that was configured before keeps its
# generator, since CMake refuses to change it. After a failure all else is still built, so that what is there is of one state.
build_tree() {
    local dir=$1 log generator=() keep_going=-k
    shift
    [[ -e $dir/CMakeCache.txt ]] || generator=(-G Ninja)
    mkdir -p "$dir"
    log=$dir/build.log
    build_all() {
        [[ -e $dir/build.ninja ]] && keep_going=-k0
        cmake --build "$dir" -j "$(jobs_count)" -- "$keep_going"
    }
    if ! cmake -S "$root" -B "$dir" "${generator[@]}" "$@" >"$log" 2>&1 ||
        ! build_all >>"$log" 2>&1; then
        grep -v '^\[[0-9]*/[0-9]*\] Building' "$log" | tail -n 60 >&2
        say "building $dir failed; the whole log: $log"
        return 1
    fi
}
