# The part of scripts/test that breaks things on purpose; sourced by it. Uses its root, work, results, midflight, check, ok, not_ok.

# Everything that a drill starts carries this mark in its environment, so that what is left of it can be found.
survivors() { grep -l -a -z -x -F "MIDFLIGHT_DRILL=$1" /proc/[0-9]*/environ 2>/dev/null | sed 's,/proc/\([0-9]*\)/.*,\1,'; }

# nobody_left NAME: says who is left, if anybody
nobody_left() {
    local pids pid
    pids=$(survivors "$1") || true
    [[ -n $pids ]] || return 0
    for pid in $pids; do
        echo "left behind: $pid $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"
    done
    return 1
}

# drill NAME STATUS WORDS COMMAND...: must end with that status, say what is wrong in one line, WORDS (a pattern) in it, and
# leave no process
drill() {
    local name=$1 wanted=$2 words=$3 status=0 said=$work/drill.log why= line lines=0
    shift 3
    MIDFLIGHT_DRILL=$name timeout 60 "$@" >/dev/null 2>"$said" </dev/null || status=$?
    ((status == wanted)) || why+="status $status, wanted $wanted; "
    while IFS= read -r line; do
        # shellcheck disable=SC2053 # words is a pattern
        if [[ $line == $words ]]; then lines=$((lines + 1)); fi
    done <"$said"
    ((lines == 1)) || why+="$lines lines say $words, wanted 1; "
    nobody_left "$name" >>"$said" || why+="processes are left; "
    if [[ -z $why ]]; then ok "drill $name"; else not_ok "drill $name" "${why%; }" "$said"; fi
}

# --- an installed tree --------------------------------------------------------------------------------------------------------

installed=$work/installed
check "install" cmake --install "$root/build" --prefix "$installed"
runs_from_anywhere() {
    cd / || return
    local scenario
    scenario=$(find "$installed" -name smoke.json) || return
    "$installed/bin/midflight" run "$scenario" --out "$results/installed" || return
    [[ -s $results/installed/plots/strategies.png ]] || { echo "no plots"; return 1; }
}
check "an installed tree runs from any folder" runs_from_anywhere

# --- Ctrl-C -------------------------------------------------------------------------------------------------------------------

interrupt() {
    local status=0
    MIDFLIGHT_DRILL=interrupt "$root/scripts/drill-terminal" 'upgrades [1-9][0-9]*/' "$midflight" run "$root/scenarios/smoke.json" \
        --set load.duration_ms=60000 --set 'expect={}' --out "$results/interrupted" || status=$?
    nobody_left interrupt || return 1
    ((status == 130)) || { echo "status $status, wanted 130"; return 1; }
    [[ -s $results/interrupted/report.json ]] || { echo "no report"; return 1; }
    grep -q '"interrupted": true' "$results/interrupted/report.json" || { echo "the report does not say that it was interrupted"; return 1; }
}
check "Ctrl-C writes what was measured and leaves no process" interrupt

# --- a target that cannot -----------------------------------------------------------------------------------------------------

drill missing-module 3 '*pingpong/v9*' "$midflight" run "$root/scenarios/smoke.json" --cell strategy=swap --out "$work/missing-module" \
    --set 'target.node.modules=["pingpong/v1", "pingpong/v9"]'

# A libexec folder whose node answers questions about modules, and dies when it is to start.
mkdir "$work/libexec"
ln -s "$root/build/midflight-load" "$root/build/modules" "$root/build/scripts" "$work/libexec/"
cat >"$work/libexec/midflight-node" <<SCRIPT
#!/bin/bash
for argument; do
    [[ \$argument != --describe ]] || exec "$root/build/midflight-node" "\$@"
done
echo "no luck today" >&2
exit 7
SCRIPT
chmod +x "$work/libexec/midflight-node"
drill target-dies-at-start 3 '*no luck today*' env MIDFLIGHT_LIBEXEC="$work/libexec" "$midflight" run "$root/scenarios/smoke.json" --cell strategy=swap \
    --out "$work/target-dies"

# --- a disk that cannot -------------------------------------------------------------------------------------------------------

# A file system of our own in a mount namespace: nobody else sees it, and it goes when the drill ends.
mkdir "$work/small"
own_mounts=(unshare --mount)
((EUID == 0)) || own_mounts=(unshare --map-root-user --mount)
if "${own_mounts[@]}" mount -t tmpfs -o size=64k tmpfs "$work/small" 2>/dev/null; then
    # shellcheck disable=SC2016
    drill full-disk 70 '*No space left on device*' "${own_mounts[@]}" /bin/bash -c '
        mount -t tmpfs -o size=64k tmpfs "$1" || exit
        "$2" run "$3" --cell strategy=swap --out "$1/out"
        status=$?
        [[ ! -e $1/out/report.json ]] || /usr/bin/python3 -m json.tool "$1/out/report.json" >/dev/null || echo "report.json is cut off" >&2
        exit $status' - "$work/small" "$midflight" "$root/scenarios/smoke.json"
else
    echo "skip drill full-disk: this machine lets us mount nothing"
fi

# Root may write everywhere, so as root the drill goes in as nobody, with the installed tree, which everybody may read.
mkdir "$work/unwritable"
as_nobody=()
if ((EUID == 0)); then as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups); else chmod 555 "$work/unwritable"; fi
scenario_file=$(find "$installed" -name smoke.json)
drill unwritable-folder 2 "*$work/unwritable*" "${as_nobody[@]}" "$installed/bin/midflight" run "$scenario_file" --cell strategy=swap \
    --out "$work/unwritable/out"

# --- things that go wrong on purpose --------------------------------------------------------------------------------------------

shared_memory() { find /dev/shm -mindepth 1 2>/dev/null | LC_ALL=C sort; }

# Whatever is killed, hangs or crashes in there: no process, socket, saved state, folder, shared memory or file system stays.
faults_leave_nothing() {
    local status=0 temporary=$work/faults-tmp before left
    mkdir "$temporary"
    before=$(shared_memory)
    TMPDIR=$temporary MIDFLIGHT_DRILL=faults "$midflight" run "$root/scenarios/faults.json" --out "$results/faults" --no-plot || status=$?
    nobody_left faults || return 1
    left=$(find "$temporary" "$results/faults" -mindepth 1 \( -type s -o -name node -o -name 'state-*' -o -path "$temporary/*" \))
    [[ $(shared_memory) == "$before" ]] || left+=" $(shared_memory)"
    left+=$(grep -F "$results" /proc/self/mounts || true)
    [[ -z $left ]] || { echo "left behind: $left"; return 1; }
    ((status == 0)) || { echo "status $status, wanted 0"; return 1; }
}
check "faults leave nothing behind" faults_leave_nothing
check "a sweep of faults is a matrix of 120 columns" bash -o pipefail -c '"$1" compare "$2" | awk "length(\$0) > 120 { bad = 1 } /^handoff.* back/ { seen = 1 } END { exit bad || !seen }"' \
    - "$midflight" "$results/faults"

# --- a scenario that is wrong ---------------------------------------------------------------------------------------------------

drill unknown-key 2 '*load.rate_per_sec*' "$midflight" run "$root/scenarios/smoke.json" --cell strategy=swap --out "$work/unknown" --set 'load.rate_per_sec=1'
drill folder-not-empty 2 "*$root/scenarios*" "$midflight" run "$root/scenarios/smoke.json" --cell strategy=swap --out "$root/scenarios"

# --- who stalled? -----------------------------------------------------------------------------------------------------------------

# stall NAME HOW WHO STATUS ARGUMENT...: an upgrade every 100 ms, none of which changes anything; WHO is stopped (HOW: --stall) or has its
# processor taken away by somebody of higher priority (--hog) for 300 ms amidst them. A spike of over 50 ms is expected not to be there.
stall() {
    local name=$1 how=$2 who=$3 wanted=$4 status=0
    shift 4
    MIDFLIGHT_DRILL=$name "$root/scripts/drill-terminal" "$how" "$who" 300 'upgrades [1-9][0-9]*/' "$midflight" run "$root/scenarios/smoke.json" \
        --set 'sweep={"target.node.strategy": ["none"]}' --set load.duration_ms=3000 --set load.window_ms=100 \
        --set 'upgrades=[{"every_ms": 100, "count": 25}]' --set proof.in_flight_min=0 --set 'expect={"lost": 0, "spike_ms.max": {"max": 50}}' "$@" --no-plot \
        --out "$results/$name" || status=$?
    nobody_left "$name" || return 1
    ((status == wanted)) || { echo "status $status, wanted $wanted"; return 1; }
}
# load_was_late DIR [ms]: by so much in one go; with ms, also ready for so long without a processor, of the 3 s of the run
load_was_late() {
    /usr/bin/python3 -c 'import json, sys
seen = json.load(open(sys.argv[1]))["cells"][0]["instrument"]
late, waited = seen["wakeup_late_us_max"], seen["runqueue_fraction"]
print("the load was late by", late, "us, and waited for a processor in", waited, "of the time")
wanted = float(sys.argv[2]) / 3000 if len(sys.argv) > 2 and waited is not None else 0
sys.exit(late < 250e3 or (waited or 0) < wanted)' "$1/report.json" "${@:2}"
}
check "a target that stalls fails an expectation of its spikes" stall stalled-target --stall midflight-node 1
check "a load that stalls is no spike of the target" stall stalled-load --stall midflight-load 0
check "... and its report says how late it was" load_was_late "$results/stalled-load"
check "a load that stalls for too much of the time gives unknown" stall stalled-load-unknown --stall midflight-load 4 --set proof.tainted_max_share=0.05
if (($(nproc) > 1)); then
    check "a load that is starved is no spike of the target" stall starved-load --hog midflight-load 0
    check "... and its report says how late it was, and why" load_was_late "$results/starved-load" 200
    check "a load that is starved for too much of the time gives unknown" stall starved-load-unknown --hog midflight-load 4 --set proof.tainted_max_share=0.05
    check "a target that is starved fails an expectation of its spikes" stall starved-target --hog midflight-node 1
else
    echo "skip drills of starving: this machine has one processor"
fi
